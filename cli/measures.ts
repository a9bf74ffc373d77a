/** What measures each dimension on this machine today, to be held against stored scores. */
import { labelOf } from '../activities/scoring/result.js';
import { openModels, type ModelOptions } from '../scorers/models/sessions.js';
import { questionSpec } from '../scorers/outside/vision-model.js';
import type { AnyScorer } from '../scorers/scorer.js';
import type { Measures } from '../selection/comparable.js';
import { dimensionsRead } from '../selection/dimensions.js';
import type { Policy } from '../selection/types.js';

/**
 * The measures of the dimensions that a policy reads, and of the fingerprint. Networks are hashed as the scoring threads do; where one is not there, those
 * of that scorer are not known.
 *
 * @example
 * (await measuresFor(policy, { scorers, models }))['sharpness.tileP90']; // { scorer: 'sharpness@1.1.0', models: {} }
 */
export async function measuresFor(
  policy: Policy,
  { scorers, models }: { scorers: readonly AnyScorer[]; models: ModelOptions },
): Promise<Measures> {
  const opened = openModels(models);
  const read = new Set([...dimensionsRead(policy), 'fingerprint.phash']);
  const measures: Record<string, Measures[string]> = {};
  for (const scorer of scorers) {
    const mine = Object.keys(scorer.spec.dimensions).filter((dimension) => read.has(dimension));
    if (mine.length === 0) continue;
    const hashes = await Promise.all(scorer.spec.models.map(({ id }) => opened.hashes(id)));
    const known = hashes.every((some) => Object.keys(some).length > 0);
    const measure = {
      scorer: labelOf(scorer),
      ...(known && { models: Object.assign({}, ...hashes) as Record<string, string> }),
    };
    for (const dimension of mine) measures[dimension] = measure;
  }
  for (const name of Object.keys(policy.questions ?? {}))
    measures[`question.${name}`] = { scorer: `${questionSpec.id}@${questionSpec.version}`, models: {} };
  return measures;
}
