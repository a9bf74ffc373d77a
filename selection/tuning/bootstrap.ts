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
  const chance = chanceFrom(options.seed);
  const figures: number[] = [];
  for (let i = 0; i < options.resamples; i++) {
    const drawn = jobs.map(() => jobs[chance.below(jobs.length)] as number[]);
    const figure = options.figure(sumsOf(drawn));
    if (!Number.isNaN(figure)) figures.push(figure);
  }
  if (figures.length === 0) return null;
  figures.sort((a, b) => a - b);
  const tail = (1 - options.confidence) / 2;
  const at = (share: number): number => figures[Math.round(share * (figures.length - 1))] ?? NaN;
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
