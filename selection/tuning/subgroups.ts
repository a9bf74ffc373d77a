/** Whether a policy treats subgroups alike: rates of each, and gaps to all others, with intervals. */
import { exactInterval, type Interval } from './binomial.js';
import { bootstrap, ratio } from './bootstrap.js';
import { grouped } from './groups.js';
import type { Seen } from './held-out.js';

/** A rate of a subgroup beside that of all others. */
export interface Gap extends Interval {
  /** The subgroup's rate, and its exact interval. */
  rate: number;
  interval: Interval;
  of: number;
  /** The subgroup's rate minus that of all others; `low` and `high` are its interval. */
  gap: number;
}

export interface SubgroupReport {
  subgroup: string;
  pictures: number;
  /** Defective among delivered; null where either side delivers nothing. */
  defectRate: Gap | null;
  /** Good ones that are not delivered; null where either side has no good one. */
  goodRejected: Gap | null;
}

/** One report per subgroup, by name; none if fewer than two are named. */
export function subgroupsOf(
  seen: readonly Seen[],
  options: { confidence: number; seed: number; resamples: number },
): SubgroupReport[] {
  const named = seen.filter((one): one is Seen & { subgroup: string } => one.subgroup !== null);
  const groups = [...grouped(named, ({ subgroup }) => subgroup)].sort(([a], [b]) => (a < b ? -1 : 1));
  if (groups.length < 2) return [];
  return groups.map(([subgroup, own]) => {
    const gap = (base: (one: Seen) => boolean, hit: (one: Seen) => boolean): Gap | null =>
      gapOf(named.filter(base), { isOwn: (one) => one.subgroup === subgroup, hit, ...options });
    return {
      subgroup,
      pictures: own.length,
      defectRate: gap(
        ({ passes }) => passes,
        ({ good }) => !good,
      ),
      goodRejected: gap(
        ({ good }) => good,
        ({ passes }) => !passes,
      ),
    };
  });
}

/**
 * The difference of two rates. Its interval is the wider of two: Newcombe's (Statistics in Medicine 17, 1998, method 10, with exact limits), which
 * holds where a rate is 0, and the bootstrap over jobs, which knows that pictures of a job are alike.
 */
function gapOf(
  seen: readonly Seen[],
  options: {
    isOwn: (one: Seen) => boolean;
    hit: (one: Seen) => boolean;
    confidence: number;
    seed: number;
    resamples: number;
  },
): Gap | null {
  const { isOwn, hit, confidence, seed, resamples } = options;
  const side = (own: boolean) => {
    const of = seen.filter((one) => isOwn(one) === own);
    const hits = of.filter(hit).length;
    return { of: of.length, rate: hits / of.length, interval: exactInterval(hits, of.length, confidence) };
  };
  const [own, others] = [side(true), side(false)];
  if (own.of === 0 || others.of === 0) return null;
  const gap = own.rate - others.rate;
  const low = gap - Math.hypot(own.rate - own.interval.low, others.interval.high - others.rate);
  const high = gap + Math.hypot(own.interval.high - own.rate, others.rate - others.interval.low);
  const sampled = bootstrap(seen, {
    jobOf: ({ job }) => job,
    tally: (one) => (isOwn(one) ? [Number(hit(one)), 1, 0, 0] : [0, 0, Number(hit(one)), 1]),
    figure: (sums) => ratio(sums) - ratio(sums.slice(2)),
    seed,
    confidence,
    resamples,
  });
  return {
    ...own,
    gap,
    low: Math.max(-1, Math.min(low, sampled?.low ?? low)),
    high: Math.min(1, Math.max(high, sampled?.high ?? high)),
  };
}
