/** What labels must be, so that anything can be said of them. */
import { CullError } from '../../errors.js';
import { dimensionsRead } from '../dimensions.js';
import { scoreProblems } from '../pins.js';
import type { Policy, Score } from '../types.js';
import type { Example } from './examples.js';
import type { Aim, Judged } from './propose.js';

/** Below this no statement means anything: 20 clean ones show 14 %. */
const LEAST_PICTURES = 20;

/** Every dimension that a gate of the policy reads. */
export const gateDimensions = ({ gates }: Policy): string[] => dimensionsRead({ gates, rank: {} });

/** Whether a scorer was run. */
export const wasMeasured = (score: Score | undefined): boolean => score !== undefined && score.status !== 'notRun';

/** @throws CullError LABELS_INSUFFICIENT where a part of the labels has good ones only, or defective ones only */
export function checkBothKinds(some: readonly Judged[], part: string): void {
  if (some.some(({ good }) => good) && some.some(({ good }) => !good)) return;
  throw new CullError('LABELS_INSUFFICIENT', `${part} has only one kind of picture`, {
    hint: 'label more pictures, good and defective ones of several jobs',
  });
}

/** @throws CullError USAGE for shares that are none */
export function checkAim({ maxDefectRate, confidence, heldOut = 0.5 }: Aim & { heldOut?: number }): void {
  const shares = { maxDefectRate, confidence, heldOut };
  for (const [name, share] of Object.entries(shares))
    if (!(share > 0 && share < 1))
      throw new CullError('USAGE', `${name} must be above 0 and below 1, not ${share}`, {
        hint: 'write a share: 0.05 is 5 %',
      });
}

/** @throws CullError LABELS_INSUFFICIENT for under 20 pictures, or one class only */
export function checkEnough(judged: readonly Judged[]): void {
  const good = judged.filter((one) => one.good).length;
  const hint =
    'label a random sample of what was drawn, at least 60 good and 60 defective pictures for a promise of 5 %';
  const refuse = (why: string): never => {
    throw new CullError('LABELS_INSUFFICIENT', why, { hint });
  };
  if (judged.length < LEAST_PICTURES)
    refuse(`${judged.length} labelled pictures are too few to choose a threshold: at least ${LEAST_PICTURES}`);
  if (good === 0) refuse('every labelled picture is defective: there is nothing that should pass');
  if (good === judged.length) refuse('every labelled picture is good: nothing says where a threshold must be');
}

/**
 * Values of two versions of a scorer, or of two models, are no values of one scale; nor are those of another version than the policy pins.
 *
 * @throws CullError SCORES_INCOMPARABLE naming both, with a picture of each
 */
export function checkComparable(
  examples: readonly Example[],
  policy: Policy,
  dimensions: readonly string[] = gateDimensions(policy),
): void {
  for (const { scores, picture } of examples) {
    const [problem] = scoreProblems(scores, policy);
    if (problem !== undefined)
      throw new CullError('SCORES_INCOMPARABLE', `${picture}: ${problem} by the policy`, {
        hint: 'score the labelled pictures with the pinned version, or pin what measured them: comfy-cull policy pin',
      });
  }
  for (const id of dimensions) {
    const versions = new Map<string, string>();
    for (const { scores, picture } of examples) {
      const score = scores[id];
      if (score?.status !== 'ok') continue;
      const models = Object.entries(score.models ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
      versions.set([score.scorer, ...models.map(([name, sha256]) => `${name} ${sha256}`)].join(' with '), picture);
    }
    const [first, second] = [...versions];
    if (first && second)
      throw new CullError(
        'SCORES_INCOMPARABLE',
        `${id} was measured by ${first[0]} (${first[1]}) and by ${second[0]} (${second[1]})`,
        { hint: 'score all labelled pictures with one version: comfy-cull score --explain all --json' },
      );
  }
}
