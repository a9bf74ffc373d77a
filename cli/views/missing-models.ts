/** What was not measured because a model is missing, and what to type. */
import type { Score, Scores } from '../../selection/types.js';

/** What to type -> the scorers that wait for it. */
export type MissingModels = Map<string, Set<string>>;

/** Whether a score has no value for want of a model. */
export const isModelMissing = (score: Score | undefined): boolean =>
  score?.status === 'unassessable' && score.reason === 'model-missing';

/**
 * Adds what one image lacks.
 *
 * @example
 * const missing: MissingModels = new Map();
 * noteMissing(scores, missing);
 * missingLines(missing); // ['eyes, pose; comfy-cull models pull blazeface']
 */
export function noteMissing(scores: Scores, missing: MissingModels): void {
  for (const [dimension, score] of Object.entries(scores)) {
    const hint = score.facts?.['hint'];
    if (!isModelMissing(score) || typeof hint !== 'string') continue;
    missing.set(hint, (missing.get(hint) ?? new Set()).add(dimension.split('.')[0] ?? dimension));
  }
}

/** One line for all that need the same. */
export const missingLines = (missing: MissingModels): string[] =>
  [...missing].map(([hint, scorers]) => `${[...scorers].join(', ')}; ${hint}`);
