import type { Frame } from '../frame.js';
import { LINEAR } from '../image/colour.js';
import { quantile } from '../image/filters.js';
import { alignedFace } from './aligned.js';

/** A pixel is clipped when a channel is at least HIGH, or all are at most LOW. */
const HIGH = 250;
const LOW = 5;
/** Fewer pixels of a zone inside the face than this, of about a thousand: the cheek is turned away. */
const MIN_PIXELS = 100;

/** The colour of the skin where OFIQ looks for it: on the cheeks of the largest face. Linear light 0..1. */
export interface Cheeks {
  /** Median of R, of G and of B over both cheeks. */
  colour: readonly [number, number, number];
  /** Median luminance over both cheeks, of the left and of the right one in the picture; NaN for one that is turned away. */
  light: number;
  left: number;
  right: number;
  /** Share of pixels that are too bright or too dark to tell their colour, 0..1. */
  clipped: number;
}

/**
 * Medians over the cheek zones of the largest face. Clipped pixels stay in: they keep their rank, so that the median does not move
 * before half of the skin is clipped, while leaving them out would pull it. How many there are is told.
 *
 * @throws Unassessable no-face, model-missing
 *
 * @example
 * const { light, clipped } = await frame.derive(cheeksOf);
 */
export async function cheeksOf(frame: Frame): Promise<Cheeks> {
  const { rgb, cheeks } = await frame.derive(alignedFace);
  const both = [...cheeks.left, ...cheeks.right];
  const channel = (pixels: readonly number[], c: number): Float32Array =>
    Float32Array.from(pixels, (i) => LINEAR[rgb[3 * i + c] as number] as number);
  const light = (pixels: readonly number[]): number => {
    if (pixels.length < MIN_PIXELS) return Number.NaN;
    const [r, g, b] = [channel(pixels, 0), channel(pixels, 1), channel(pixels, 2)];
    return quantile(
      r.map((v, i) => 0.2126 * v + 0.7152 * (g[i] as number) + 0.0722 * (b[i] as number)),
      0.5,
    );
  };
  const clipped = both.filter((i) => {
    const [r, g, b] = [rgb[3 * i] as number, rgb[3 * i + 1] as number, rgb[3 * i + 2] as number];
    return Math.max(r, g, b) >= HIGH || Math.max(r, g, b) <= LOW;
  }).length;
  const median = (c: number): number => quantile(channel(both, c), 0.5);
  return {
    colour: [median(0), median(1), median(2)],
    light: light(both),
    left: light(cheeks.left),
    right: light(cheeks.right),
    clipped: both.length === 0 ? 0 : clipped / both.length,
  };
}
