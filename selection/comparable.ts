/** Whether stored scores are of the measures of today. Those of others are refused, never compared. */
import canonicalize from 'canonicalize';
import { dimensionsCompared } from './dimensions.js';
import { short } from './pins.js';
import type { Policy, Scores } from './types.js';

/** What measures a dimension today. */
export interface Measure {
  /** `id@version`. */
  scorer: string;
  /** Networks that it runs: id -> sha256. Absent: not known, some are not on this machine. */
  models?: Readonly<Record<string, string>>;
}

/** Dimension id -> its measure. */
export type Measures = Readonly<Record<string, Measure>>;

/** Why scores of a dimension are refused, both sides in words. */
export interface Difference {
  dimension: string;
  was: string;
  is: string;
}

export interface Comparison {
  /**
   * Why the candidates of a request cannot be judged by the policy; empty where they can. Scores that were not taken differ from nothing.
   *
   * @param before the policy that they were measured for: its parameters and questions are part of the measure
   */
  differences: (candidates: Iterable<{ scores: Scores }>, before: Policy) => Difference[];
  /** Dimensions whose networks are not on this machine -> those of the scores that were met first, which all others must have. */
  assumed: () => Record<string, Readonly<Record<string, string>>>;
}

/**
 * Compares requests, one after the other, with the measures of today, in the dimensions that a policy reads. Give the newest request first: where
 * this machine does not know a network, the first score met says which one it is.
 *
 * @example
 * const comparison = createComparison(policy, { 'sharpness.tileP90': { scorer: 'sharpness@1.1.0', models: {} } });
 * comparison.differences(records, before); // [{ dimension: 'sharpness.tileP90', was: 'sharpness@1.0.0', is: 'sharpness@1.1.0' }]
 */
export function createComparison(policy: Policy, measures: Measures): Comparison {
  const read = dimensionsCompared(policy);
  const pins = policy.pins?.models ?? NONE;
  const assumed = new Map<string, Readonly<Record<string, string>>>();
  return {
    differences(candidates, before) {
      const found = new Map<string, Difference>();
      const differ = (dimension: string, was: string, is: string) =>
        found.set(`${dimension} ${was}`, { dimension, was, is });
      const asked = read.flatMap((dimension) => {
        const measure = measures[dimension];
        return measure ? [{ dimension, measure, other: askedOtherwise(dimension, { before, policy }) }] : [];
      });
      for (const { scores } of candidates)
        for (const { dimension, measure, other } of asked) {
          const score = scores[dimension];
          if (score === undefined || score.status === 'notRun') continue;
          if (score.scorer !== measure.scorer) differ(dimension, score.scorer, measure.scorer);
          else if (other) differ(dimension, other.was, other.is);
          else {
            const { models = NONE } = score;
            // pins hold also where this machine does not know all networks of the scorer
            const isPinned = agree(models, pins);
            let wanted = measure.models ?? assumed.get(dimension);
            if (wanted === undefined && isPinned && score.status === 'ok') assumed.set(dimension, (wanted = models));
            const isSame = wanted === undefined || (score.status === 'ok' ? haveSame : agree)(models, wanted);
            if (!isPinned || !isSame)
              differ(dimension, measureText(score.scorer, models), measureText(measure.scorer, wanted ?? pins));
          }
        }
      return [...found.values()];
    },
    assumed: () => Object.fromEntries([...assumed].filter(([, models]) => Object.keys(models).length > 0)),
  };
}

const NONE: Readonly<Record<string, string>> = {};

/** A scorer with other parameters, or another question under the same name, measures something else. */
function askedOtherwise(
  dimension: string,
  { before, policy }: { before: Policy; policy: Policy },
): { was: string; is: string } | undefined {
  const [scorer = '', name = ''] = dimension.split('.');
  const askOf = ({ params, questions }: Policy): string =>
    (scorer === 'question' ? canonicalize(questions?.[name]) : canonicalize(params[scorer] ?? {})) ?? 'nothing';
  const [was, is] = [askOf(before), askOf(policy)];
  return was === is ? undefined : { was: `${scorer} asked with ${was}`, is: `${scorer} asked with ${is}` };
}

function haveSame(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean {
  const ids = Object.keys(a);
  return ids.length === Object.keys(b).length && ids.every((id) => a[id] === b[id]);
}

/** What could not be measured need not name all networks; those that it names count. */
const agree = (a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean =>
  Object.keys(a).every((id) => !Object.hasOwn(b, id) || a[id] === b[id]);

/** A scorer and its networks: `eyes@1.0.0 with facemesh 3f2a…`. */
export const measureText = (scorer: string, models: Readonly<Record<string, string>>): string => {
  const named = Object.entries(models).map(([id, sha256]) => `${id} ${short(sha256)}`);
  return `${scorer} with ${named.length === 0 ? 'no model' : named.sort().join(', ')}`;
};
