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
  // In one row: 100,000 jobs are drawn 2,000 times.
  const [size, row] = [jobs[0]?.length ?? 0, Float64Array.from(jobs.flat())];
  const chance = chanceFrom(options.seed);
  const figures: number[] = [];
  for (let i = 0; i < options.resamples; i++) {
    const sums = new Array<number>(size).fill(0);
    for (let drawn = 0; drawn < jobs.length; drawn++) {
      const job = chance.below(jobs.length) * size;
      for (let k = 0; k < size; k++) sums[k] = (sums[k] ?? 0) + (row[job + k] ?? 0);
    }
    const figure = options.figure(sums);
    if (!Number.isNaN(figure)) figures.push(figure);
  }
  return percentiles(figures, options.confidence);
}

/**
 * The same for any figure of the pictures, at the price of looking at all of them in every resample. A job that is drawn twice counts as two.
 *
 * @param options `figure`: of a resample, NaN where it has none; such resamples are left out
 * @returns null if no resample has a figure
 *
 * @example
 * resampled(pictures, { figure: (some) => areaUnderRoc(some) ?? NaN, seed: 1, confidence: 0.95, resamples: 500 });
 */
export function resampled<T extends { job: string }>(
  items: readonly T[],
  options: {
    figure: (items: readonly T[]) => number;
    seed: number;
    confidence: number;
    resamples: number;
  },
): Interval | null {
  const figures: number[] = [];
  for (const some of resamplesOf(items, options)) {
    const figure = options.figure(some);
    if (!Number.isNaN(figure)) figures.push(figure);
  }
  return percentiles(figures, options.confidence);
}

/** Resamples of whole jobs, one after the other. */
export function* resamplesOf<T extends { job: string }>(
  items: readonly T[],
  { seed, resamples }: { seed: number; resamples: number },
): Generator<T[]> {
  const jobs = [...grouped(items, ({ job }) => job).values()];
  const chance = chanceFrom(seed);
  for (let i = 0; i < resamples; i++)
    yield jobs.flatMap((_, n) =>
      (jobs[chance.below(jobs.length)] as T[]).map((item) => ({ ...item, job: `${item.job} ${n}` })),
    );
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
