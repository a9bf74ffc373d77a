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
 * @param options `figure`: NaN where a resample has none, such samples are left out; `seed`: of the resamples; `confidence` 0..1
 * @returns null if no resample has a figure
 *
 * @example
 * bootstrap(pictures, { jobOf: ({ job }) => job, figure: defectRate, seed: 1, confidence: 0.95, resamples: RESAMPLES });
 */
export function bootstrap<T>(
  items: readonly T[],
  options: {
    jobOf: (item: T) => string;
    figure: (sample: readonly T[]) => number;
    seed: number;
    confidence: number;
    resamples: number;
  },
): Interval | null {
  const jobs = [...grouped(items, options.jobOf).values()];
  if (jobs.length === 0) return null;
  const chance = chanceFrom(options.seed);
  const figures: number[] = [];
  for (let i = 0; i < options.resamples; i++) {
    const sample: T[] = [];
    for (let j = 0; j < jobs.length; j++) sample.push(...(jobs[chance.below(jobs.length)] ?? []));
    const figure = options.figure(sample);
    if (!Number.isNaN(figure)) figures.push(figure);
  }
  if (figures.length === 0) return null;
  figures.sort((a, b) => a - b);
  const tail = (1 - options.confidence) / 2;
  const at = (share: number): number => figures[Math.round(share * (figures.length - 1))] ?? NaN;
  return { low: at(tail), high: at(1 - tail) };
}
