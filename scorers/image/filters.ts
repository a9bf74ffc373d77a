import type { Plane } from '../frame.js';

/** The kernels that several scorers need, on planes of grey values. Borders are left out, never padded. */

/**
 * The value that would stand at index `k` if the values were sorted. Reorders in place; no NaN may be among them.
 * Source: Hoare, "Algorithm 65: Find", Communications of the ACM 4, 1961.
 *
 * @example
 * nth(Float32Array.of(3, 1, 2), 1); // 2
 */
export function nth(values: Float32Array, k: number): number {
  let left = 0;
  let right = values.length - 1;
  while (left < right) {
    const pivot = values[(left + right) >> 1] as number;
    let i = left;
    let j = right;
    while (i <= j) {
      while ((values[i] as number) < pivot) i++;
      while ((values[j] as number) > pivot) j--;
      if (i > j) break;
      const swapped = values[i] as number;
      values[i++] = values[j] as number;
      values[j--] = swapped;
    }
    if (k <= j) right = j;
    else if (k >= i) left = i;
    else break;
  }
  return values[k] ?? 0;
}

/**
 * The value below which a share `q` (0..1) of the values lies; NaN where there are none. Reorders in place.
 *
 * @example
 * quantile(Float32Array.of(3, 1, 2), 0.5); // 2
 */
export function quantile(values: Float32Array, q: number): number {
  if (values.length === 0) return Number.NaN;
  return nth(values, Math.min(values.length - 1, Math.max(0, Math.round(q * (values.length - 1)))));
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

/** A part of a plane, its sides inclusive. */
export interface Area {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

/**
 * Morphological opening of `mask === 1` by a square of `2 * radius + 1` pixels: 1 where such a square fits inside the region. What lies
 * beyond the border of the picture counts as inside. Only `area` is looked at: nothing of the region may lie outside it.
 *
 * @example
 * const thick = openedBySquare({ width, height, mask, area: subject.box, radius: 5 });
 */
export function openedBySquare(of: {
  width: number;
  height: number;
  mask: Uint8Array;
  area: Area;
  radius: number;
}): Uint8Array {
  const { width, height, mask, area, radius } = of;
  const region = new Uint8Array(mask.length);
  const left = Math.max(0, area.left - 1);
  const right = Math.min(width - 1, area.right + 1);
  const top = Math.max(0, area.top - 1);
  const bottom = Math.min(height - 1, area.bottom + 1);
  for (let y = top; y <= bottom; y++)
    for (let i = y * width + left, end = y * width + right; i <= end; i++) if (mask[i] === 1) region[i] = 1;
  const work = new Uint8Array(mask.length);
  // eroding the region is growing what is around it
  for (const value of [0, 1] as const) grow({ width, region, work, value, radius, left, top, right, bottom });
  return region;
}

/** Grows the pixels of `region` that are `value` by a square, in place: along rows into `work`, along columns back. */
function grow(of: Area & { width: number; region: Uint8Array; work: Uint8Array; value: 0 | 1; radius: number }): void {
  const { width, region, work, value, radius, left, top, right, bottom } = of;
  const other = 1 - value;
  for (let y = top; y <= bottom; y++) {
    const [from, to] = [y * width + left, y * width + right];
    for (let i = from, since = radius; i <= to; i++) {
      since = region[i] === value ? 0 : since + 1;
      work[i] = since <= radius ? value : other;
    }
    for (let i = to, since = radius; i >= from; i--) {
      since = region[i] === value ? 0 : since + 1;
      if (since <= radius) work[i] = value;
    }
  }
  const column = new Int32Array(width).fill(radius);
  for (let y = top; y <= bottom; y++)
    for (let x = left, i = y * width + left; x <= right; x++, i++) {
      const since = work[i] === value ? 0 : (column[x] as number) + 1;
      column[x] = since;
      region[i] = since <= radius ? value : other;
    }
  column.fill(radius);
  for (let y = bottom; y >= top; y--)
    for (let x = left, i = y * width + left; x <= right; x++, i++) {
      const since = work[i] === value ? 0 : (column[x] as number) + 1;
      column[x] = since;
      if (since <= radius) region[i] = value;
    }
}
