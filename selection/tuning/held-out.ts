/** What held-out labels show of a policy: the promise, how far the figures vary, gaps between subgroups. */
import type { Policy } from '../types.js';
import { exactInterval, leastNeeded, upperBound, type Interval } from './binomial.js';
import { bootstrap, ratio } from './bootstrap.js';
import { grouped } from './groups.js';
import { leastClean, meanUpperBound } from './mean-bound.js';
import { passingOf, type Aim, type Judged } from './propose.js';
import { chanceFrom, shuffled } from './random.js';
import { riskBound } from './risk-control.js';
import { subgroupsOf, type SubgroupReport } from './subgroups.js';

/** The statement. */
export interface DefectPromise {
  /** True: the bound is at most what was asked for. */
  shown: boolean;
  /** The defect rate among what passes is at most this, with `confidence`. 1 says nothing. */
  bound: number;
  confidence: number;
  maxDefectRate: number;
  /**
   * `pictures`: Clopper-Pearson, every job has one picture. `jobs`: the mean over jobs of the share of defects in what a job delivers, by
   * betting: the pictures of a job are no independent evidence.
   */
  counts: 'pictures' | 'jobs';
  /** Held-out pictures that pass, their defects, and the jobs they are of. */
  delivered: number;
  defective: number;
  jobs: number;
  /** So many held-out pictures (or jobs) without a defect would show what was asked for. */
  cleanNeeded: number;
}

export interface HeldOutReport {
  promise: DefectPromise;
  /** Defective among delivered. Null where nothing was delivered. */
  defectRate: Varying | null;
  /** Delivered among good: what the thresholds cost. */
  goodDelivered: Varying | null;
  /** Delivered among all. */
  passRate: Varying | null;
  /** Conformal risk control: share of a job's drawn pictures that are defective and delivered, expected at most. Jobs are exchangeable, pictures of one job are alike. */
  risk: number;
  /** Only where labels have subgroups. */
  subgroups: SubgroupReport[];
}

/** A rate, with the wider of two intervals: Clopper and Pearson's, which holds where nothing was seen, and the bootstrap over jobs, which knows that pictures of a job are alike. */
export interface Varying extends Interval {
  value: number;
}

/**
 * Looks at a policy with labels that had no part in choosing it. Only then is the bound what it says.
 *
 * @param options `seed`: of the bootstrap, and of the order in which jobs are bet on
 *
 * @example
 * examine(heldOut.open(), { policy: proposed, maxDefectRate: 0.05, confidence: 0.95, seed: 1, resamples: 2_000 }).promise.bound;
 */
export function examine(
  examples: readonly Judged[],
  { policy, seed, resamples, ...aim }: Aim & { policy: Policy; seed: number; resamples: number },
): HeldOutReport {
  const passing = new Set(passingOf(examples, policy));
  const seen = examples.map((one): Seen => ({
    job: one.job,
    good: one.good,
    subgroup: one.subgroup,
    passes: passing.has(one),
  }));
  const rate = (part: (one: Seen) => boolean, of: (one: Seen) => boolean): Varying | null => {
    const base = seen.filter(of);
    const hits = base.filter(part).length;
    const value = hits / base.length;
    const interval = bootstrap(base, {
      jobOf: ({ job }) => job,
      tally: (one) => [Number(part(one)), 1],
      figure: ratio,
      ...{ seed, resamples, confidence: aim.confidence },
    });
    if (Number.isNaN(value) || !interval) return null;
    const { low, high } = exactInterval(hits, base.length, aim.confidence);
    return { value, low: Math.min(low, interval.low), high: Math.max(high, interval.high) };
  };
  return {
    promise: promiseOf(seen, { ...aim, seed }),
    defectRate: rate(
      ({ good }) => !good,
      ({ passes }) => passes,
    ),
    goodDelivered: rate(
      ({ passes }) => passes,
      ({ good }) => good,
    ),
    passRate: rate(
      ({ passes }) => passes,
      () => true,
    ),
    risk: riskBound(
      [...grouped(seen, ({ job }) => job).values()].map(
        (own) => own.filter(({ good, passes }) => passes && !good).length / own.length,
      ),
    ),
    subgroups: subgroupsOf(seen, { confidence: aim.confidence, seed, resamples }),
  };
}

/** A held-out picture under the policy. */
export interface Seen {
  job: string;
  good: boolean;
  subgroup: string | null;
  passes: boolean;
}

/** The statement that these pictures allow. Which bound it is by is decided by the jobs alone, never by how they came out. */
export function promiseOf(
  seen: readonly Seen[],
  { maxDefectRate, confidence, seed }: Aim & { seed: number },
): DefectPromise {
  const delivered = seen.filter(({ passes }) => passes);
  const defective = delivered.filter(({ good }) => !good).length;
  const jobs = [...grouped(delivered, ({ job }) => job)].sort(([a], [b]) => (a < b ? -1 : 1));
  const counts = grouped(seen, ({ job }) => job).size === seen.length ? 'pictures' : 'jobs';
  const shares = jobs.map(([, own]) => own.filter(({ good }) => !good).length / own.length);
  const bound =
    counts === 'pictures'
      ? upperBound(defective, delivered.length, confidence)
      : meanUpperBound(shuffled(shares, chanceFrom(seed, 1)), confidence);
  return {
    shown: bound <= maxDefectRate,
    bound,
    confidence,
    maxDefectRate,
    counts,
    delivered: delivered.length,
    defective,
    jobs: jobs.length,
    cleanNeeded: (counts === 'pictures' ? leastNeeded : leastClean)(maxDefectRate, confidence),
  };
}

/**
 * The statement in words: what is promised, or what is not and what would show it.
 *
 * @example
 * promiseText(report.heldOut.promise);
 * // 'At most 4.6 % of what this policy lets pass is defective, with 95 % confidence: 1 of 101 held-out pictures was.'
 */
export function promiseText(promise: DefectPromise): string {
  const { shown, bound, confidence, maxDefectRate, counts, delivered, defective, jobs, cleanNeeded } = promise;
  const asked = `${exact(maxDefectRate)} with ${exact(confidence)} confidence`;
  const what = counts === 'pictures' ? '' : ` of ${jobs} jobs`;
  const evidence = `${defective} of ${delivered} held-out pictures${what} that pass ${defective === 1 ? 'is' : 'are'} defective`;
  const rate =
    counts === 'pictures'
      ? 'of what this policy lets pass'
      : 'of what this policy lets pass of a job, on average over jobs,';
  if (shown)
    return `At most ${boundText(bound)} ${rate} is defective, with ${exact(confidence)} confidence: ${evidence}.`;
  const instead = bound < 1 ? `What they show is at most ${boundText(bound)}` : 'They show nothing';
  return `At most ${asked} cannot be promised: ${evidence}. ${instead}; ${cleanNeeded} ${counts} without a defect would show ${exact(maxDefectRate)}.`;
}

/** What somebody asked for, as they said it: 99.99 % is not 100 %. */
const exact = (share: number): string => `${Number((share * 100).toPrecision(12))} %`;

/** Rounded up: a bound must not look lower than it is. */
export const boundText = (share: number): string => `${Math.ceil(Number((share * 1000).toPrecision(12))) / 10} %`;
