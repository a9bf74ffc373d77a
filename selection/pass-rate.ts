/** What is known of a pass rate, and what follows for the next candidates. A Beta distribution, counted up by what ended. */

/** Beta(passes, fails): as much as that many candidates seen before. Both > 0. */
export interface PassRate {
  passes: number;
  fails: number;
}

/** Nothing known: every rate as likely as any other (Bayes' and Laplace's prior). */
export const UNKNOWN_RATE: PassRate = { passes: 1, fails: 1 };
/** What other requests have shown never weighs more than so many candidates: this request's own soon count more. */
const MOST_PRIOR = 40;
const LEAST_PRIOR = 2;

/**
 * The rate after more candidates have ended. Counts below 0 count as 0.
 *
 * @example
 * observed(UNKNOWN_RATE, { passed: 3, failed: 1 }); // { passes: 4, fails: 2 }
 */
export const observed = (rate: PassRate, { passed, failed }: { passed: number; failed: number }): PassRate => ({
  passes: rate.passes + Math.max(0, passed),
  fails: rate.fails + Math.max(0, failed),
});

/** 0..1. */
export const meanRate = ({ passes, fails }: PassRate): number => passes / (passes + fails);

/**
 * How likely it is that at least `need` of `count` further candidates pass: the upper tail of the beta-binomial distribution, 0..1. Exact up to
 * rounding; its terms follow from one another (P(x + 1) / P(x) = (n - x)(a + x) / ((x + 1)(b + n - x - 1))), so that no gamma function is needed.
 *
 * @example
 * chanceOf(2, 4, { passes: 1, fails: 1 }); // 0.6: 0, 1, 2, 3 and 4 are all as likely
 */
export function chanceOf(need: number, count: number, { passes, fails }: PassRate): number {
  const n = Math.max(0, Math.floor(count));
  const k = Math.ceil(need);
  if (k <= 0) return 1;
  if (k > n) return 0;
  // Relative to the first term; brought down whenever they grow large, so that neither end overflows.
  let [term, below, above] = [1, 0, 0];
  for (let x = 0; x <= n; x++) {
    if (x < k) below += term;
    else above += term;
    term *= ((n - x) * (passes + x)) / ((x + 1) * (fails + n - x - 1));
    if (term > 1e150) [term, below, above] = [term * 1e-150, below * 1e-150, above * 1e-150];
  }
  return above / (below + above);
}

/**
 * The fewest candidates of which at least `need` pass with a chance of at least `sure`; at most `most`, also where that does not suffice.
 *
 * @example
 * countFor(2, { sure: 0.9, most: 64, rate: { passes: 50, fails: 50 } }); // 7
 */
export function countFor(need: number, { sure, most, rate }: { sure: number; most: number; rate: PassRate }): number {
  if (need <= 0) return 0;
  let [low, high] = [Math.min(Math.ceil(need), most), most];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (chanceOf(need, middle, rate) >= sure) high = middle;
    else low = middle + 1;
  }
  return high;
}

/**
 * The prior for the next request, from finished ones of the same release and provider: mean and spread of their rates by the method of moments for the
 * beta-binomial distribution (Kleinman 1973). Requests that differ much from one another make a weak prior; none make no prior.
 *
 * @example
 * learnedRate([{ passed: 4, ended: 9 }, { passed: 4, ended: 7 }]); // about half, with the weight of at most 40 candidates
 */
export function learnedRate(requests: readonly { passed: number; ended: number }[]): PassRate {
  const seen = requests.filter(({ ended }) => ended > 0);
  const ended = seen.reduce((sum, one) => sum + one.ended, 0);
  if (ended === 0) return UNKNOWN_RATE;
  const passed = seen.reduce((sum, one) => sum + Math.min(one.passed, one.ended), 0);
  // half a candidate each way: a rate of exactly 0 or 1 is never certain
  const mean = (passed + 0.5) / (ended + 1);
  const weight = Math.min(MOST_PRIOR, Math.max(LEAST_PRIOR, seen.length > 1 ? weightOf(seen, mean) : ended / 2));
  return { passes: mean * weight, fails: (1 - mean) * weight };
}

/** a + b of the beta distribution that spreads as these requests do. */
function weightOf(seen: readonly { passed: number; ended: number }[], mean: number): number {
  const total = seen.reduce((sum, { ended }) => sum + ended, 0);
  const spread = seen.reduce((sum, { passed, ended }) => sum + ended * (passed / ended - mean) ** 2, 0);
  const bernoulli = mean * (1 - mean);
  const free = total - seen.reduce((sum, { ended }) => sum + ended ** 2, 0) / total;
  const between = free > 0 ? (spread - bernoulli * (seen.length - 1)) / (free * bernoulli) : 0;
  return between > 0 ? 1 / Math.min(1, between) - 1 : MOST_PRIOR;
}
