/** How much of a replay rests on scores that were not taken, and what candidates that ran everything say about it. */
import { asStopped, type Cascade } from './cascade.js';
import { dimensionsRead, gateDimensions } from './dimensions.js';
import { judge } from './judge.js';
import { reviewed, type Review } from './review.js';
import { exactInterval, type Interval } from './tuning/binomial.js';
import type { Policy, RequestFields, Scores, Selection, SelectionCandidate } from './types.js';

/** What scores that were not taken mean for one request, or for many. */
export interface NotTaken {
  /** Candidates without a score of some dimension that the policy reads: it was left out, or did not exist yet. */
  candidates: number;
  /** Those of them that would pass if the gates that cannot be asked let them: their verdicts rest on what is missing. */
  undecided: number;
  /** Dimension -> candidates without it. */
  dimensions: Record<string, number>;
  /** Gate -> undecided candidates without a score that it reads. */
  gates: Record<string, number>;
  /**
   * Delivered after, at least and at most, were all undecided ones to fail, and were all to pass. Near-duplicates can shift it by a
   * few: one that passes may stand in the way of two.
   */
  least: number;
  most: number;
  /** Undecided ones that lack only what a hard failure left out, of requests some of whose candidates ran everything: those that `sample` speaks for. */
  leftOut: number;
  /** Those of them that count as passing meanwhile: the gates that could not be asked ignore it, or send to a review that passes. */
  leftOutPassed: number;
  sample: Sample;
}

/** Candidates that ran everything, and that would be undecided too, had they stopped as the others did. */
export interface Sample {
  candidates: number;
  passed: number;
  /** For how many of the others they stand, those that pass among them, and the sum of the squares. */
  weight: number;
  passedWeight: number;
  squares: number;
}

/** What the sample says. */
export interface Estimate extends Interval {
  /** The sample. */
  candidates: number;
  passed: number;
  /** Share of those left out that would pass, 0..1; `low` and `high` are its bounds. */
  rate: number;
  confidence: number;
  /** Of those left out, how many would pass. */
  passing: number;
}

/** How the candidates were measured when they were drawn. */
export interface DrawnUnder {
  policy: Policy;
  cascade: Cascade;
}

const CONFIDENCE = 0.95;
export const emptySample = (): Sample => ({ candidates: 0, passed: 0, weight: 0, passedWeight: 0, squares: 0 });

/** Whether there is a score of a dimension, be it that nothing could be measured. */
export const isTaken = (scores: Scores, dimension: string): boolean =>
  Object.hasOwn(scores, dimension) && scores[dimension]?.status !== 'notRun';

/**
 * What of the answer rests on scores that were not taken.
 *
 * @param judged all scored candidates, judged by the new policy
 * @param options `requestOf`: what rules know of the request, for a candidate; `reviewOf`: what a person said of it; `choose`: selects by the new policy; `delivered`: by the new policy; `full`: those that ran everything; `drawn`: how they were measured, where it is known
 */
export function notTakenOf(
  judged: readonly SelectionCandidate[],
  {
    policy,
    requestOf,
    reviewOf,
    choose,
    delivered,
    full,
    drawn,
  }: {
    policy: Policy;
    requestOf: (one: SelectionCandidate) => RequestFields;
    reviewOf: (one: SelectionCandidate) => Pick<Review, 'decision'> | undefined;
    choose: (from: readonly SelectionCandidate[]) => Selection;
    delivered: number;
    full: ReadonlySet<number>;
    drawn?: DrawnUnder | undefined;
  },
): NotTaken {
  const found = { candidates: 0, dimensions: {}, gates: {}, leftOut: 0, leftOutPassed: 0 } satisfies Partial<NotTaken>;
  const undecided = new Set<number>();
  const lacksOf = lacking(policy, { requestOf, reviewOf });
  const isSampled = (drawn?.cascade.fullShare ?? 0) > 0;
  for (const one of judged) {
    const lacks = lacksOf(one, one.scores);
    if (lacks.dimensions.length === 0) continue;
    found.candidates++;
    count(found.dimensions, lacks.dimensions);
    if (!lacks.isUndecided) continue;
    undecided.add(one.candidate);
    count(found.gates, lacks.gates);
    if (!isSampled || !lacks.wereLeftOut) continue;
    found.leftOut++;
    found.leftOutPassed += Number(one.verdict.pass);
  }
  const deliveredIf = (pass: boolean): number =>
    choose(judged.map((one) => (undecided.has(one.candidate) ? { ...one, verdict: { ...one.verdict, pass } } : one)))
      .winners.length;
  const possible = undecided.size === 0 ? [delivered] : [delivered, deliveredIf(false), deliveredIf(true)];
  return {
    ...found,
    undecided: undecided.size,
    least: Math.min(...possible),
    most: Math.max(...possible),
    sample: drawn ? sampleOf(judged, { full, drawn, lacksOf, requestOf }) : emptySample(),
  };
}

