/** Numbers and states in words, as reasons and reports say them. */
import type { Score } from './types.js';

export const NOT_MEASURED = 'could not be measured';

/** Why a score has no value, to follow the dimension's name. */
export function inWords(score: Score): string {
  switch (score.status) {
    case 'ok':
      return `${NOT_MEASURED}: the value is not a number`;
    case 'unassessable':
      return `${NOT_MEASURED}: ${score.reason}`;
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
