import type { Frame } from '../frame.js';

export interface Banding {
  /** Share of scanned pixels that belong to two neighbouring even runs with a visible step between them, 0..1. */
  share: number;
}

/** A band is at least this wide: narrower stairs are read as texture. */
const RUN = 8;
/** A step of one level is what any 8-bit ramp has and no eye sees; a larger one than eight is an edge. */
const STEP = { min: 2, max: 8 } as const;

/**
 * Stairs in what should be a smooth ramp: along rows and columns of the native tiles, two even runs of at least 8 pixels that meet in a step of
 * 2 to 8 levels (green channel). Noise or dither of one level breaks the runs, as it hides the bands.
 *
 * There is no standard measure; this one follows the definition of a band as a run between two small steps (Bhagavathy, Llach, Zhai, Multiscale
 * probabilistic dithering for suppressing contour artifacts in digital images, IEEE TIP 18, 2009).
 */
export function banding({ rgb, width, tiles }: Frame): Banding {
  let [banded, scanned] = [0, 0];
  /** One line of `length` samples from `start`, `stride` bytes apart. */
  const scan = (start: number, stride: number, length: number): void => {
    let [previous, level, run] = [0, rgb[start] as number, 1];
    let last = Number.NaN;
    for (let i = 1; i <= length; i++) {
      const value = i < length ? (rgb[start + i * stride] as number) : -1;
      if (value === level) {
        run++;
        continue;
      }
      const step = Math.abs(level - last);
      // The earlier run was counted already where it also met its own predecessor.
      if (run >= RUN && step >= STEP.min && step <= STEP.max) {
        banded += run + Math.max(0, previous);
        previous = 0;
      } else previous = run >= RUN ? run : 0;
      last = run >= RUN ? level : Number.NaN;
      [level, run] = [value, 1];
    }
    scanned += length;
  };
  for (const tile of tiles) {
    for (let y = tile.y; y < tile.y + tile.height; y++) scan(3 * (y * width + tile.x) + 1, 3, tile.width);
    for (let x = tile.x; x < tile.x + tile.width; x++) scan(3 * (tile.y * width + x) + 1, 3 * width, tile.height);
  }
  return { share: scanned === 0 ? 0 : banded / scanned };
}
