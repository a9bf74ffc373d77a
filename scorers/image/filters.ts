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

/** Mean over a square of `2 * radius + 1` pixels, cut at the border: two running sums, so its size costs nothing. */
export function boxBlur({ width, height, data }: Plane, radius: number): Float32Array {
  const rows = new Float32Array(data.length);
  const out = new Float32Array(data.length);
  for (let y = 0; y < height; y++) {
    const row = y * width;
    let sum = 0;
    let n = 0;
    for (let x = -radius; x < width; x++) {
      const enters = x + radius;
      const leaves = x - radius - 1;
      if (enters < width) {
        sum += data[row + enters] as number;
        n++;
      }
      if (leaves >= 0) {
        sum -= data[row + leaves] as number;
        n--;
      }
      if (x >= 0) rows[row + x] = sum / n;
    }
  }
  const sums = new Float64Array(width);
  let n = 0;
  for (let y = -radius; y < height; y++) {
    const enters = y + radius;
    const leaves = y - radius - 1;
    if (enters < height) {
      for (let x = 0; x < width; x++) sums[x] = (sums[x] as number) + (rows[enters * width + x] as number);
      n++;
    }
    if (leaves >= 0) {
      for (let x = 0; x < width; x++) sums[x] = (sums[x] as number) - (rows[leaves * width + x] as number);
      n--;
    }
    if (y >= 0) for (let x = 0; x < width; x++) out[y * width + x] = (sums[x] as number) / n;
  }
  return out;
}
