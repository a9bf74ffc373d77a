/** A picture as three planes that part what the eye parts: grey, red against green, yellow against blue. */
import type { Frame, Picture, Plane } from '../frame.js';
import { resized } from './correlation.js';

/** Grey 0..255 (BT.601 weights); half of red less green and of yellow less blue, -128..128. All of one size. */
export type Tones = readonly [grey: Plane, redGreen: Plane, yellowBlue: Plane];

/** Below this long side no smaller copy is made. */
const SMALLEST = 24;

/** @example tonesOf(frame.working)[0]; // its grey */
export function tonesOf({ width, height, rgb }: Picture): Tones {
  const [grey, redGreen, yellowBlue] = [0, 1, 2].map(() => new Float32Array(width * height)) as [Float32Array, Float32Array, Float32Array]; // prettier-ignore
  for (let i = 0, p = 0; i < grey.length; i++, p += 3) {
    const [r, g, b] = [rgb[p] as number, rgb[p + 1] as number, rgb[p + 2] as number];
    grey[i] = 0.299 * r + 0.587 * g + 0.114 * b;
    redGreen[i] = (r - g) / 2;
    yellowBlue[i] = ((r + g) / 2 - b) / 2;
  }
  return [grey, redGreen, yellowBlue].map((data) => ({ width, height, data })) as unknown as Tones;
}

/** The same change to each plane. */
export const eachTone = ([grey, redGreen, yellowBlue]: Tones, change: (plane: Plane) => Plane): Tones => [
  change(grey),
  change(redGreen),
  change(yellowBlue),
];

/** The working picture and its halves, largest first. */
export function tonePyramid({ working }: Frame): readonly Tones[] {
  const levels = [tonesOf(working)];
  for (let [{ width, height }] = levels[0] as Tones; Math.max(width, height) > SMALLEST;) {
    [width, height] = [Math.max(1, width >> 1), Math.max(1, height >> 1)];
    const to = { width, height };
    levels.push(eachTone(levels.at(-1) as Tones, (plane) => resized(plane, to)));
  }
  return levels;
}

/** A part of a plane, within it. */
export function planePart({ width, data }: Plane, { left, top, ...size }: Part): Plane {
  const out = new Float32Array(size.width * size.height);
  for (let y = 0; y < size.height; y++) {
    const from = (top + y) * width + left;
    out.set(data.subarray(from, from + size.width), y * size.width);
  }
  return { ...size, data: out };
}

/** A part of a picture, within it. */
export function picturePart({ width, rgb }: Picture, { left, top, ...size }: Part): Picture {
  const out = new Uint8Array(3 * size.width * size.height);
  for (let y = 0; y < size.height; y++) {
    const from = 3 * ((top + y) * width + left);
    out.set(rgb.subarray(from, from + 3 * size.width), 3 * y * size.width);
  }
  return { ...size, rgb: out };
}

/** Whole pixels. */
export interface Part {
  left: number;
  top: number;
  width: number;
  height: number;
}
