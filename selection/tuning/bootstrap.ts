/** How much a figure varies from sample to sample: the bootstrap, over jobs. */
import type { Interval } from './binomial.js';
import { grouped } from './groups.js';
import { chanceFrom } from './random.js';

/** Enough that the ends of a 95 % interval stand still. */
export const RESAMPLES = 2_000;

/**
 * The interval of a figure over resamples of whole jobs: the pictures of a job share prompt, workflow and fate, so to draw single pictures would
 * make a few jobs look like much evidence (Efron; Davison and Hinkley 1997, section 3.8). Percentile interval.
 *
 * @param items what the figure is of, with its job
 * @param options `tally`: what a picture adds to the sums that the figure is made of, always as many; `figure`: of these sums, NaN where
 *   a resample has none, such samples are left out; `seed`: of the resamples; `confidence` 0..1
 * @returns null if no resample has a figure
 *
 * @example
 * const rate = { tally: ({ good }) => [Number(!good), 1], figure: ([defective, all]) => defective / all };
 * bootstrap(pictures, { jobOf: ({ job }) => job, ...rate, seed: 1, confidence: 0.95, resamples: RESAMPLES });
 */
export function bootstrap<T>(
  items: readonly T[],
  options: {
    jobOf: (item: T) => string;
    tally: (item: T) => number[];
    figure: (sums: readonly number[]) => number;
    seed: number;
    confidence: number;
    resamples: number;
  },
): Interval | null {
  const jobs = [...grouped(items, options.jobOf).values()].map((job) => sumsOf(job.map(options.tally)));
  if (jobs.length === 0) return null;
  // Most jobs add the same as many others: how often each kind is drawn is all that counts, and 100,000 jobs are drawn 2,000 times.
  const kinds = [...grouped(jobs.keys(), (j) => String(jobs[j])).values()];
  const kindOf = new Uint32Array(jobs.length);
  for (const [kind, own] of kinds.entries()) for (const j of own) kindOf[j] = kind;
  const rows = kinds.map(([first = 0]) => jobs[first] ?? []);
  const drawn = new Uint32Array(kinds.length);
  const chance = chanceFrom(options.seed);
  const figures: number[] = [];
  for (let i = 0; i < options.resamples; i++) {
    drawn.fill(0);
    for (let n = 0; n < jobs.length; n++) {
      const kind = kindOf[chance.below(jobs.length)] ?? 0;
      drawn[kind] = (drawn[kind] ?? 0) + 1;
    }
    const sums = sumsOf(rows.map((row, kind) => row.map((one) => one * (drawn[kind] ?? 0))));
    const figure = options.figure(sums);
    if (!Number.isNaN(figure)) figures.push(figure);
  }
  return percentiles(figures, options.confidence);
}

/**
 * The same for any figure: of how often each job is drawn, in the order in which they first appear. A job that is drawn twice counts as two.
 *
 * @param options `figure`: of a resample, NaN where it has none; such resamples are left out
 * @returns null if no resample has a figure
 *
 * @example
 * const area = areaOfDraws(pictures);
 * resampled(jobs, { figure: (drawn) => area(drawn) ?? NaN, seed: 1, confidence: 0.95, resamples: 500 });
 */
export function resampled(
  jobs: number,
  options: {
    figure: (drawn: Uint32Array) => number;
    seed: number;
    confidence: number;
    resamples: number;
  },
): Interval | null {
  const figures: number[] = [];
  for (const drawn of drawsOf(jobs, options)) {
    const figure = options.figure(drawn);
    if (!Number.isNaN(figure)) figures.push(figure);
  }
  return percentiles(figures, options.confidence);
}

/** Resamples of whole jobs, one after the other: how often each is drawn. */
export function* drawsOf(
  jobs: number,
  { seed, resamples }: { seed: number; resamples: number },
): Generator<Uint32Array> {
  const chance = chanceFrom(seed);
  for (let i = 0; i < resamples; i++) {
    const drawn = new Uint32Array(jobs);
    for (let n = 0; n < jobs; n++) {
      const job = chance.below(jobs);
      drawn[job] = (drawn[job] ?? 0) + 1;
    }
    yield drawn;
  }
}

/** The middle part of some figures. */
export function percentiles(figures: readonly number[], confidence: number): Interval | null {
  if (figures.length === 0) return null;
  const sorted = [...figures].sort((a, b) => a - b);
  const tail = (1 - confidence) / 2;
  const at = (share: number): number => sorted[Math.round(share * (sorted.length - 1))] ?? NaN;
  return { low: at(tail), high: at(1 - tail) };
}

/** Place by place; at least one row. */
function sumsOf(rows: readonly number[][]): number[] {
  const sums = new Array<number>(rows[0]?.length ?? 0).fill(0);
  for (const row of rows) for (let i = 0; i < sums.length; i++) sums[i] = (sums[i] ?? 0) + (row[i] ?? 0);
  return sums;
}

/** The first of two sums over the second; NaN of nothing. */
export const ratio = ([part, of]: readonly number[]): number => (part ?? NaN) / (of ?? NaN);
