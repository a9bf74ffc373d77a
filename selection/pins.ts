/** What measures a policy's dimensions is pinned: scores of other versions, or of other networks, are refused and never compared. */
import { dimensionsCompared } from './dimensions.js';
import type { Pins, Policy, Scores } from './types.js';

/** Scorer id -> version, of the scorers that are here. */
export type Versions = Readonly<Record<string, string>>;

/** The id of the scorer of a dimension. */
export const scorerOf = (dimension: string): string => dimension.slice(0, dimension.indexOf('.'));

/** The scorers whose scores a policy reads or compares, sorted. */
const scorersRead = (policy: Policy): string[] => [...new Set(dimensionsCompared(policy).map(scorerOf))].sort();

/**
 * The policy with a version for every scorer that it reads: those that it names itself, else the present ones.
 *
 * @example
 * pinned(policy, { sharpness: '1.1.0' }).pins; // { scorers: { sharpness: '1.1.0' } }
 */
export function pinned(policy: Policy, versions: Versions): Policy {
  const present = scorersRead(policy).flatMap((id) => {
    const version = policy.pins?.scorers[id] ?? versions[id];
    return version === undefined ? [] : [[id, version] as const];
  });
  const scorers = { ...policy.pins?.scorers, ...Object.fromEntries(present) };
  return Object.keys(scorers).length === 0 ? policy : { ...policy, pins: { ...policy.pins, scorers } };
}

/**
 * Where scorers differ from the pins, in words; empty where none does. A scorer that is not here differs from nothing: that is another mistake.
 *
 * @example
 * versionProblems({ scorers: { sharpness: '1.0.0' } }, { sharpness: '1.1.0' }); // ['sharpness is 1.1.0 here, and 1.0.0 is pinned']
 */
export const versionProblems = (pins: Pins | undefined, versions: Versions): string[] =>
  Object.entries(pins?.scorers ?? {}).flatMap(([id, version]) => {
    const here = Object.hasOwn(versions, id) ? versions[id] : undefined;
    return here === undefined || here === version ? [] : [`${id} is ${here} here, and ${version} is pinned`];
  });

/**
 * Where the scores that a policy reads were made by something else than its pins say, in words; empty where none was. What was not taken was made by nothing.
 *
 * @example
 * scoreProblems(record.scores, plan.policy); // ['sharpness.tileP90 was measured by sharpness@1.0.0, and 1.1.0 is pinned']
 */
export function scoreProblems(scores: Scores, policy: Policy): string[] {
  const { scorers = {}, models = {} } = policy.pins ?? {};
  return dimensionsCompared(policy).flatMap((dimension) => {
    const score = Object.hasOwn(scores, dimension) ? scores[dimension] : undefined;
    if (score === undefined || score.status === 'notRun') return [];
    const version = scorers[scorerOf(dimension)];
    if (version !== undefined && score.scorer !== `${scorerOf(dimension)}@${version}`)
      return [`${dimension} was measured by ${score.scorer}, and ${version} is pinned`];
    return Object.entries(score.models ?? {}).flatMap(([id, made]) =>
      Object.hasOwn(models, id) && models[id] !== made
        ? [`${dimension} was measured with the model ${id} ${short(made)}, and ${short(models[id])} is pinned`]
        : [],
    );
  });
}

/**
 * The networks that made the scores which a policy reads, also of what they found nothing in: id -> sha256.
 *
 * @example
 * modelsUsed(scores, policy); // { facemesh: '3f2a…' }
 */
export const modelsUsed = (scores: Scores, policy: Policy): Record<string, string> =>
  Object.fromEntries(
    dimensionsCompared(policy).flatMap((dimension) => {
      const score = Object.hasOwn(scores, dimension) ? scores[dimension] : undefined;
      return Object.entries(score?.models ?? {});
    }),
  );

export const isWholeHash = (text: string): boolean => /^[0-9a-f]{64}$/.test(text);

/** A hash is told by its first digits, and that there are more: a pin of those alone is another one. A model on another machine has a name. */
export const short = (made = ''): string => (isWholeHash(made) ? `${made.slice(0, 12)}…` : made);
