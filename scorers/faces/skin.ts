import type { Frame } from '../frame.js';
import { components } from '../image/components.js';
import type { Lab } from '../image/colour.js';
import { quantile } from '../image/filters.js';
import { mainFace, type Face } from './faces.js';
import { fillPolygon } from '../image/geometry.js';
import { meshPoint } from './mesh.js';
import { LEFT_EYE, LIPS, OVAL, RIGHT_EYE } from './outlines.js';
import type { Point } from '../image/view.js';

/** Distances in a*, b* in units of the face's own spread: certain skin, and skin in doubt. */
const CERTAIN = 1.5;
const POSSIBLE = 3;
/** The spread is taken as no smaller and no larger than this, in CIELAB units: light of two colours must not make everything skin. */
const MIN_SPREAD = 2.5;
const MAX_SPREAD = 6;
/** Skin elsewhere is at most so much darker and lighter than the face, L*. */
const DARKER = 40;
const LIGHTER = 25;
/** A patch of possible skin is skin when at least this share of it is certain, and it is no smaller than this share of the picture. */
const CERTAIN_SHARE = 0.25;
const MIN_PATCH = 0.0005;

/** Which pixels of the working picture are skin. */
export interface Skin {
  /** Of `frame.working`: 1 = skin. */
  mask: Uint8Array;
  /** Skin pixels / all pixels. */
  share: number;
  /** Median of the face's skin. */
  tone: Lab;
}

/**
 * Skin of the person with the largest face, on the working picture: the tone is taken from the face without eyes, brows and lips,
 * then looked for everywhere. Beige things beside the person are taken for skin; look only at the subject's pixels.
 *
 * @throws Unassessable no-face, model-missing
 *
 * @example
 * const { mask } = await frame.derive(skinMask);
 */
export async function skinMask(frame: Frame): Promise<Skin> {
  const face = await frame.derive(mainFace);
  const { width, height } = frame.working;
  const { l, a, b } = frame.lab;
  const seeds = faceSkin(frame, face);
  const values = (plane: Float32Array): Float32Array => plane.filter((_, i) => seeds[i] === 1);
  const [L, A, B] = [spread(values(l)), spread(values(a)), spread(values(b))];

  const distance = new Float32Array(l.length);
  for (let i = 0; i < l.length; i++)
    distance[i] = Math.hypot(((a[i] as number) - A.median) / A.sigma, ((b[i] as number) - B.median) / B.sigma);
  const possible = new Uint8Array(l.length);
  for (let i = 0; i < l.length; i++) {
    const lighter = (l[i] as number) - L.median;
    if ((distance[i] as number) < POSSIBLE && lighter > -DARKER && lighter < LIGHTER) possible[i] = 1;
  }
  const { labels, list } = components(possible, width, height);
  const certain = new Uint32Array(list.length + 1);
  for (let i = 0; i < labels.length; i++)
    if (seeds[i] === 1 || (distance[i] as number) < CERTAIN)
      certain[labels[i] as number] = (certain[labels[i] as number] as number) + 1;
  const isSkin = new Uint8Array(list.length + 1);
  for (const { label, area } of list)
    isSkin[label] = area >= MIN_PATCH * l.length && (certain[label] as number) >= CERTAIN_SHARE * area ? 1 : 0;
  const mask = new Uint8Array(l.length);
  let count = 0;
  for (let i = 0; i < mask.length; i++)
    if (isSkin[labels[i] as number] === 1) {
      mask[i] = 1;
      count++;
    }
  return { mask, share: count / mask.length, tone: [L.median, A.median, B.median] };
}

/** The face without eyes, brows and lips, on the working picture. */
function faceSkin({ width: full, working: { width, height } }: Frame, { mesh }: Face): Uint8Array {
  const scale = width / full;
  const region = (outline: readonly number[]): Uint8Array =>
    fillPolygon(
      outline.map((index): Point => {
        const [x, y] = meshPoint(mesh, index);
        return [x * scale, y * scale];
      }),
      width,
      height,
    );
  const skin = region(OVAL);
  for (const outline of [LIPS, LEFT_EYE, RIGHT_EYE]) {
    const other = region(outline);
    for (let i = 0; i < skin.length; i++) if (other[i] === 1) skin[i] = 0;
  }
  return skin;
}

/** Median and spread (1.4826 x the median distance from it, which is sigma for a normal distribution). */
function spread(values: Float32Array): { median: number; sigma: number } {
  const median = quantile(values, 0.5);
  const sigma =
    1.4826 *
    quantile(
      values.map((v) => Math.abs(v - median)),
      0.5,
    );
  return { median, sigma: Math.min(MAX_SPREAD, Math.max(MIN_SPREAD, sigma)) };
}
