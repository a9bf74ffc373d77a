/** What a request would have delivered under another policy, from its stored scores alone. */
import { judge } from './judge.js';
import { marginOf } from './margin.js';
import { reviewed, type Review } from './review.js';
import { notTakenOf, type DrawnUnder, type NotTaken } from './not-taken.js';
import { countGates, select, toSelectable } from './select.js';
import type { Band, Policy, RequestFields, Scores, SelectionCandidate, ThresholdGate, Verdict } from './types.js';
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
  /** It ran every scorer, whatever gates said. */
  full?: true;
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
  notTaken: NotTaken;
}

/**
 * Judges the candidates of a finished request by another policy and selects from them again. Pure and total; the same policy changes nothing. A request
 * that stopped once K passed would have drawn on where fewer pass: what is missing after says how many, not that it had failed.
 *
 * @param records of one request; those without a verdict (lost, cancelled) are left out
 * @param options `deliver`: K; `inputs`: of the request, for rules; `vary`: of its plan; `embeddings`: of candidates, where the policy compares them; `drawn`:
 *   how they were measured, where it is known
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
    drawn,
  }: {
    policy: Policy;
    deliver: number;
    inputs?: RequestFields['inputs'];
    vary?: Varied | undefined;
    embeddings?: ReadonlyMap<number, ArrayLike<number>>;
    drawn?: DrawnUnder | undefined;
  },
): RequestReplay {
  const requestOf = ({ group }: { group?: string }): RequestFields => ({
    deliver,
    inputs: inputsWith(inputs, vary, group),
  });
  const reviews = new Map(records.map(({ candidate, review }) => [candidate, review]));
  const choose = (from: readonly SelectionCandidate[]) => select(from, policy, deliver, { groups: groupsOf({ vary }) });
  const scored = records.filter((record): record is Scored => record.verdict !== null);
  const judged = scored
    .flatMap((record) =>
      toSelectable({ ...record, verdict: reviewed(judge(record.scores, policy, requestOf(record)), record.review) }),
    )
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
    notTaken: notTakenOf(judged, {
      policy,
      requestOf,
      reviewOf: ({ candidate }) => reviews.get(candidate),
      choose,
      delivered: has.length,
      full: fullOf(scored),
      drawn,
    }),
  };
}

/** One that could not be read has no scores, and nothing was left out of it. */
const fullOf = (scored: readonly Scored[]): Set<number> =>
  new Set(scored.flatMap(({ candidate, full, image }) => (full && image?.pixelSha256 ? candidate : [])));

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
