/** What measures each dimension on this machine today, to be held against stored scores. */
import { openModels, type ModelOptions } from '../scorers/models/sessions.js';
import { questionSpec } from '../scorers/outside/vision-model.js';
import { takesFile, type AnyScorer } from '../scorers/scorer.js';
import type { Measures } from '../selection/comparable.js';
import { dimensionsRead } from '../selection/dimensions.js';
import type { Pins, Policy } from '../selection/types.js';

/**
 * The measures of the dimensions that a policy reads, and of the fingerprint: those that it pins, else those of today. Networks are hashed as the scoring
 * threads do; where one is not there, or works on another machine, those of that scorer are not known.
 *
 * @example
 * (await measuresFor(policy, { scorers, models }))['sharpness.tileP90']; // { scorer: 'sharpness@1.1.0', models: {} }
 */
export async function measuresFor(
  policy: Policy,
  { scorers, models }: { scorers: readonly AnyScorer[]; models: ModelOptions },
): Promise<Measures> {
  const opened = openModels(models);
  const { pins = { scorers: {} } } = policy;
  const read = new Set([...dimensionsRead(policy), 'fingerprint.phash']);
  const measures: Record<string, Measures[string]> = {};
  for (const scorer of scorers) {
    const mine = Object.keys(scorer.spec.dimensions).filter((dimension) => read.has(dimension));
    if (mine.length === 0) continue;
    const { id, version } = scorer.spec;
    const pin = pins.scorers[id] ?? version;
    const ids = scorer.spec.models.map((model) => model.id);
    const here = await Promise.all(ids.map((model) => opened.hashes(model)));
    const named = ids.map((model, i) => ({ ...here[i], ...pinnedModels(model, pins) }));
    const known = pin === version && !takesFile(scorer) && named.every((some) => Object.keys(some).length > 0);
    const measure = {
      scorer: `${id}@${pin}`,
      ...(known && { models: Object.assign({}, ...named) as Record<string, string> }),
    };
    for (const dimension of mine) measures[dimension] = measure;
  }
  for (const name of Object.keys(policy.questions ?? {}))
    measures[`question.${name}`] = {
      scorer: `${questionSpec.id}@${pins.scorers[questionSpec.id] ?? questionSpec.version}`,
      // else which model answers is known only once one did
      ...(pins.models?.['vlm'] !== undefined && { models: { vlm: pins.models['vlm'] } }),
    };
  return measures;
}

/** Of a model and its parts: `clip/vision` is one of `clip`. */
const pinnedModels = (id: string, { models = {} }: Pins): Record<string, string> =>
  Object.fromEntries(Object.entries(models).filter(([name]) => name === id || name.startsWith(`${id}/`)));
