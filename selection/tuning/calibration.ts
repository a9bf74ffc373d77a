/** From a value to the probability that the picture is good: Platt scaling, isotonic regression, and how true it is. */
import { fitLogistic, sigmoid } from './logistic.js';
import type { LabelledValue } from './risk-control.js';

/** Below so many labels isotonic regression fits the noise (scikit-learn's advice); Platt's two parameters do not. */
export const ISOTONIC_FROM = 1_000;

export interface Calibration {
  method: 'platt' | 'isotonic';
  /** The probability that a picture with this value is good, 0..1. */
  probability: (value: number) => number;
}

/**
 * Platt scaling under 1,000 labels, isotonic regression from there on.
 *
 * @param labelled at least one; higher values are better
 *
 * @example
 * calibrate(labelled).probability(42); // 0.93
 */
export const calibrate = (labelled: readonly LabelledValue[]): Calibration =>
  labelled.length < ISOTONIC_FROM ? platt(labelled) : isotonic(labelled);

/**
 * 1 / (1 + exp(-(a z + b))), z the standardised value, fitted to Platt's targets (N+ + 1) / (N+ + 2) and 1 / (N- + 2), which keep it finite where the
 * classes do not overlap. Source: Platt 1999. a is never below 0: a value that means less the higher it is says nothing but the base rate.
 */
export function platt(labelled: readonly LabelledValue[]): Calibration {
  const n = labelled.length;
  const mean = labelled.reduce((sum, { value }) => sum + value, 0) / n;
  const spread = Math.sqrt(labelled.reduce((sum, { value }) => sum + (value - mean) ** 2, 0) / n) || 1;
  const goods = labelled.filter(({ good }) => good).length;
  const targets = { good: (goods + 1) / (goods + 2), bad: 1 / (n - goods + 2) };
  const { intercept, weights } = fitLogistic(
    labelled.map(({ value }) => [(value - mean) / spread]),
    labelled.map(({ good }) => (good ? targets.good : targets.bad)),
    { l2: 0 },
  );
  return {
    method: 'platt',
    probability: (value) => sigmoid(((weights[0] ?? 0) * (value - mean)) / spread + intercept),
  };
}

/** The best monotone step function (pool adjacent violators; Ayer et al. 1955), interpolated between the steps' ends. */
export function isotonic(labelled: readonly LabelledValue[]): Calibration {
  const sorted = [...labelled].sort((a, b) => a.value - b.value);
  const steps: { low: number; high: number; goods: number; count: number }[] = [];
  for (const { value, good } of sorted) {
    let step = { low: value, high: value, goods: good ? 1 : 0, count: 1 };
    for (let last = steps.at(-1); last; last = steps.at(-1)) {
      const rises = last.high < step.low && last.goods / last.count < step.goods / step.count;
      if (rises) break;
      step = { low: last.low, high: step.high, goods: last.goods + step.goods, count: last.count + step.count };
      steps.pop();
    }
    steps.push(step);
  }
  const shareOf = (step: { goods: number; count: number } | undefined): number => (step ? step.goods / step.count : 0);
  return {
    method: 'isotonic',
    probability(value) {
      // the first step that ends at the value or above
      let [at, end] = [0, steps.length];
      while (at < end) {
        const middle = (at + end) >> 1;
        if (value <= (steps[middle]?.high ?? Infinity)) end = middle;
        else at = middle + 1;
      }
      const [step, before] = at === steps.length ? [steps.at(-1), undefined] : [steps[at], steps[at - 1]];
      if (!step || !before || value >= step.low) return shareOf(step);
      const between = (value - before.high) / (step.low - before.high);
      return shareOf(before) + between * (shareOf(step) - shareOf(before));
    },
  };
}

/** A probability and what came true. */
export interface Forecast {
  /** 0..1 */
  probability: number;
  good: boolean;
}

/** Brier's score: the mean squared difference between probability and outcome. 0 is best; always saying 0.5 has 0.25. */
export const brier = (forecasts: readonly Forecast[]): number =>
  forecasts.reduce((sum, { probability, good }) => sum + (probability - Number(good)) ** 2, 0) / forecasts.length;

/** A bin of a reliability diagram. */
export interface Bin {
  /** Mean probability. */
  said: number;
  /** Share that was good. */
  came: number;
  count: number;
}

/**
 * Bins of equal mass (the same number of forecasts in each, up to one), in the order of the probability.
 *
 * @param count at least 1. @default 10
 */
export function reliability(forecasts: readonly Forecast[], count = 10): Bin[] {
  const sorted = [...forecasts].sort((a, b) => a.probability - b.probability);
  const bins = Math.min(count, sorted.length);
  return Array.from({ length: bins }, (_, i) => {
    const bin = sorted.slice(Math.floor((i * sorted.length) / bins), Math.floor(((i + 1) * sorted.length) / bins));
    return {
      said: bin.reduce((sum, { probability }) => sum + probability, 0) / bin.length,
      came: bin.filter(({ good }) => good).length / bin.length,
      count: bin.length,
    };
  });
}

/** The expected calibration error over bins of equal mass: how far what was said is from what came, on average. 0..1, 0 is best. */
export function calibrationError(forecasts: readonly Forecast[], count = 10): number {
  const off = reliability(forecasts, count).reduce(
    (sum, { said, came, count: size }) => sum + size * Math.abs(said - came),
    0,
  );
  return off / forecasts.length;
}
