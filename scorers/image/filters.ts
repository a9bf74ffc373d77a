import type { Plane } from '../frame.js';

/** The kernels that several scorers need, on planes of grey values. Borders are left out, never padded. */

/**
 * Response of the 4-neighbour Laplacian `left + right + up + down - 4 * centre`; 0 on the border.
 * Independent noise of variance s2 adds 20 * s2 to its variance (4^2 + 4 * 1^2).
 */
export function laplacian({ width, height, data }: Plane): Float32Array {
  const out = new Float32Array(data.length);
  for (let y = 1; y < height - 1; y++) {
    for (let i = y * width + 1, end = (y + 1) * width - 1; i < end; i++)
      out[i] =
        (data[i - 1] as number) +
        (data[i + 1] as number) +
        (data[i - width] as number) +
        (data[i + width] as number) -
        4 * (data[i] as number);
  }
  return out;
}

/**
 * The value below which a share `q` (0..1) of the values lies. Sorts in place.
 *
 * @example
 * quantile(Float32Array.of(3, 1, 2), 0.5); // 2
 */
export function quantile(values: Float32Array, q: number): number {
  if (values.length === 0) return Number.NaN;
  values.sort();
  return values[Math.min(values.length - 1, Math.max(0, Math.round(q * (values.length - 1))))] as number;
}
