/** What a request would have delivered under another policy, from its stored scores alone. */
import { dimensionsRead, gateDimensions } from './dimensions.js';
import { judge } from './judge.js';
import { marginOf } from './margin.js';
import { reviewed, type Review } from './review.js';
import { countGates, select, toSelectable } from './select.js';
import type {
  Band,
  Policy,
  RequestFields,
  Scores,
  Selection,
  SelectionCandidate,
  ThresholdGate,
  Verdict,
} from './types.js';
import { groupsOf, inputsWith, type Varied } from './vary.js';

/** What a replay needs of a candidate's record: a line of manifest.ndjson fits. */
export interface ReplayRecord {
  candidate: number;
  /** `delivered` is what counts here. */
  state: string;
  scores: Scores;
  verdict: Verdict | null;
  image: { pixelSha256: string | null } | null;
  /** What a person said of it: it holds under every policy that puts it into the band review. */
  review?: Pick<Review, 'decision'>;
  /** What minima are counted by. */
  group?: string;
}

type Scored = ReplayRecord & { verdict: Verdict };

/** A request under one policy. */
export interface Outcome {
  passed: number;
  /** Candidate indices, in their order. */
  delivered: number[];
  /** K - delivered. */
  missing: number;
  /** Gate id -> candidates that do not pass and failed it. */
  gates: Record<string, number>;
}

/** A candidate that passes under one policy and not under the other. */
export interface Flip {
  candidate: number;
  before: Band;
  after: Band;
  /** Whether it passes now. */
  passes: boolean;
  /** The gate that decides: of those that reject it now, or did before, the furthest or the nearest to its bound. */
  gate: string;
  reason: string;
  /**
   * Distance of the value to the nearest bound of that gate in the new policy: in quality as a share of 100, in raw as a share of the larger of value and
   * bound. Null: a rule, no value, or the gate is gone.
   */
  margin: number | null;
}

export interface RequestReplay {
  /** Candidates with a verdict. */
  scored: number;
  /** As it was recorded. */
  before: Outcome;
  after: Outcome;
  /** Delivered after and not before, and the other way round. */
  entered: number[];
  left: number[];
  flips: Flip[];
  notTaken: {
    /** Candidates without a score of some dimension that the policy reads: it was left out, or did not exist yet. */
    candidates: number;
    /** Those of them that no score rejects that was taken: their verdicts rest on what is missing. */
    undecided: number;
    /** Dimension -> candidates without it. */
    dimensions: Record<string, number>;
    /**
     * Delivered after, at least and at most, were all undecided ones to fail, and were all to pass. Near-duplicates can shift it by a
     * few: one that passes may stand in the way of two.
     */
    least: number;
    most: number;
  };
}

/**
 * Judges the candidates of a finished request by another policy and selects from them again. Pure and total; the same policy changes nothing. A request
 * that stopped once K passed would have drawn on where fewer pass: what is missing after says how many, not that it had failed.
 *
 * @param records of one request; those without a verdict (lost, cancelled) are left out
 * @param options `deliver`: K; `inputs`: of the request, for rules; `vary`: of its plan; `embeddings`: of candidates, where the policy compares them
 *
 * @example
 * const { entered, left, after } = replay(records, { policy, deliver: 4 });
 * after.missing; // 1
 */
