import type { Frame } from '../frame.js';
import { dctMatrix } from './dct.js';

/** Luma quantiser of the JPEG standard (ITU-T T.81, Annex K.1), row by row. */
const ANNEX_K = [
  16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51,
  87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92, 49, 64, 78, 87, 103, 121, 120, 101,
  72, 92, 95, 98, 112, 100, 103, 99,
];
/** Coefficients that are read: the lowest frequencies, u + v from 1 to this. */
const HIGHEST = 4;
/** Coefficients below this are rounding noise, not signal. */
const MIN_COEFFICIENT = 3;
/** Fewest coefficients that allow an answer. */
const MIN_COUNT = 20;
/** Coefficients that are looked at per frequency; more add time, not certainty. */
const MAX_PER_FREQUENCY = 64;
/** Usable blocks that are enough, and in how many passes the picture is gone over to find them. */
const ENOUGH_BLOCKS = 512;
const PASSES = 7;
/** How regular the comb must be: 1 is perfect, 0 none. Few coefficients look regular by chance, so they must be more so. */
const minComb = (count: number): number => 0.45 + 1.5 / Math.sqrt(count);
const QUALITIES = Array.from({ length: 80 }, (_, k) => k + 1);

export interface Quantiser {
  /** Luma quantiser as a multiple of the standard's table; 0 where no trace of a coarse JPEG was found. */
  step: number;
  /** Regularity of the comb at that step, 0..1. */
  comb: number;
  /** Coefficients that were read. */
  count: number;
}

/** Steps of the table at a quality of libjpeg (1..100). */
const tableStep = (quality: number): number => (quality < 50 ? 50 / quality : (200 - 2 * quality) / 100);

const DCT = dctMatrix(8);
const LOW: number[] = [];
for (let v = 0; v <= HIGHEST; v++) for (let u = 0; u + v <= HIGHEST; u++) if (u + v > 0) LOW.push(v * 8 + u);

/**
 * Finds the JPEG quantiser that a picture once went through, from the comb it left in the DCT coefficients of the 8 x 8 grid:
 * all of them are near multiples of the step. Works on any later lossless copy of the same size, not after a resize or crop.
 * Source: Fan, de Queiroz, "Identification of bitmap compression history: JPEG detection and quantizer estimation", IEEE
 * Transactions on Image Processing 12 (2003).
 *
 * @example
 * frame.derive(quantiser).step; // 1.67 for quality 30
 */
export function quantiser(frame: Frame): Quantiser {
  const all = lowCoefficients(frame);
  const count = all.reduce((sum, list) => sum + list.length, 0);
  const coefficients = all.map(thinned);
  if (count < MIN_COUNT) return { step: 0, comb: 0, count };
  const combs = QUALITIES.map((quality) => combAt(coefficients, tableStep(quality)));
  const best = Math.max(...combs);
  const least = minComb(count);
  // half the true step fits as well as the true one: the coarsest peak that is nearly as good is the true one
  const at = combs.findIndex(
    (comb, k) => comb >= least && comb >= 0.75 * best && comb >= (combs[k - 1] ?? 0) && comb >= (combs[k + 1] ?? 0),
  );
  if (at < 0) return { step: 0, comb: Math.max(0, best), count };
  return { step: tableStep(QUALITIES[at] as number), comb: combs[at] as number, count };
}

function thinned(list: number[]): Float32Array {
  const step = Math.max(1, list.length / MAX_PER_FREQUENCY);
  return Float32Array.from(
    { length: Math.min(list.length, MAX_PER_FREQUENCY) },
    (_, k) => list[Math.floor(k * step)] as number,
  );
}

/** cos(2 pi k / 4096). */
const WAVE = Float64Array.from({ length: 4096 }, (_, k) => Math.cos((2 * Math.PI * k) / 4096));

function combAt(coefficients: readonly Float32Array[], step: number): number {
  let sum = 0;
  let n = 0;
  for (let k = 0; k < coefficients.length; k++) {
    const q = Math.min(255, Math.max(1, Math.floor((ANNEX_K[LOW[k] as number] as number) * step + 0.5)));
    if (q < 5) continue;
    const list = coefficients[k] as Float32Array;
    for (let j = 0; j < list.length; j++) {
      const steps = (list[j] as number) / q;
      // a signal below half a step contradicts the step, it does not confirm it
      sum += steps < 0.5 ? -1 : (WAVE[((steps - Math.floor(steps)) * 4096) | 0] as number);
    }
    n += list.length;
  }
  return n === 0 ? 0 : sum / n;
}

/** Sizes of the signal coefficients per low frequency, from unclipped, not flat blocks of the native tiles. */
function lowCoefficients({ rgb, width, tiles }: Frame): number[][] {
  const found: number[][] = LOW.map(() => []);
  const corners: number[] = [];
  for (const tile of tiles)
    for (let y = tile.y; y + 8 <= tile.y + tile.height; y += 8)
      for (let x = tile.x; x + 8 <= tile.x + tile.width; x += 8) corners.push(3 * (y * width + x));
  const block = new Float64Array(64);
  const rows = new Float64Array(64);
  let usable = 0;
  // every seventh block of the picture first, then those beside them, until there are enough
  for (let first = 0; first < PASSES && usable < ENOUGH_BLOCKS; first++)
    for (let n = first; n < corners.length; n += PASSES) {
      if (!readBlock({ rgb, stride: 3 * width, corner: corners[n] as number, block })) continue;
      usable++;
      for (let y = 0; y < 64; y += 8)
        for (let u = 0; u <= HIGHEST; u++) {
          let sum = 0;
          for (let x = 0; x < 8; x++) sum += (DCT[u * 8 + x] as number) * (block[y + x] as number);
          rows[y + u] = sum;
        }
      for (let k = 0; k < LOW.length; k++) {
        const at = LOW[k] as number;
        const u = at & 7;
        let sum = 0;
        for (let y = 0; y < 8; y++) sum += (DCT[at - u + y] as number) * (rows[y * 8 + u] as number);
        if (sum >= MIN_COEFFICIENT || -sum >= MIN_COEFFICIENT) (found[k] as number[]).push(Math.abs(sum));
      }
    }
  return found;
}

/** Luma of one block; false where it is flat or clipped (a clipped block no longer has the coefficients it was coded with). */
function readBlock(of: { rgb: Uint8Array; stride: number; corner: number; block: Float64Array }): boolean {
  const { rgb, stride, corner, block } = of;
  let low = 255;
  let high = 0;
  for (let y = 0, i = 0; y < 8; y++)
    for (let p = corner + y * stride, end = p + 24; p < end; p += 3, i++) {
      const r = rgb[p] as number;
      const g = rgb[p + 1] as number;
      const b = rgb[p + 2] as number;
      if (r === 255 || g === 255 || b === 255 || r === 0 || g === 0 || b === 0) return false;
      const luma = 0.299 * r + 0.587 * g + 0.114 * b;
      block[i] = luma;
      if (luma < low) low = luma;
      if (luma > high) high = luma;
    }
  return high - low >= 2;
}
