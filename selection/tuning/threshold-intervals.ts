/** How much each proposed threshold depends on which jobs happened to be labelled. */
import type { Policy } from '../types.js';
import type { Interval } from './binomial.js';
import { drawsOf, percentiles } from './bootstrap.js';
import { grouped } from './groups.js';
import { knobsOf } from './knobs.js';
import { Proposer, type Aim, type Judged } from './propose.js';

/** So that a report of any size is there within some seconds to a minute. */
const MOST_RESAMPLES = 200;
const LEAST_RESAMPLES = 40;
/** Pictures times squared thresholds, over all resamples. */
const WORK = 500_000;

/** A threshold of the proposed policy. */
export interface ThresholdReport {
  gate: string;
  /** Where in the gate it stands: `raw`, `quality` or `review`. */
  at: 'raw' | 'quality' | 'review';
  side: 'min' | 'max';
  /** As the policy had it. */
  from: number;
  to: number;
  /** Where the same choice puts it with other jobs like these: bootstrap over whole jobs. Null where no resample has both kinds of picture. */
  interval: Interval | null;
}

/**
 * Every threshold, with the interval of the choice: thresholds are chosen anew on resamples of whole jobs (requests), never of single pictures, which
 * would make a few jobs look like much evidence.
 *
 * @param examples those that chose
 * @param options `proposed`: what they chose; `resamples`: at most so many, fewer for much work
 *
 * @example
 * thresholdsOf(chosenOn, { policy, proposed, maxDefectRate: 0.05, confidence: 0.95, seed: 1, resamples: 2_000 })[0]?.interval;
 * // { low: 1.2, high: 1.6 }
 */
export function thresholdsOf(
  examples: readonly Judged[],
  options: Aim & { policy: Policy; proposed: Policy; seed: number; resamples: number },
): ThresholdReport[] {
  const { policy, proposed, seed, confidence } = options;
  const knobs = knobsOf(policy);
  const affordable = Math.floor(WORK / (examples.length * knobs.length ** 2));
  const most = Math.min(MOST_RESAMPLES, Math.max(LEAST_RESAMPLES, affordable));
  const chosen = knobs.map((): number[] => []);
  if (knobs.length > 0) {
    const proposer = new Proposer(examples, options);
    const jobs = [...grouped(examples, ({ job }) => job).values()];
    const isThere = (kind: boolean) => jobs.map((own) => own.some(({ good }) => good === kind));
    const both = [isThere(true), isThere(false)];
    for (const drawn of drawsOf(jobs.length, { seed, resamples: Math.min(options.resamples, most) })) {
      if (!both.every((kind) => kind.some((there, j) => there && drawn[j] !== 0))) continue;
      for (const [k, { present }] of knobsOf(proposer.propose(drawn)).entries()) chosen[k]?.push(present);
    }
  }
  const after = knobsOf(proposed);
  return knobs.map(({ gate, part, side, present }, k) => ({
    gate: gate.id,
    at: part === 'review' ? 'review' : gate.on,
    side,
    from: present,
    to: after[k]?.present ?? present,
    interval: percentiles(chosen[k] ?? [], confidence),
  }));
}
