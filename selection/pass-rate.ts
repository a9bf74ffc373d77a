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
 * Half a candidate each way, whatever others have shown: theirs may have been other inputs. A request is never given up before its own candidates
 * have shown something, so a release that passed nothing for a while is found out when it passes again.
 */
const LEAST_SIDE = 0.5;

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
 * The prior for the next request, from finished ones of the same release and provider: the beta distribution that most likely gave them their rates. Of
 * the likelihood it does not matter when a request stopped, at its K-th pass or early (Berger & Wolpert 1988), while a mean of rates that each end on a pass is
 * too high, and one without that pass too low. Little is claimed where little was seen: beforehand a + b is held to be small (Gelman et al., Bayesian Data Analysis, 5.3:
 * p(a, b) ~ (a + b)^-5/2). Requests that differ much from one another make a weak prior; none make no prior.
 *
 * @example
 * learnedRate([{ passed: 4, ended: 9 }, { passed: 4, ended: 7 }]); // about half, with the weight of at most 40 candidates
 */
export function learnedRate(requests: readonly { passed: number; ended: number }[]): PassRate {
  const seen = requests.filter(({ ended }) => ended > 0);
  if (seen.length === 0) return UNKNOWN_RATE;
  const passed = seen.map((one) => Math.min(one.passed, one.ended));
  const ofPasses = risingLogs(passed);
  const ofFails = risingLogs(seen.map(({ ended }, place) => ended - (passed[place] ?? 0)));
  const ofAll = risingLogs(seen.map(({ ended }) => ended));
  return mostLikely(
    ({ passes: a, fails: b }) =>
      ofPasses(a) + ofFails(b) - ofAll(a + b) + Math.log(a) + Math.log(b) - 2.5 * Math.log(a + b),
  );
}

/** The sum of ln(x (x + 1) … (x + n - 1)) over all n, as a function of x. */
function risingLogs(counts: readonly number[]): (x: number) => number {
  const reaching = Array.from({ length: Math.max(...counts) }, (_, step) => counts.filter((n) => n > step).length);
  return (x) => reaching.reduce((sum, times, step) => sum + times * Math.log(x + step), 0);
}

/** ln(passes / fails) of a rate of 0.0125, the least that LEAST_SIDE and MOST_PRIOR allow. */
const MOST_ODDS = Math.log(MOST_PRIOR / LEAST_SIDE - 1);
const [STEPS, ROUNDS] = [5, 6];
const GRID = Array.from({ length: 2 * STEPS + 1 }, (_, place) => place / STEPS - 1);

/** On a grid over odds and weight, both as logarithms, which closes in on its best point. */
function mostLikely(likelihood: (rate: PassRate) => number): PassRate {
  const middle = Math.log(MOST_PRIOR * LEAST_PRIOR) / 2;
  // a little over, so that rounding leaves neither end out
  const reach = (1.001 * Math.log(MOST_PRIOR / LEAST_PRIOR)) / 2;
  let best = { odds: 0, weight: middle, rate: UNKNOWN_RATE, value: -Infinity };
  for (let round = 0; round < ROUNDS; round++) {
    const [{ odds: atOdds, weight: atWeight }, zoom] = [best, (2 / STEPS) ** round];
    for (const across of GRID)
      for (const up of GRID) {
        const odds = atOdds + across * MOST_ODDS * zoom;
        const weight = atWeight + up * reach * zoom;
        const rate = rateAt(odds, weight);
        const value = likelihood(rate);
        if (value > best.value) best = { odds, weight, rate, value };
      }
  }
  return best.rate;
}

function rateAt(odds: number, logWeight: number): PassRate {
  const weight = Math.min(MOST_PRIOR, Math.max(LEAST_PRIOR, Math.exp(logWeight)));
  const passes = Math.min(weight - LEAST_SIDE, Math.max(LEAST_SIDE, weight / (1 + Math.exp(-odds))));
  return { passes, fails: weight - passes };
}
