import type { Frame } from '../frame.js';
import { greenTiles, transposed } from './green.js';

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
export function banding(frame: Frame): Banding {
  let [banded, scanned] = [0, 0];
  for (const tile of frame.derive(greenTiles))
    for (const { width, height, data } of [tile, transposed(tile)]) {
      for (let start = 0; start < data.length; start += width) banded += bandedIn(data, start, start + width);
      scanned += width * height;
    }
  return { share: scanned === 0 ? 0 : banded / scanned };
}

/** Samples of one line, `from` to before `end`, that belong to bands. */
function bandedIn(line: Uint8Array, from: number, end: number): number {
  let banded = 0;
  // the even run that ends right before `at`: its level, and its length unless that was counted already
  let [last, uncounted] = [Number.NaN, 0];
  let at = from;
  while (at + RUN <= end) {
    const level = line[at] as number;
    let next = at + RUN - 1;
    if (line[next] !== level) {
      // no run that starts before the one seen there can be long enough
      while (line[next - 1] === line[next]) next--;
      [at, last, uncounted] = [next, Number.NaN, 0];
      continue;
    }
    next = at + 1;
    while (next < end && line[next] === level) next++;
    const run = next - at;
    if (run < RUN) [last, uncounted] = [Number.NaN, 0];
    else {
      const step = Math.abs(level - last);
      if (step >= STEP.min && step <= STEP.max) {
        banded += run + uncounted;
        uncounted = 0;
      } else uncounted = run;
      last = level;
    }
    at = next;
  }
  return banded;
}
