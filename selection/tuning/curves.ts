/** Curves of a threshold that moves over labelled values: precision-recall, ROC, error against discard. */
import type { LabelledValue } from './risk-control.js';

/** What a threshold does: everything with at least this value passes. */
export interface CurvePoint {
  /** Infinity: nothing passes. */
  threshold: number;
  /** Good ones that pass, of all good ones: recall, and the true positive rate of the ROC. */
  recall: number;
  /** Defective ones that pass, of all defective ones: the false positive rate of the ROC. */
  fallOut: number;
  /** Good ones among those that pass; 1 where none passes. */
  precision: number;
  /** Share of all that does not pass. */
  discarded: number;
  /** Defective ones among those that pass, 1 - precision: the y of the EDC, over `discarded`. */
  error: number;
}

/**
 * One point per distinct value, from "nothing passes" to "everything passes". Needs both classes: without good or without defective ones the
 * shares of that class are 0.
 *
 * @example
 * curveOf([{ value: 1, good: false }, { value: 2, good: true }]).map(({ precision }) => precision); // [1, 1, 0.5]
 */
export function curveOf(labelled: readonly LabelledValue[]): CurvePoint[] {
  const sorted = [...labelled].sort((a, b) => b.value - a.value);
  const goods = sorted.filter(({ good }) => good).length;
  const defects = sorted.length - goods;
  let [goodPassing, passing] = [0, 0];
  const point = (threshold: number): CurvePoint => ({
    threshold,
    recall: goods === 0 ? 0 : goodPassing / goods,
    fallOut: defects === 0 ? 0 : (passing - goodPassing) / defects,
    precision: passing === 0 ? 1 : goodPassing / passing,
    discarded: sorted.length === 0 ? 1 : 1 - passing / sorted.length,
    error: passing === 0 ? 0 : 1 - goodPassing / passing,
  });
  const points = [point(Infinity)];
  for (const [i, { value, good }] of sorted.entries()) {
    passing++;
    if (good) goodPassing++;
    if (sorted[i + 1]?.value !== value) points.push(point(value));
  }
  return points;
}

/**
 * The area under the ROC curve: how often a good one has a higher value than a defective one, equal values counting half (Mann and
 * Whitney). 0.5 is a coin.
 *
 * @returns 0..1, or null with one class only
 *
 * @example
 * areaUnderRoc([{ value: 1, good: false }, { value: 2, good: true }]); // 1
 */
export function areaUnderRoc(labelled: readonly LabelledValue[]): number | null {
  const points = curveOf(labelled);
  const last = points.at(-1);
  if (!last || last.recall === 0 || last.fallOut === 0) return null;
  let area = 0;
  for (const [i, point] of points.slice(1).entries()) {
    const before = points[i] as CurvePoint;
    area += ((point.fallOut - before.fallOut) * (point.recall + before.recall)) / 2;
  }
  return area;
}

/**
 * The same area for resamples of whole jobs, sorted once for all of them.
 *
 * @param labelled `job`: its number
 * @returns the area of a resample, from how often each job was drawn
 *
 * @example
 * areaOfDraws([{ value: 1, good: false, job: 0 }, { value: 2, good: true, job: 1 }])([3, 1]); // 1
 */
export function areaOfDraws(
  labelled: readonly { value: number; good: boolean; job: number }[],
): (drawn: ArrayLike<number>) => number | null {
  const sorted = [...labelled].sort((a, b) => b.value - a.value);
  return (drawn) => {
    let [goods, defects, right] = [0, 0, 0];
    let [goodsAlike, defectsAlike] = [0, 0];
    for (const [i, { value, good, job }] of sorted.entries()) {
      const times = drawn[job] ?? 0;
      if (good) goodsAlike += times;
      else defectsAlike += times;
      if (sorted[i + 1]?.value === value) continue;
      right += defectsAlike * (goods + goodsAlike / 2);
      goods += goodsAlike;
      defects += defectsAlike;
      [goodsAlike, defectsAlike] = [0, 0];
    }
    return goods === 0 || defects === 0 ? null : right / goods / defects;
  };
}

/**
 * Fewer points of a curve for a report, first and last among them: evenly over its points.
 *
 * @param most at least 2
 */
export function thinned(points: readonly CurvePoint[], most: number): CurvePoint[] {
  if (points.length <= most) return [...points];
  return Array.from(
    { length: most },
    (_, i) => points[Math.round((i * (points.length - 1)) / (most - 1))] as CurvePoint,
  );
}
