/** What ranks, fitted to human verdicts: a logistic model on qualities, beside what ranked before. */
import { CullError } from '../../errors.js';
import { probabilityOf, qualityOf, rankedDimensions, rankQuality } from '../rank.js';
import type { LogisticModel, Policy } from '../types.js';
import type { Interval } from './binomial.js';
import { resampled } from './bootstrap.js';
import { calibrate } from './calibration.js';
import { checkBothKinds, checkComparable, checkEnough, wasMeasured } from './checks.js';
import { areaOfDraws, areaUnderRoc } from './curves.js';
import type { Example } from './examples.js';
import { grouped } from './groups.js';
import { fitLogistic } from './logistic.js';
import { passingOf, type Judged } from './propose.js';
import { splitByJob } from './split.js';

/** Ridge penalty on weights of standardised qualities: keeps a few labels from making large weights. */
const L2 = 1;
/** Of the rarer kind, in the part that fits: fewer make any model look like noise. */
const LEAST_OF_A_KIND = 10;
const RESAMPLES = 500;

export interface RankOptions {
  policy: Policy;
  /** To rank by. @default those that rank now */
  dimensions?: readonly string[];
  /** Of the split and of the resamples; 0 to 2^53-1. */
  seed: number;
  /** Share of the jobs that judges the model and has no part in fitting it. @default 0.5 */
  heldOut?: number;
  /** Of the interval; 0..1. @default 0.95 */
  confidence?: number;
}

/** How well something tells good pictures from defective ones. */
export interface Skill {
  /** How often a good picture ranks above a defective one, 0..1; null with one kind only. */
  areaUnderRoc: number | null;
  /** Mean of -ln of the probability that was given to what came true; 0.69 is a coin. Of weights: their sum, calibrated on the part that fits. */
  logLoss: number;
}

/** Pictures of a part. */
interface Part {
  pictures: number;
  good: number;
  jobs: number;
}

export interface RankReport {
  policy: string;
  seed: number;
  labels: Part & {
    /** Left out: a dimension that is to rank was not measured on them. */
    notMeasured: number;
    /** Left out: only some of their gates were judged. */
    partlyJudged: number;
  };
  model: LogisticModel;
  /** What each dimension adds. A weight of 0: left out, the labels show no use for it. */
  dimensions: {
    dimension: string;
    weight: number;
    /** In how many pictures of the fitting part it had no value, which counts as quality 0. */
    withoutValue: number;
  }[];
  fittedOn: Part;
  heldOut: Part & {
    fitted: Skill;
    /** What ranked before: the weighted sum, or the policy's model. */
    before: Skill;
    /** Area of the fitted model less that of what ranked before, over resamples of whole jobs. */
    gain: (Interval & { value: number }) | null;
    /** Among those that pass the policy's gates: what the ranking has to choose from. */
    passing: { pictures: number; good: number; fitted: number | null; before: number | null };
  };
}

/**
 * Fits what ranks: a logistic model on the qualities of some dimensions. Labels are split by job: one part fits, the other judges the fitted model
 * beside what ranked before. What has no value counts as quality 0, as it does when the model ranks.
 *
 * @param examples of `joinLabels`
 * @returns the policy with the model, and the report
 * @throws CullError LABELS_INSUFFICIENT (under 20 pictures, one class, one job, under 10 of a kind to fit with, no dimension tells good from defective),
 *   SCORES_INCOMPARABLE, USAGE
 *
 * @example
 * const { policy, report } = fitRanker(examples, { policy: old, seed: 1 });
 * report.heldOut.fitted.areaUnderRoc; // 0.87
 */
