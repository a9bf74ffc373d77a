import type { Frame } from '../frame.js';
import { alignedFace } from './aligned.js';

/** Linear luminance 0..255 at or below, and at or above: too dark, too bright. */
const DARK = 25;
const BRIGHT = 247;
/** Fewer pixels of a cheek than this: it is turned away. */
const MIN_PIXELS = 100;

/** How light falls on a face; OFIQ's measures. */
export interface FaceLight {
  /** Mean linear luminance 0..1. */
  mean: number;
  /** Share of the face that is too dark and too bright, 0..1. */
  under: number;
  over: number;
  /** Entropy of the luminance histogram, bits. */
  range: number;
  /** Intersection of the cheeks' luminance histograms, 0..1; NaN where a cheek is turned away. */
  uniformity: number;
}

/**
 * OFIQ 1.0.3 (ISO/IEC 29794-5): Luminance, UnderExposurePrevention, OverExposurePrevention, DynamicRange, IlluminationUniformity. What
 * covers the face is not known here and counts as face; pixels of a cheek zone beyond the face are left out instead of counted as black.
 *
 * @throws Unassessable no-face, model-missing
 */
export async function faceLightOf(frame: Frame): Promise<FaceLight> {
  const { luminance, mask, cheeks } = await frame.derive(alignedFace);
  const inside: number[] = [];
  for (let i = 0; i < mask.length; i++) if (mask[i] === 1) inside.push(i);
  const face = histogram(luminance, inside);
  const share = (from: number, to: number): number => face.slice(from, to + 1).reduce((sum, v) => sum + v, 0);
  const [left, right] = [histogram(luminance, cheeks.left), histogram(luminance, cheeks.right)];
  const seen = Math.min(cheeks.left.length, cheeks.right.length) >= MIN_PIXELS;
  return {
    mean: face.reduce((sum, v, level) => sum + (v * level) / 255, 0),
    under: share(0, DARK),
    over: share(BRIGHT, 255),
    range: Math.max(0, -face.reduce((sum, v) => sum + (v > 0 ? v * Math.log2(v) : 0), 0)),
    uniformity: seen
      ? Math.min(
          1,
          left.reduce((sum, v, level) => sum + Math.min(v, right[level] as number), 0),
        )
      : Number.NaN,
  };
}

/** Shares of the 256 levels among some pixels. */
function histogram(levels: Uint8Array, pixels: readonly number[]): number[] {
  const counts = new Array<number>(256).fill(0);
  for (const i of pixels) {
    const level = levels[i] as number;
    counts[level] = (counts[level] as number) + 1;
  }
  return counts.map((count) => (pixels.length === 0 ? 0 : count / pixels.length));
}
