/** An upper bound for a mean of shares, without any assumption on how they are distributed: betting. */
import { solve } from './binomial.js';

/** The share of its capital that a bet may risk. Higher finds more in jobs without a defect, lower loses less by a job that is all defects. */
const BOLDNESS = 0.9;

/**
 * An upper bound for the mean of a population of shares (the defects of a job among what it delivered), from a sample of jobs. It holds with at
 * least `confidence` for every sample size, because it is no approximation: whoever claims a higher mean offers fair bets on
 * each next share, and a gambler's capital exceeds 1 / (1 - confidence) with a probability of at most 1 - confidence (Ville).
 *
 * Source: Waudby-Smith and Ramdas, "Estimating means of bounded random variables by betting" (JRSS B 2024, arXiv 2010.09686), the
 * one-sided hedged capital process with predictable plug-in bets, its best capital in the order given.
 *
 * @param shares 0..1, independent of one another, in an order that does not depend on them
 * @param confidence 0..1
 * @returns 0..1; 1 where nothing is shown
 *
 * @example
 * meanUpperBound(Array(100).fill(0), 0.95); // 0.034: as 100 jobs without a defect
 */
export function meanUpperBound(shares: readonly number[], confidence: number): number {
  if (shares.length === 0) return 1;
  const wanted = Math.log(1 / (1 - confidence));
  const bets = plugInBets(shares, wanted);
  return solve((mean) => bestLogCapital(shares, bets, mean) >= wanted);
}

/**
 * The fewest jobs without a defect that show a mean of at most `rate`.
 *
 * @param rate above 0, below 1
 *
 * @example
 * leastClean(0.05, 0.95); // 67
 */
export function leastClean(rate: number, confidence: number): number {
  const shows = (jobs: number): boolean => meanUpperBound(new Array<number>(jobs).fill(0), confidence) <= rate;
  let [low, high] = [0, 1];
  while (!shows(high)) [low, high] = [high, high * 2];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (shows(middle)) high = middle;
    else low = middle;
  }
  return high;
}

/** What to bet on each share, from those before it only. */
function plugInBets(shares: readonly number[], wanted: number): number[] {
  let [sum, squares] = [0.5, 0.25];
  return shares.map((share, t) => {
    const bet = Math.sqrt((2 * wanted) / (shares.length * (squares / (t + 1))));
    sum += share;
    squares += (share - sum / (t + 2)) ** 2;
    return bet;
  });
}

/** The highest ln of the capital that bets against a mean that high reach. Higher means lose more: monotone in `mean`. */
function bestLogCapital(shares: readonly number[], bets: readonly number[], mean: number): number {
  let [capital, best] = [0, 0];
  for (const [t, share] of shares.entries()) {
    const bet = Math.min(bets[t] ?? 0, BOLDNESS / (1 - mean));
    capital += Math.log1p(bet * (mean - share));
    if (capital > best) best = capital;
  }
  return best;
}
