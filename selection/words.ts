/** Numbers and states in words, as reasons and reports say them. */
import type { Bounds, Score } from './types.js';

export const NOT_MEASURED = 'could not be measured';

/** Scorers' reasons as people say them; those of scorers from outside may be others, and stand as they are. */
const REASONS = new Map([
  ['no-face', 'no face was found'],
  ['no-subject', 'nothing stands out from the background'],
  ['clipped', 'too bright or too dark to tell'],
  ['too-small', 'too small to tell'],
  ['too-large', 'the picture is too large'],
  ['undecodable', 'the picture cannot be read'],
  ['model-missing', 'a model is missing'],
  ['no-reference', 'there is nothing to compare with'],
  ['not-applicable', 'it does not apply to this picture'],
  ['timeout', 'it took too long'],
]);

/** Why a score has no value, to follow the dimension's name. */
export function inWords(score: Score): string {
  switch (score.status) {
    case 'ok':
      return `${NOT_MEASURED}: the value is not a number`;
    case 'unassessable':
      return `${NOT_MEASURED}: ${REASONS.get(score.reason) ?? score.reason}`;
    case 'error':
      return `${NOT_MEASURED}: ${score.error}`;
    case 'notRun':
      return 'was not measured';
  }
}

/**
 * A number with three significant digits or more where it would otherwise read like one of `bounds`: 39.97 against a
 * minimum of 40 must not read "is 40.0, at least 40 wanted".
 *
 * @example
 * numberText(31.234); // '31.2'
 * numberText(39.97, [40]); // '39.97'
 */
export function numberText(value: number, bounds: readonly (number | undefined)[] = []): string {
  for (let digits = 3; digits < 15; digits++) {
    const rounded = Math.abs(value) >= 1_000 && digits === 3 ? Math.round(value) : Number(value.toPrecision(digits));
    if (rounded === value || !bounds.includes(rounded)) return String(rounded);
  }
  return String(value);
}

/** `at least 40`, `0.1 to 0.2`. */
export function wanted({ min, max }: Bounds): string {
  if (min !== undefined && max !== undefined) return min === max ? `exactly ${min}` : `${min} to ${max}`;
  return min === undefined ? `at most ${max ?? ''}` : `at least ${min}`;
}

/** Digits of a release's sha256 that name it. */
const RELEASE_DIGITS = 12;

/** `sha256:0123…` as people are shown it, may type it, and as metrics name it. */
export const shortRelease = (release: string): string => release.replace('sha256:', '').slice(0, RELEASE_DIGITS);
