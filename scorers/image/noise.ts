import type { Frame, Plane } from '../frame.js';
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
 * Noise of the full-size picture: Immerkaer's estimator on 16 x 16 blocks of the native tiles, per colour channel, the low
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
    for (let y = tile.y; y + BLOCK <= tile.y + tile.height; y += BLOCK)
      for (let x = tile.x; x + BLOCK <= tile.x + tile.width; x += BLOCK) {
        const sigma = blockNoise(frame, x, y);
        if (sigma !== undefined) found.push(sigma);
      }
  return { sigma: quantile(Float32Array.from(found), FLAT_SHARE), blocks: found.length };
}

function blockNoise({ rgb, width }: Frame, x0: number, y0: number): number | undefined {
  const stride = 3 * width;
  let clipped = 0;
  for (let y = y0; y < y0 + BLOCK; y++)
    for (let p = y * stride + 3 * x0, end = p + 3 * BLOCK; p < end; p++) {
      const v = rgb[p] as number;
      if (v <= LOW || v >= HIGH) clipped++;
    }
  if (clipped > MAX_CLIPPED * 3 * BLOCK * BLOCK) return undefined;
  let sum = 0;
  for (let y = y0 + 1; y < y0 + BLOCK - 1; y++)
    for (let p = y * stride + 3 * x0 + 3, end = p + 3 * (BLOCK - 2); p < end; p++) {
      const up = p - stride;
      const down = p + stride;
      const n =
        (rgb[up - 3] as number) +
        (rgb[up + 3] as number) +
        (rgb[down - 3] as number) +
        (rgb[down + 3] as number) +
        4 * (rgb[p] as number) -
        2 * ((rgb[up] as number) + (rgb[down] as number) + (rgb[p - 3] as number) + (rgb[p + 3] as number));
      sum += n < 0 ? -n : n;
    }
  return (Math.sqrt(Math.PI / 2) * sum) / (6 * 3 * (BLOCK - 2) ** 2);
}

/** Immerkaer's estimate over one rectangle of a plane. */
export function planeNoise(plane: Plane, x0: number, y0: number, x1: number, y1: number): number {
  const { width, data } = plane;
  let sum = 0;
  let n = 0;
  for (let y = Math.max(1, y0); y < Math.min(plane.height - 1, y1); y++)
    for (let i = y * width + Math.max(1, x0), end = y * width + Math.min(width - 1, x1); i < end; i++) {
      const corners =
        (data[i - width - 1] as number) +
        (data[i - width + 1] as number) +
        (data[i + width - 1] as number) +
        (data[i + width + 1] as number);
      const sides =
        (data[i - width] as number) + (data[i + width] as number) + (data[i - 1] as number) + (data[i + 1] as number);
      sum += Math.abs(corners - 2 * sides + 4 * (data[i] as number));
      n++;
    }
  return n === 0 ? 0 : (Math.sqrt(Math.PI / 2) * sum) / (6 * n);
}
