/** What ranks those that pass: the weighted mean of their qualities, or a fitted logistic model. */
import type { LogisticModel, Policy, Scores } from './types.js';

/** What a policy says about ranking. */
export type Ranking = Pick<Policy, 'rank' | 'rankModel' | 'gates'>;

/**
 * What a candidate is ranked by, 0..100: 100 times the probability of the policy's model, else the weighted mean of its qualities. A ranked dimension
 * without a value counts as quality 0: not knowing must never rank above knowing. All weights are above 0, so no candidate loses by
 * getting better. Without weights and model, all dimensions with a threshold gate count alike; without those, the result is 0 for everybody
 * and the candidate's index decides.
 *
 * @example
 * rankQuality(scores, policy); // 87.2
 */
export function rankQuality(scores: Scores, policy: Ranking): number {
  if (policy.rankModel) return 100 * probabilityOf(scores, policy.rankModel);
  const weights = inOrder(weightsOf(policy));
  const total = weights.reduce((sum, [, weight]) => sum + weight, 0);
  return total > 0 ? weightedSum(scores, weights) / total : 0;
}

/**
 * The probability of a fitted model that a picture with these scores is good, 0..1.
 *
 * @example
 * probabilityOf(scores, { intercept: -3.1, weights: { 'sharpness.tileP90': 0.04 } }); // 0.61 at quality 90
 */
export const probabilityOf = (scores: Scores, { intercept, weights }: LogisticModel): number =>
  1 / (1 + Math.exp(-(intercept + weightedSum(scores, inOrder(weights)))));

/**
 * The dimensions that rank.
 *
 * @example
 * rankedDimensions(policy); // ['composition.centre', 'sharpness.tileP90']
 */
export const rankedDimensions = (policy: Ranking): string[] =>
  Object.keys(policy.rankModel?.weights ?? weightsOf(policy)).sort();

/** The quality that counts: 0 where there is no value. */
export function qualityOf(scores: Scores, dimension: string): number {
  const score = Object.hasOwn(scores, dimension) ? scores[dimension] : undefined;
  return score?.status === 'ok' && Number.isFinite(score.quality) ? score.quality : 0;
}

/** In name order: a sum of floats depends on its order, and a policy read back from canonical JSON has another one than its file. */
const inOrder = (weights: Readonly<Record<string, number>>): [string, number][] =>
  Object.entries(weights).sort(([a], [b]) => (a < b ? -1 : 1));

const weightedSum = (scores: Scores, weights: readonly [string, number][]): number =>
  weights.reduce((sum, [dimension, weight]) => sum + weight * qualityOf(scores, dimension), 0);

function weightsOf({ rank, gates }: Ranking): Record<string, number> {
  if (Object.keys(rank).length > 0) return rank;
  return Object.fromEntries(gates.flatMap((gate) => (gate.kind === 'threshold' ? [[gate.dimension, 1]] : [])));
}
