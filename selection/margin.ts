/** How near a value is to the threshold of its gate. */
import type { Policy, Scores, ThresholdGate } from './types.js';

/**
 * Distance of a candidate's value to the nearest bound of a gate: in quality as a share of 100, in raw as a share of the larger of value and bound.
 * With `deliverReview` the bounds are those of the band review. Null: no value.
 *
 * @example
 * marginOf(scores, gate, policy); // 0.012: a quality of 41.2 where at least 40 is wanted
 */
export function marginOf(
  scores: Scores,
  gate: ThresholdGate,
  { deliverReview }: Pick<Policy, 'deliverReview'>,
): number | null {
  const score = Object.hasOwn(scores, gate.dimension) ? scores[gate.dimension] : undefined;
  if (score?.status !== 'ok') return null;
  const value = score[gate.on];
  const { min, max } = deliverReview && gate.review ? { ...gate.accept, ...gate.review } : gate.accept;
  const distances = [min, max].flatMap((bound) => {
    if (bound === undefined) return [];
    const scale = gate.on === 'quality' ? 100 : Math.max(Math.abs(value), Math.abs(bound));
    return [scale === 0 ? 0 : Math.abs(value - bound) / scale];
  });
  return distances.length === 0 ? null : Math.min(...distances);
}
