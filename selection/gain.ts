/** What one more passing candidate would add to the K best. */

/** Points of quality. */
const USUAL_DEVIATION = 10;

/**
 * The expected improvement of the K best by one more candidate that passes: E[max(0, q - worst of the K)], q normal with mean and deviation of the
 * qualities seen (Weitzman 1979 for the rule that stops where this falls below the price). Never more than what the worst lacks of 100; 0 where fewer than K have
 * passed. One alone says nothing of how they differ: a usual deviation stands in.
 *
 * @param qualities 0..100, of all that pass, in any order
 * @returns points of quality, summed over the K winners
 * @example
 * expectedGain([60, 70, 80, 90], 2); // 3.03
 */
export function expectedGain(qualities: readonly number[], deliver: number): number {
  const n = qualities.length;
  if (n < deliver || deliver < 1) return 0;
  const worst = [...qualities].sort((a, b) => b - a)[Math.floor(deliver) - 1] as number;
  const mean = qualities.reduce((sum, quality) => sum + quality, 0) / n;
  const deviation =
    n === 1 ? USUAL_DEVIATION : Math.sqrt(qualities.reduce((sum, one) => sum + (one - mean) ** 2, 0) / (n - 1));
  if (deviation === 0) return 0;
  const z = (worst - mean) / deviation;
  return Math.min(Math.max(0, 100 - worst), deviation * (density(z) - z * upperTail(z)));
}

const density = (z: number): number => Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI);

/** P(Z > z), off by at most 7.5e-8 (Abramowitz and Stegun 1964, 26.2.17). */
function upperTail(z: number): number {
  if (z < 0) return 1 - upperTail(-z);
  const t = 1 / (1 + 0.2316419 * z);
  const series = ((((1.330274429 * t - 1.821255978) * t + 1.781477937) * t - 0.356563782) * t + 0.31938153) * t;
  return density(z) * series;
}
