/** Whether a release draws, measures and passes as it did: its recent requests against earlier ones. */
import { isFull } from './cascade.js';
import { measureText } from './comparable.js';
import { dimensionsRead, gateDimensions } from './dimensions.js';
import { isTaken } from './not-taken.js';
import { benjaminiHochberg, effectiveSizes, fisher, kolmogorovSmirnov } from './two-samples.js';
import type { Policy, Scores, Verdict } from './types.js';

export const PERIODS = ['reference', 'recent'] as const;
export type Period = (typeof PERIODS)[number];

/**
 * - `pass`: the share of candidates that pass.
 * - `gate`: the share that a gate does not let through, of those that it could judge.
 * - `measured`: the share in which a dimension could be measured.
 * - `score`: the raw values of a dimension.
 */
export type DriftKind = 'pass' | 'gate' | 'measured' | 'score';

/** One period of one comparison. */
export interface DriftSide {
  requests: number;
  candidates: number;
  /** Independent candidates that these are worth: those of one request are alike. */
  effective: number;
  /** The share, or the median of the raw values. */
  value: number;
}

export interface DriftTest {
  what: DriftKind;
  /** Gate or dimension; empty for `pass`. */
  name: string;
  reference: DriftSide;
  recent: DriftSide;
  /** Difference of the shares, or the largest distance of the two distributions, 0..1. */
  distance: number;
  /** How often chance alone does as much. */
  p: number;
  /** The same, corrected for all comparisons of the report. */
  corrected: number;
  drifted: boolean;
}

export interface ReleaseDrift {
  release: string;
  requests: Record<Period, number>;
  candidates: Record<Period, number>;
  tests: DriftTest[];
  /** Comparisons with fewer than `LEAST` independent candidates in one period. */
  tooFew: { what: DriftKind; name: string }[];
  /** Dimensions whose scores are of several versions or models: not compared, nor the gates that read them. */
  refused: { dimension: string; measures: string[] }[];
}

/** What drift needs of a candidate: a line of manifest.ndjson fits. */
export interface DriftRecord {
  candidate: number;
  scores: Scores;
  verdict: Verdict | null;
  /** One that a person let pass does not pass by itself. */
  review?: unknown;
  /** It ran every scorer, whatever gates said. */
  full?: true;
}

/** A finished request. */
export interface DriftRequest {
  request: string;
  release: string;
  policy: Policy;
  records: readonly DriftRecord[];
  /** Whether its scorers ran in the order of a cascade. */
  hasCascade: boolean;
}

/** Below so many independent candidates in a period, nothing is said. */
export const LEAST = 10;

/** One comparison as it grows: values by request. */
interface Series {
  what: DriftKind;
  name: string;
  /** Dimensions that it rests on. */
  reads: readonly string[];
  values: Record<Period, number[][]>;
}

interface Release {
  requests: Record<Period, number>;
  candidates: Record<Period, number>;
  series: Map<string, Series>;
  scorers: Map<string, Set<string>>;
  networks: Map<string, Set<string>>;
}

export interface DriftTally {
  add(request: DriftRequest, period: Period): void;
  /** Every release with requests in both periods, by name. */
  report(): ReleaseDrift[];
}

/**
 * Compares each release with itself: one policy and one template, so what differs is the drawing, the asking or the measuring. Shares by Fisher's
 * exact test, values by that of Kolmogorov and Smirnov, both on as many candidates as the requests are worth (`effectiveSizes`), and all
 * p-values corrected together (Benjamini & Hochberg).
 *
 * @param options `level`: false alarms among what is called drifted, on average, 0..1
 *
 * @example
 * const tally = createDriftTally({ level: 0.05 });
 * for (const request of requests) tally.add(request, request.createdAt < since ? 'reference' : 'recent');
 * tally.report()[0]?.tests.filter(({ drifted }) => drifted);
 */