interface Lacks {
  dimensions: string[];
  /** Gates that read one of them. */
  gates: string[];
  /** It passes the gates that can be asked, and there are others. */
  isUndecided: boolean;
  /** Every one that those gates read is there, be it as `notRun`. */
  wereLeftOut: boolean;
}

/** What a candidate lacks, had it these scores. */
type LacksOf = (one: SelectionCandidate, scores: Scores) => Lacks;

function lacking(
  policy: Policy,
  {
    requestOf,
    reviewOf,
  }: {
    requestOf: (one: SelectionCandidate) => RequestFields;
    reviewOf: (one: SelectionCandidate) => Pick<Review, 'decision'> | undefined;
  },
): LacksOf {
  const read = dimensionsRead(policy);
  return (one, scores) => {
    const isMissing = (dimension: string): boolean => !isTaken(scores, dimension);
    const dimensions = read.filter(isMissing);
    if (dimensions.length === 0) return { dimensions, gates: [], isUndecided: false, wereLeftOut: false };
    const [askable, others] = [false, true].map((wanted) =>
      policy.gates.filter((gate) => gateDimensions(gate).some(isMissing) === wanted),
    ) as [Policy['gates'], Policy['gates']];
    return {
      dimensions,
      gates: others.map(({ id }) => id),
      // one that lacks only what ranks has its verdict
      isUndecided:
        others.length > 0 && reviewed(judge(scores, { ...policy, gates: askable }, requestOf(one)), reviewOf(one)).pass,
      wereLeftOut: others.flatMap(gateDimensions).every((dimension) => Object.hasOwn(scores, dimension)),
    };
  };
}

/**
 * Each that ran everything stands for (1 - share) / share of those that did not: the lot had nothing to do with the picture, so no policy can make the sample
 * unlike them (Horvitz & Thompson 1952).
 */
function sampleOf(
  judged: readonly SelectionCandidate[],
  {
    full,
    drawn: { policy, cascade },
    lacksOf,
    requestOf,
  }: {
    full: ReadonlySet<number>;
    drawn: DrawnUnder;
    lacksOf: LacksOf;
    requestOf: (one: SelectionCandidate) => RequestFields;
  },
): Sample {
  const sample = emptySample();
  const { order, fullShare } = cascade;
  if (fullShare <= 0 || fullShare >= 1) return sample;
  const weight = (1 - fullShare) / fullShare;
  for (const one of judged) {
    const { candidate, scores, verdict } = one;
    // what it lacks although it ran everything, the others lack too
    if (!full.has(candidate) || lacksOf(one, scores).gates.length > 0) continue;
    const { isUndecided } = lacksOf(one, asStopped(scores, { policy, order, request: requestOf(one) }));
    if (!isUndecided) continue;
    sample.candidates++;
    sample.weight += weight;
    sample.squares += weight * weight;
    if (!verdict.pass) continue;
    sample.passed++;
    sample.passedWeight += weight;
  }
  return sample;
}

/**
 * How many of those left out would pass. The bounds are those of Clopper and Pearson, on as many candidates as the sample is worth where shares differ (Kish 1965); every
 * candidate has a lot of its own, so candidates of one request being alike does not make them too narrow.
 *
 * @returns null without a sample
 *
 * @example
 * estimateOf(totals.notTaken)?.passing; // 12.5
 */
export function estimateOf({ leftOut, sample }: Pick<NotTaken, 'leftOut' | 'sample'>): Estimate | null {
  const { candidates, passed, weight, passedWeight, squares } = sample;
  if (weight <= 0) return null;
  const rate = passedWeight / weight;
  const worth = (weight * weight) / squares;
  return {
    candidates,
    passed,
    rate,
    ...exactInterval(rate * worth, worth, CONFIDENCE),
    confidence: CONFIDENCE,
    passing: rate * leftOut,
  };
}

export function count(into: Record<string, number>, names: readonly string[], by = 1): void {
  for (const name of names) into[name] = (into[name] ?? 0) + by;
}
