/** The numbers of a request: what is none, or beyond all sense, is refused before anything is stored. */
import { expect, test } from 'vitest';
import { checkRequest, type GenerateOptions } from '../../client/request.js';

const asked = (more: object): (() => void) => {
  const options = { deliver: 1, ...more } as Omit<GenerateOptions, 'release' | 'inputs'>;
  return () => checkRequest(options);
};

const HUGE = [NaN, Infinity, -Infinity, 1e300, -1, '1'];

const REFUSED: [options: object, reason: RegExp][] = [
  ...[...HUGE, 0, 1.5, 2001].map((deliver): [object, RegExp] => [{ deliver }, /deliver is/]),
  ...[...HUGE, 0, 1.5, 2001].map((cap): [object, RegExp] => [{ cap }, /cap is/]),
  ...[...HUGE, 0, 1.5, 2001].map((candidates): [object, RegExp] => [{ candidates }, /candidates is/]),
  ...[...HUGE, 1.001].map((hurry): [object, RegExp] => [{ hurry }, /hurry is/]),
  ...[...HUGE, 0, -0, 365 * 86_400_000 + 1].map((deadlineMs): [object, RegExp] => [{ deadlineMs }, /deadline is/]),
  ...[...HUGE, 0, -0, 1e-7, 1_000_001].map((budgetUsd): [object, RegExp] => [{ budgetUsd }, /budget is/]),
  ...HUGE.filter((points) => points !== 1e300).map((pointsEach): [object, RegExp] => [
    { mode: 'value', pointsEach },
    /points; it must/,
  ]),
  [{ mode: 'some' }, /mode is some/],
  [{ review: 'maybe' }, /review is maybe/],
  // of no meaning in that mode, alike in the library, on the command line and over HTTP
  [{ candidates: 24, hurry: 1 }, /has no hurry/],
  [{ mode: 'best-of', hurry: 0 }, /has no hurry/],
  [{ mode: 'best-of', pointsEach: 1 }, /weighs no candidate/],
];
test.each(REFUSED)('%j is refused', (options, reason) => {
  expect(asked(options)).toThrow(reason);
});

test.each([
  { deliver: 2000 },
  { hurry: -0 },
  { hurry: 1, mode: 'value', pointsEach: -0 },
  { mode: 'value', pointsEach: 1e300 },
  { deadlineMs: 1 },
  { deadlineMs: 365 * 86_400_000, review: 'wait' },
  { budgetUsd: 0.000_001 },
  { budgetUsd: 1_000_000, candidates: 24 },
])('%j is taken', (options) => {
  expect(asked(options)).not.toThrow();
});
