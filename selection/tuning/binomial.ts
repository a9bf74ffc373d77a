/** Exact statements about a rate from a count: Clopper-Pearson, by the regularised incomplete beta function. */

/** From `low` to `high`, both 0..1. */
export interface Interval {
  low: number;
  high: number;
}

/** Lanczos' coefficients for g = 7 (Godfrey 2001): relative error below 1e-14 for arguments above 0. */
const LANCZOS = [
  0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
  12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
];
const TINY = 1e-300;

/** ln of the gamma function; `x` > 0. */
function logGamma(x: number): number {
  const sum = LANCZOS.reduce((all, coefficient, i) => all + (i === 0 ? coefficient : coefficient / (x - 1 + i)));
  const t = x + 6.5;
  return 0.5 * Math.log(2 * Math.PI) + (x - 0.5) * Math.log(t) - t + Math.log(sum);
}

/**
 * The regularised incomplete beta function I_x(a, b): the share of a Beta(a, b) distribution below x. Its continued fraction (DLMF 8.17.22),
 * evaluated by Lentz's method.
 *
 * @param x 0..1
 * @param a above 0
 * @param b above 0
 * @returns 0..1
 *
 * @example
 * incompleteBeta(0.5, 2, 2); // 0.5
 */
export function incompleteBeta(x: number, a: number, b: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  // The fraction converges fast on this side of the mean only.
  if (x > (a + 1) / (a + b + 2)) return 1 - incompleteBeta(1 - x, b, a);
  const front = Math.exp(
    logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x) - Math.log(a),
  );
  const away = (value: number): number => (Math.abs(value) < TINY ? TINY : value);
  let c = 1;
  let d = 1 / away(1 - ((a + b) * x) / (a + 1));
  let fraction = d;
  for (let m = 1; m < 10_000; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / away(1 + even * d);
    c = away(1 + even / c);
    fraction *= d * c;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / away(1 + odd * d);
    c = away(1 + odd / c);
    fraction *= d * c;
    if (Math.abs(d * c - 1) < 1e-15) break;
  }
  return Math.min(1, front * fraction);
}

/**
 * Clopper and Pearson's exact upper bound: the rate is at most this, and the statement holds with at least this confidence whatever the rate
 * is, as long as the n outcomes are independent (Biometrika 26, 1934).
 *
 * @param failures 0..n
 * @param n how many were looked at; 0 says nothing: 1
 * @param confidence 0..1
 *
 * @example
 * upperBound(0, 59, 0.95); // 0.0495: 59 without a defect show "at most 5 %"
 */
export function upperBound(failures: number, n: number, confidence: number): number {
  if (failures >= n) return 1;
  // exact, and by far the most frequent case
  if (failures <= 0) return -Math.expm1(Math.log1p(-confidence) / n);
  return solve((rate) => incompleteBeta(rate, failures + 1, n - failures) >= confidence);
}

/** The same from below. */
export const lowerBound = (failures: number, n: number, confidence: number): number =>
  failures <= 0 ? 0 : 1 - upperBound(n - failures, n, confidence);

/** Whether the exact bound from below is at least `rate`; without searching for it. */
export const showsAtLeast = (
  failures: number,
  n: number,
  { rate, confidence }: { rate: number; confidence: number },
): boolean => failures > 0 && incompleteBeta(1 - rate, n - failures + 1, failures) >= confidence;

/**
 * Clopper and Pearson's two-sided interval: each side errs with at most half of what the confidence leaves.
 *
 * @example
 * exactInterval(1, 20, 0.95); // { low: 0.0013, high: 0.2487 }
 */
export const exactInterval = (failures: number, n: number, confidence: number): Interval => ({
  low: lowerBound(failures, n, (1 + confidence) / 2),
  high: upperBound(failures, n, (1 + confidence) / 2),
});

/**
 * The fewest that must be looked at, so that `failures` among them still show a rate of at most `rate`.
 *
 * @param rate above 0, below 1
 *
 * @example
 * leastNeeded(0.05, 0.95); // 59
 * leastNeeded(0.05, 0.95, 1); // 93
 */
export function leastNeeded(rate: number, confidence: number, failures = 0): number {
  let [low, high] = [failures, Math.max(1, failures + 1)];
  while (upperBound(failures, high, confidence) > rate) [low, high] = [high, high * 2];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (upperBound(failures, middle, confidence) <= rate) high = middle;
    else low = middle;
  }
  return high;
}

/** The smallest value of 0..1 that `holds`, which must hold from somewhere on; rounded up, so that a bound stays one. */
export function solve(holds: (value: number) => boolean): number {
  let [low, high] = [0, 1];
  for (let i = 0; i < 52; i++) {
    const middle = (low + high) / 2;
    if (holds(middle)) high = middle;
    else low = middle;
  }
  return high;
}