export function fitRanker(examples: readonly Example[], options: RankOptions): { policy: Policy; report: RankReport } {
  const { policy, seed, heldOut = 0.5, confidence = 0.95 } = options;
  // one that is named twice would share its weight with itself, and lose half of it
  const dimensions = [...new Set(options.dimensions ?? rankedDimensions(policy))].sort();
  if (dimensions.length === 0)
    throw new CullError('USAGE', `the policy ${policy.policy} ranks by nothing`, {
      hint: 'name dimensions: --rank sharpness.tileP90,composition.centre',
    });
  checkComparable(examples, policy, dimensions);
  const measured = examples.filter(({ scores }) => dimensions.every((dimension) => wasMeasured(scores[dimension])));
  const judged = measured.flatMap((one): Judged[] => (one.good === null ? [] : [{ ...one, good: one.good }]));
  checkEnough(judged);
  const parts = splitByJob(judged, { seed, heldOut });
  const [fitOn, lookedAt] = [parts.tuning, parts.heldOut.open()];
  checkBothKinds(fitOn, 'the part that fits');
  checkBothKinds(lookedAt, 'the held-out part');
  checkKinds(fitOn);

  const fitted = fit(fitOn, dimensions);
  const model: LogisticModel = {
    ...fitted,
    fittedOn: { labels: fitOn.length, requests: jobsOf(fitOn) },
  };
  const ranked: Policy = { ...policy, rank: {}, rankModel: model };
  const before = calibrate(fitOn.map(({ scores, good }) => ({ value: rankQuality(scores, policy), good })));
  const seen = lookedAt.map((one) => ({
    ...one,
    fitted: probabilityOf(one.scores, model),
    before: rankQuality(one.scores, policy),
  }));
  const areaOf = (by: 'fitted' | 'before') => (some: readonly (typeof seen)[number][]) =>
    areaUnderRoc(some.map((one) => ({ value: one[by], good: one.good })));
  const names = new Map([...new Set(seen.map(({ job }) => job))].map((job, j) => [job, j]));
  const drawnArea = (by: 'fitted' | 'before') =>
    areaOfDraws(seen.map((one) => ({ value: one[by], good: one.good, job: names.get(one.job) ?? 0 })));
  const [fittedArea, beforeArea] = [drawnArea('fitted'), drawnArea('before')];
  const gainOf = (drawn: ArrayLike<number>): number => (fittedArea(drawn) ?? NaN) - (beforeArea(drawn) ?? NaN);
  const interval = resampled(names.size, {
    figure: gainOf,
    ...{ seed, confidence, resamples: RESAMPLES },
  });
  const passing = passingOf(seen, policy);
  const skill: Skill = {
    areaUnderRoc: areaOf('fitted')(seen),
    logLoss: logLoss(seen.map((one) => ({ probability: one.fitted, good: one.good }))),
  };
  model.fittedOn = {
    ...model.fittedOn,
    heldOut: seen.length,
    areaUnderRoc: round(skill.areaUnderRoc ?? 0, 3),
    logLoss: round(skill.logLoss, 3),
  };
  return {
    policy: ranked,
    report: {
      policy: policy.policy,
      seed,
      labels: {
        ...partOf(judged),
        notMeasured: examples.length - measured.length,
        partlyJudged: measured.length - judged.length,
      },
      model,
      dimensions: dimensions.map((dimension) => ({
        dimension,
        weight: model.weights[dimension] ?? 0,
        withoutValue: fitOn.filter(({ scores }) => scores[dimension]?.status !== 'ok').length,
      })),
      fittedOn: partOf(fitOn),
      heldOut: {
        ...partOf(seen),
        fitted: skill,
        before: {
          areaUnderRoc: areaOf('before')(seen),
          logLoss: logLoss(seen.map((one) => ({ probability: before.probability(one.before), good: one.good }))),
        },
        gain: interval && { value: gainOf(new Uint8Array(names.size).fill(1)), ...interval },
        passing: {
          pictures: passing.length,
          good: passing.filter(({ good }) => good).length,
          fitted: areaOf('fitted')(passing),
          before: areaOf('before')(passing),
        },
      },
    },
  };
}

/** Standardised for the fit, so that the penalty weighs all dimensions alike; the weights are of plain qualities, and short. */
function fit(examples: readonly Judged[], dimensions: readonly string[]): LogisticModel {
  const columns = dimensions.map((dimension) => {
    const qualities = examples.map(({ scores }) => qualityOf(scores, dimension));
    const mean = qualities.reduce((sum, quality) => sum + quality, 0) / qualities.length;
    const spread =
      Math.sqrt(qualities.reduce((sum, quality) => sum + (quality - mean) ** 2, 0) / qualities.length) || 1;
    return { dimension, qualities, mean, spread };
  });
  const rows = examples.map((_, i) =>
    columns.map(({ qualities, mean, spread }) => ((qualities[i] ?? 0) - mean) / spread),
  );
  const { intercept, weights } = fitLogistic(
    rows,
    examples.map(({ good }) => Number(good)),
    { l2: L2 },
  );
  const used = columns.flatMap(({ dimension, mean, spread }, j) => {
    const weight = Number(((weights[j] ?? 0) / spread).toPrecision(4));
    return weight > 0 ? [{ dimension, mean, weight }] : [];
  });
  if (used.length === 0)
    throw new CullError(
      'LABELS_INSUFFICIENT',
      `no dimension tells good pictures from defective ones: ${dimensions.join(', ')}`,
      {
        hint: 'name others: --rank sharpness.tileP90,composition.centre',
      },
    );
  const shift = used.reduce((sum, { mean, weight }) => sum + mean * weight, 0);
  return {
    intercept: round(intercept - shift, 4),
    weights: Object.fromEntries(used.map(({ dimension, weight }) => [dimension, weight])),
  };
}

/** @throws CullError LABELS_INSUFFICIENT */
function checkKinds(examples: readonly Judged[]): void {
  const good = examples.filter((one) => one.good).length;
  const rarer = Math.min(good, examples.length - good);
  if (rarer >= LEAST_OF_A_KIND) return;
  throw new CullError(
    'LABELS_INSUFFICIENT',
    `the part that fits has ${good} good and ${examples.length - good} defective pictures: at least ${LEAST_OF_A_KIND} of each are needed`,
    { hint: 'label more pictures of several requests, good and defective ones' },
  );
}

const jobsOf = (examples: readonly Judged[]): number => grouped(examples, ({ job }) => job).size;

const partOf = (examples: readonly Judged[]): Part => ({
  pictures: examples.length,
  good: examples.filter(({ good }) => good).length,
  jobs: jobsOf(examples),
});

function logLoss(forecasts: readonly { probability: number; good: boolean }[]): number {
  const certain = 1e-9;
  const losses = forecasts.map(
    ({ probability, good }) => -Math.log(Math.max(certain, good ? probability : 1 - probability)),
  );
  return losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
}

const round = (value: number, digits: number): number => Number(value.toFixed(digits));
