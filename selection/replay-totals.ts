/** Replays of requests, one after the other, into one answer. What it keeps does not grow with the number of requests. */
import type { Difference } from './comparable.js';
import { count, emptySample, estimateOf, type Estimate, type NotTaken, type Sample } from './not-taken.js';
import type { Flip, RequestReplay } from './replay.js';

/** A flip of some request. */
export type NamedFlip = Flip & { request: string };

export interface Refusal extends Difference {
  requests: number;
  candidates: number;
}

export interface ReplayTotals {
  requests: {
    replayed: number;
    /** Whose winners are others. */
    changed: number;
    /** Whose scores are of other measures than today's. */
    refused: number;
  };
  candidates: number;
  passed: { before: number; after: number };
  delivered: { before: number; after: number; entered: number; left: number };
  shortfalls: {
    before: number;
    after: number;
    /** Short after, and stopped because enough passed before, not at their cap: they would have drawn on. */
    wouldDrawOn: number;
  };
  /** Gate id -> candidates rejected by it; most changed first. */
  gates: Record<string, { before: number; after: number }>;
  notTaken: NotTaken & {
    /** What candidates that ran everything say of those left out. Null: none did. */
    estimate: Estimate | null;
  };
  refused: Refusal[];
  disagreements: {
    count: number;
    /** Nearest to the threshold first. */
    nearest: NamedFlip[];
  };
}

export interface ReplayTally {
  add(replayed: RequestReplay, of: { request: string; canDrawOn: boolean }): void;
  refuse(differences: readonly Difference[], of: { candidates: number }): void;
  totals(): ReplayTotals;
}

/**
 * @param options `keep`: disagreements to keep
 *
 * @example
 * const tally = createReplayTally({ keep: 10 });
 * tally.add(replay(records, { policy, deliver }), { request, canDrawOn: false });
 * tally.totals().delivered; // { before: 4, after: 3, entered: 0, left: 1 }
 */
export function createReplayTally({ keep }: { keep: number }): ReplayTally {
  const requests = { replayed: 0, changed: 0, refused: 0 };
  const passed = { before: 0, after: 0 };
  const delivered = { before: 0, after: 0, entered: 0, left: 0 };
  const shortfalls = { before: 0, after: 0, wouldDrawOn: 0 };
  const notTaken: NotTaken = {
    candidates: 0,
    undecided: 0,
    dimensions: {},
    gates: {},
    least: 0,
    most: 0,
    leftOut: 0,
    leftOutPassed: 0,
    sample: emptySample(),
  };
  const gates: Record<string, { before: number; after: number }> = {};
  const refused = new Map<string, Refusal>();
  let candidates = 0;
  let turned = 0;
  let nearest: NamedFlip[] = [];
  const countGates = (side: 'before' | 'after', of: Record<string, number>): void => {
    for (const [gate, n] of Object.entries(of)) (gates[gate] ??= { before: 0, after: 0 })[side] += n;
  };
  return {
    add({ scored, before, after, entered, left, flips, notTaken: missing }, { request, canDrawOn }) {
      requests.replayed++;
      requests.changed += Number(entered.length + left.length > 0);
      candidates += scored;
      passed.before += before.passed;
      passed.after += after.passed;
      delivered.before += before.delivered.length;
      delivered.after += after.delivered.length;
      delivered.entered += entered.length;
      delivered.left += left.length;
      shortfalls.before += Number(before.missing > 0);
      shortfalls.after += Number(after.missing > 0);
      shortfalls.wouldDrawOn += Number(after.missing > 0 && canDrawOn);
      countGates('before', before.gates);
      countGates('after', after.gates);
      for (const what of ['candidates', 'undecided', 'least', 'most', 'leftOut', 'leftOutPassed'] as const)
        notTaken[what] += missing[what];
      for (const what of ['dimensions', 'gates'] as const)
        for (const [name, n] of Object.entries(missing[what])) count(notTaken[what], [name], n);
      for (const what of Object.keys(notTaken.sample) as (keyof Sample)[])
        notTaken.sample[what] += missing.sample[what];
      turned += flips.length;
      if (flips.length > 0)
        nearest = [...nearest, ...flips.map((flip) => ({ request, ...flip }))].sort(byMargin).slice(0, keep);
    },
    refuse(differences, of) {
      requests.refused++;
      for (const difference of differences) {
        const key = `${difference.dimension} ${difference.was}`;
        const known = refused.get(key) ?? { ...difference, requests: 0, candidates: 0 };
        refused.set(key, {
          ...known,
          requests: known.requests + 1,
          candidates: known.candidates + of.candidates,
        });
      }
    },
    totals: () => ({
      requests,
      candidates,
      passed,
      delivered,
      shortfalls,
      gates: Object.fromEntries(
        Object.entries(gates).sort(
          ([a, x], [b, y]) => Math.abs(y.after - y.before) - Math.abs(x.after - x.before) || (a < b ? -1 : 1),
        ),
      ),
      notTaken: { ...notTaken, estimate: estimateOf(notTaken) },
      refused: [...refused.values()],
      disagreements: { count: turned, nearest },
    }),
  };
}

/** Those without a margin last; then by name, so that the order of the requests does not matter. */
const byMargin = (a: NamedFlip, b: NamedFlip): number =>
  (a.margin ?? 1e9) - (b.margin ?? 1e9) ||
  (a.request < b.request ? -1 : a.request > b.request ? 1 : a.candidate - b.candidate);
