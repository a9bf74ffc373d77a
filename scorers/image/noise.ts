import type { Frame } from '../frame.js';
import { quantile } from './filters.js';

/** Side of the squares in which noise is measured, full-size pixels. */
const BLOCK = 16;
/** Bytes at or beyond these are clipped: there the noise is cut off and reads too low. */
const LOW = 1;
const HIGH = 254;
/** Largest share of clipped samples in a block that still reads right within 2 %. */
const MAX_CLIPPED = 0.01;
/** The share of blocks that counts as flat: structure only ever adds to the estimate, so the lowest are the truth. */
const FLAT_SHARE = 0.2;

export interface NoiseEstimate {
  /** Standard deviation per channel in grey levels 0..255, mean over R, G and B; NaN when nothing could be used. */
  sigma: number;
  /** Blocks that were neither clipped nor empty. */
  blocks: number;
}

/**
 * Noise of the full-size picture: Immerkaer's estimator on 16 x 16 blocks of the native tiles, every second row of them, per colour channel, the low
 * quantile over unclipped blocks.
 * Source: Immerkaer, "Fast Noise Variance Estimation", Computer Vision and Image Understanding 64 (1996):
 * sigma = sqrt(pi / 2) / (6 n) * sum |I * N| with N = [1 -2 1; -2 4 -2; 1 -2 1].
 *
 * @example
 * frame.derive(nativeNoise).sigma; // 8.1
 */
export function nativeNoise(frame: Frame): NoiseEstimate {
  const found: number[] = [];
  for (const tile of frame.tiles)
    // every second row of blocks tells as much as all of them, and reads the same mirrored
    for (let y = tile.y; y + BLOCK <= tile.y + tile.height; y += 2 * BLOCK)
      for (let x = tile.x; x + BLOCK <= tile.x + tile.width; x += BLOCK) {
        const sigma = blockNoise(frame, x, y);
        if (sigma !== undefined) found.push(sigma);
      }
  return { sigma: quantile(Float32Array.from(found), FLAT_SHARE), blocks: found.length };
}

const CLIPPED = Uint8Array.from({ length: 256 }, (_, level) => (level <= LOW || level >= HIGH ? 1 : 0));
const MOST_CLIPPED = MAX_CLIPPED * 3 * BLOCK * BLOCK;
const INNER = 3 * (BLOCK - 2);
/** Second differences along the rows of one block: three rows, used in turn. */
const curves = [new Int16Array(INNER), new Int16Array(INNER), new Int16Array(INNER)];

function blockNoise({ rgb, width }: Frame, x0: number, y0: number): number | undefined {
  const stride = 3 * width;
  let clipped = 0;
  for (let y = y0; y < y0 + BLOCK; y++) {
    for (let p = y * stride + 3 * x0, end = p + 3 * BLOCK; p < end; p++) clipped += CLIPPED[rgb[p] as number] as number;
    if (clipped > MOST_CLIPPED) return undefined;
  }
  let sum = 0;
  for (let y = 0; y < BLOCK; y++) {
    const below = curves[y % 3] as Int16Array;
    for (let k = 0, p = (y0 + y) * stride + 3 * x0 + 3; k < INNER; k++, p++)
      below[k] = (rgb[p - 3] as number) - 2 * (rgb[p] as number) + (rgb[p + 3] as number);
    if (y < 2) continue;
    const [here, above] = [curves[(y + 2) % 3] as Int16Array, curves[(y + 1) % 3] as Int16Array];
    for (let k = 0; k < INNER; k++) {
      const n = (above[k] as number) - 2 * (here[k] as number) + (below[k] as number);
      sum += n < 0 ? -n : n;
    }
  }
  return immerkaer(sum, INNER * (BLOCK - 2));
}

/**
 * Standard deviation of the noise, from the sum of `|I * N|` over `n` samples.
 *
 * @example
 * immerkaer(6 * n / Math.sqrt(Math.PI / 2), n); // 1
 */
export const immerkaer = (sum: number, n: number): number => (Math.sqrt(Math.PI / 2) * sum) / (6 * n);
