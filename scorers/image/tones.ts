import type { Frame } from '../frame.js';

/** Pixels per level 0..255 of rounded grey (BT.601) of the working picture. */
export function greyHistogram({ luma }: Frame): Uint32Array {
  const counts = new Uint32Array(256);
  const { data } = luma;
  for (let i = 0; i < data.length; i++) {
    const level = ((data[i] as number) + 0.5) | 0;
    counts[level] = (counts[level] as number) + 1;
  }
  return counts;
}

/** Mean and standard deviation of the values behind a histogram, in bins. */
export function moments(counts: Uint32Array): { mean: number; deviation: number } {
  let [n, sum, squares] = [0, 0, 0];
  for (let level = 0; level < counts.length; level++) {
    const count = counts[level] as number;
    n += count;
    sum += count * level;
    squares += count * level * level;
  }
  const mean = sum / n;
  return { mean, deviation: Math.sqrt(Math.max(0, squares / n - mean * mean)) };
}

/**
 * Shannon entropy of a histogram in bits: 0 for one level, 8 for 256 levels equally often.
 *
 * @example
 * entropy(Uint32Array.of(5, 5, 5, 5)); // 2
 */
export function entropy(counts: Uint32Array): number {
  let [n, sum] = [0, 0];
  for (const count of counts) {
    n += count;
    if (count > 0) sum += count * Math.log2(count);
  }
  return Math.log2(n) - sum / n;
}