export function replay(
  records: readonly ReplayRecord[],
  {
    policy,
    deliver,
    inputs,
    vary,
    embeddings,
  }: {
    policy: Policy;
    deliver: number;
    inputs?: RequestFields['inputs'];
    vary?: Varied | undefined;
    embeddings?: ReadonlyMap<number, ArrayLike<number>>;
  },
): RequestReplay {
  const judgeOne = (one: { scores: Scores; group?: string }, by: Policy): Verdict =>
    judge(one.scores, by, { deliver, inputs: inputsWith(inputs, vary, one.group) });
  const choose = (from: readonly SelectionCandidate[]) => select(from, policy, deliver, { groups: groupsOf({ vary }) });
  const scored = records.filter((record): record is Scored => record.verdict !== null);
  const judged = scored
    .flatMap((record) => toSelectable({ ...record, verdict: reviewed(judgeOne(record, policy), record.review) }))
    .map((one): SelectionCandidate => {
      const embedding = embeddings?.get(one.candidate);
      return embedding === undefined ? one : { ...one, embedding };
    });
  const had = scored.filter(({ state }) => state === 'delivered').map(({ candidate }) => candidate);
  const { winners, missing, gates } = choose(judged);
  const has = winners.map(({ candidate }) => candidate).sort((a, b) => a - b);
  return {
    scored: scored.length,
    before: {
      passed: scored.filter(({ verdict }) => verdict.pass).length,
      delivered: had,
      missing: Math.max(0, deliver - had.length),
      gates: countGates(scored),
    },
    after: { passed: judged.filter(({ verdict }) => verdict.pass).length, delivered: has, missing, gates },
    entered: has.filter((candidate) => !had.includes(candidate)),
    left: had.filter((candidate) => !has.includes(candidate)),
    flips: scored.flatMap((record, i) => flipOf(record, { after: judged[i]?.verdict ?? record.verdict, policy })),
    notTaken: restOn(judged, { policy, judgeOne, choose, delivered: has.length }),
  };
}

/** How much of the answer rests on scores that were not taken. */
function restOn(
  judged: readonly SelectionCandidate[],
  {
    policy,
    judgeOne,
    choose,
    delivered,
  }: {
    policy: Policy;
    judgeOne: (one: SelectionCandidate, by: Policy) => Verdict;
    choose: (from: readonly SelectionCandidate[]) => Selection;
    delivered: number;
  },
): RequestReplay['notTaken'] {
  const read = dimensionsRead(policy);
  const dimensions: Record<string, number> = {};
  const undecided = new Set<number>();
  let candidates = 0;
  for (const one of judged) {
    const { candidate, scores } = one;
    const missing = read.filter((dimension) => !isTaken(scores, dimension));
    if (missing.length === 0) continue;
    candidates++;
    for (const dimension of missing) dimensions[dimension] = (dimensions[dimension] ?? 0) + 1;
    const gates = policy.gates.filter((gate) => gateDimensions(gate).every((dimension) => isTaken(scores, dimension)));
    if (judgeOne(one, { ...policy, gates }).band !== 'reject') undecided.add(candidate);
  }
  const deliveredIf = (pass: boolean): number =>
    choose(judged.map((one) => (undecided.has(one.candidate) ? { ...one, verdict: { ...one.verdict, pass } } : one)))
      .winners.length;
  const possible = undecided.size === 0 ? [delivered] : [delivered, deliveredIf(false), deliveredIf(true)];
  return {
    candidates,
    undecided: undecided.size,
    dimensions,
    least: Math.min(...possible),
    most: Math.max(...possible),
  };
}

export const isTaken = (scores: Scores, dimension: string): boolean =>
  Object.hasOwn(scores, dimension) && scores[dimension]?.status !== 'notRun';

function flipOf(
  { candidate, scores, verdict: before }: Scored,
  { after, policy }: { after: Verdict; policy: Policy },
): Flip[] {
  if (before.pass === after.pass) return [];
  const against = (after.pass ? before : after).failed
    .map(({ gate, reason }) => ({ gate, reason, margin: marginAt(scores, { gate, policy }) }))
    .sort((a, b) => (after.pass ? 1 : -1) * ((a.margin ?? Infinity) - (b.margin ?? Infinity) || 0));
  const known = against.find(({ margin }) => margin !== null) ?? against[0];
  return known === undefined
    ? []
    : [{ candidate, before: before.band, after: after.band, passes: after.pass, ...known }];
}

function marginAt(scores: Scores, { gate: id, policy }: { gate: string; policy: Policy }): number | null {
  const gate = policy.gates.find((one): one is ThresholdGate => one.id === id && one.kind === 'threshold');
  return gate ? marginOf(scores, gate, policy) : null;
}