export function createDriftTally({ level }: { level: number }): DriftTally {
  const releases = new Map<string, Release>();
  return {
    add({ request, release: name, policy, records, hasCascade }, period) {
      const release = releases.get(name) ?? newRelease();
      releases.set(name, release);
      const judged = records.flatMap(({ verdict, review, ...one }) =>
        verdict ? [{ ...one, verdict, passes: verdict.pass && review === undefined }] : [],
      );
      const measured = hasCascade ? judged.filter(isWhole(request, policy)) : judged;
      release.requests[period]++;
      release.candidates[period] += judged.length;
      const put = (series: Omit<Series, 'values'>, values: number[]): void => {
        const key = `${series.what} ${series.name}`;
        const known = release.series.get(key) ?? { ...series, values: { reference: [], recent: [] } };
        known.values[period].push(values);
        release.series.set(key, known);
      };
      const gates = policy.gates.map((gate) => ({ id: gate.id, reads: gateDimensions(gate) }));
      const read = dimensionsRead(policy);
      put(
        { what: 'pass', name: '', reads: gates.flatMap(({ reads }) => reads) },
        judged.map(({ passes }) => Number(passes)),
      );
      for (const { id, reads } of gates)
        put(
          { what: 'gate', name: id, reads },
          measured
            .filter(({ scores }) => reads.every((dimension) => isTaken(scores, dimension)))
            .map(({ verdict }) => Number(verdict.failed.some(({ gate }) => gate === id))),
        );
      for (const dimension of read) {
        const taken = measured.flatMap(({ scores }) => (isTaken(scores, dimension) ? (scores[dimension] ?? []) : []));
        put(
          { what: 'measured', name: dimension, reads: [dimension] },
          taken.map(({ status }) => Number(status === 'ok')),
        );
        put(
          { what: 'score', name: dimension, reads: [dimension] },
          taken.flatMap((score) => (score.status === 'ok' ? [score.raw] : [])),
        );
        for (const score of taken) {
          note(release.scorers, dimension, score.scorer);
          if (score.status === 'ok') note(release.networks, dimension, measureText(score.scorer, score.models ?? {}));
        }
      }
    },
    report() {
      const reports = [...releases]
        .filter(([, { requests }]) => PERIODS.every((period) => requests[period] > 0))
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([name, release]) => compare(name, release));
      const corrected = benjaminiHochberg(reports.flatMap(({ tests }) => tests.map(({ p }) => p)));
      for (const test of reports.flatMap(({ tests }) => tests)) {
        test.corrected = corrected.shift() ?? 1;
        test.drifted = test.corrected <= level;
      }
      return reports;
    },
  };
}

/**
 * Those that pass, and the share of the others that runs everything. Which scores of the rest were taken depends on the order of the scorers, and that
 * changes with what is learned: it would look like drift. Where all ran everything, the same share is taken.
 */
const isWhole =
  (request: string, { fullShare }: Policy) =>
  ({ candidate, passes, full }: Pick<DriftRecord, 'candidate' | 'full'> & { passes: boolean }): boolean =>
    passes || (full === true && isFull({ request, candidate }, fullShare));

const newRelease = (): Release => ({
  requests: { reference: 0, recent: 0 },
  candidates: { reference: 0, recent: 0 },
  series: new Map(),
  scorers: new Map(),
  networks: new Map(),
});

function note(of: Map<string, Set<string>>, dimension: string, text: string): void {
  const known = of.get(dimension) ?? new Set();
  known.add(text);
  of.set(dimension, known);
}

function compare(name: string, { requests, candidates, series, scorers, networks }: Release): ReleaseDrift {
  const refused = [...scorers.keys()].flatMap((dimension) => {
    const measures = [scorers, networks].map((of) => [...(of.get(dimension) ?? [])].sort());
    const several = measures.find(({ length }) => length > 1);
    return several ? [{ dimension, measures: several }] : [];
  });
  const isRefused = (dimension: string): boolean => refused.some((one) => one.dimension === dimension);
  const tests: DriftTest[] = [];
  const tooFew: ReleaseDrift['tooFew'] = [];
  for (const one of series.values()) {
    if (one.reads.some(isRefused)) continue;
    const test = testOf(one);
    if (test) tests.push(test);
    else tooFew.push({ what: one.what, name: one.name });
  }
  return { release: name, requests, candidates, tests, tooFew, refused };
}

function testOf({ what, name, values }: Series): DriftTest | undefined {
  const [before, now] = [values.reference.flat(), values.recent.flat()];
  const alike = what === 'score' ? halfOf([...before, ...now]) : (value: number) => value;
  const groups = PERIODS.map((period) => values[period].map((group) => group.map(alike)));
  const sizes = effectiveSizes(groups) as [number, number];
  if (sizes.some((size) => size < LEAST)) return undefined;
  const side = (period: Period, [all, effective]: [readonly number[], number]): DriftSide => ({
    requests: values[period].filter(({ length }) => length > 0).length,
    candidates: all.length,
    effective: Math.round(effective * 10) / 10,
    value: what === 'score' ? medianOf(all) : shareOf(all),
  });
  const reference = side('reference', [before, sizes[0]]);
  const recent = side('recent', [now, sizes[1]]);
  const counted = (share: number, size: number) => ({ hits: Math.round(share * size), of: Math.round(size) });
  const found =
    what === 'score'
      ? kolmogorovSmirnov(before, now, sizes)
      : {
          distance: Math.abs(reference.value - recent.value),
          p: fisher(counted(reference.value, Math.floor(sizes[0])), counted(recent.value, Math.floor(sizes[1]))),
        };
  return { what, name, reference, recent, ...found, corrected: 1, drifted: false };
}

/**
 * Whether a value is of the lower half. How alike the candidates of a request are is told by that: a distance of two distributions is one of shares of
 * values up to a point, and such shares hang together most in the middle.
 */
function halfOf(all: readonly number[]): (value: number) => number {
  const middle = medianOf(all);
  return all.some((value) => value > middle) ? (value) => Number(value <= middle) : (value) => Number(value < middle);
}

const shareOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  return ((sorted[Math.ceil(middle) - 1] ?? 0) + (sorted[Math.floor(middle)] ?? 0)) / 2;
}
