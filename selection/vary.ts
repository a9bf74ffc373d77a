/** A request that varies an input: which of its values the next candidates are drawn with. Pure and deterministic. */
import { meanRate, observed, UNKNOWN_RATE, type PassRate } from './pass-rate.js';
import { pickWinners, type Passing } from './select.js';
import type { GroupStanding } from './stopping.js';
import type { RequestFields } from './types.js';

/** Of one value. */
export interface ValueCount {
  launched: number;
  /** Of them: scored, lost or cancelled. */
  ended: number;
  passed: number;
}

export interface VaryStanding {
  /** In the order of the values. */
  values: readonly ValueCount[];
  /** Value -> winners that it must have at least. Absent: all values are drawn alike. */
  minima?: readonly number[];
  /** `group` is the value's place as a text. */
  passing: readonly Passing[];
  /** K. */
  k: number;
  minDistance: number;
  /** What earlier requests of the release say. @default UNKNOWN_RATE */
  prior?: PassRate;
}

/** An input and the values that it is drawn with; `vary` of a plan fits. */
export interface Varied {
  input: string;
  values: readonly { value: string | number | boolean }[];
}

/** The groups of a request's candidates: its values as texts. None where it varies nothing. */
export const groupsOf = (of: { vary?: Varied | undefined } | undefined): string[] =>
  of?.vary?.values.map(({ value }) => String(value)) ?? [];

/**
 * The inputs that one candidate was drawn with.
 *
 * @param group of the candidate's record
 * @example
 * inputsWith({ steps: 20 }, { input: 'steps', values: [{ value: 20 }, { value: 30 }] }, '30'); // { steps: 30 }
 */
export function inputsWith(
  inputs: RequestFields['inputs'],
  vary: Varied | undefined,
  group: string | undefined,
): RequestFields['inputs'] {
  const one = vary?.values.find(({ value }) => String(value) === group);
  return vary && one ? { ...inputs, [vary.input]: one.value } : inputs;
}

/** What minima are counted by in the workflow: the place of the value, which is short, whatever the value is. */
export const groupOfValue = (value: number): string => String(value);

export const minimaByGroup = (minima: readonly number[] = []): Record<string, number> =>
  Object.fromEntries(minima.flatMap((least, value) => (least > 0 ? [[groupOfValue(value), least]] : [])));

/**
 * The values of the next `count` candidates. All are drawn alike while there are places that no minimum keeps; then each goes to the value that is
 * expected to lack most of its minimum once what is in flight has ended, so that one that has its minimum is drawn no more. A look that hardly ever
 * passes thus costs no image of the others.
 *
 * @returns places of values, 0-based
 * @example
 * nextValues(3, { values: [none, none], passing: [], k: 4, minDistance: 0 }); // [0, 1, 0]
 */
export function nextValues(count: number, standing: VaryStanding): number[] {
  const { values, minima = [], passing, k, minDistance, prior = UNKNOWN_RATE } = standing;
  const { lacks, open } = lacking({ minima, passing, k, minDistance, values: values.length });
  const rates = values.map(({ passed, ended }) => meanRate(observed(prior, { passed, failed: ended - passed })));
  const launched = values.map((value) => value.launched);
  const expected = (value: number): number =>
    (rates[value] ?? 0) * Math.max(0, (launched[value] ?? 0) - (values[value]?.ended ?? 0));
  const chosen: number[] = [];
  for (let i = 0; i < count; i++) {
    const want = lacks.map((lack, value) => (lack > 0 ? lack - expected(value) : -Infinity));
    // what is in flight beyond its own minimum goes to the places that all may have
    const spare = lacks.reduce((sum, lack, value) => sum + Math.max(0, expected(value) - lack), 0);
    const isEven = spare < open || lacks.every((lack) => lack === 0);
    const next = isEven
      ? best(
          launched.map((n) => -n),
          launched,
        )
      : best(want, launched);
    launched[next] = (launched[next] ?? 0) + 1;
    chosen.push(next);
  }
  return chosen;
}

/**
 * The values that lack winners of their minimum, as `nextStep` wants to know them.
 *
 * @example
 * groupStandings({ values: [{ launched: 9, ended: 8, passed: 0 }], minima: [2], passing: [], k: 4, minDistance: 0 }); // [{ need: 2, passed: 0, failed: 8, inFlight: 1 }]
 */
export function groupStandings({ values, minima = [], ...standing }: Omit<VaryStanding, 'prior'>): GroupStanding[] {
  const { lacks } = lacking({ ...standing, minima, values: values.length });
  return values.flatMap(({ launched, ended }, value) => {
    const [need = 0, least = 0] = [lacks[value], minima[value]];
    // as long as it lacks some, all that it has of different ones are winners
    const passed = least - need;
    return need > 0 ? { need, passed, failed: ended - passed, inFlight: launched - ended } : [];
  });
}

/** What each value lacks of its minimum, and the places that no minimum keeps and nobody has. */
function lacking(
  of: Pick<VaryStanding, 'passing' | 'k' | 'minDistance'> & { minima: readonly number[]; values: number },
) {
  const { minima, passing, k, minDistance, values } = of;
  const policy = { diversity: { minDistance }, minPerGroup: minimaByGroup(minima) };
  const { winners, missingPerGroup = {} } = pickWinners(passing, policy, { k, groups: [] });
  const lacks = Array.from({ length: values }, (_, value) => missingPerGroup[groupOfValue(value)] ?? 0);
  const kept = lacks.reduce((sum, lack) => sum + lack, 0);
  return { lacks, open: Math.max(0, k - winners.length - kept) };
}

/** The place of the greatest; ties go to the one that was launched least, then to the first. */
const best = (weights: readonly number[], launched: readonly number[]): number =>
  weights.reduce((top, weight, place) => {
    const [most, least] = [weights[top] ?? -Infinity, launched[top] ?? 0];
    return weight > most || (weight === most && (launched[place] ?? 0) < least) ? place : top;
  }, 0);
