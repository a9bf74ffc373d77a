/** The numbers of a policy that tuning may change: the bounds that decide whether a value passes. */
import type { Bounds, Policy, Scores, ThresholdGate } from '../types.js';

/** One bound of one threshold gate. */
export interface Knob {
  gate: ThresholdGate;
  /** `review` where band review passes: then its bound decides. */
  part: 'accept' | 'review';
  side: 'min' | 'max';
  /** As the policy has it. */
  present: number;
}

const SIDES = ['min', 'max'] as const;

/**
 * Every bound that decides whether a value passes, in the order of the policy. Rules have none: they are judged as they are.
 *
 * @example
 * knobsOf(policy).map(({ gate, side }) => `${gate.id} ${side}`); // ['sharpness.tileP90 min', 'noise.sigma max']
 */
export const knobsOf = ({ gates, deliverReview }: Pick<Policy, 'gates' | 'deliverReview'>): Knob[] =>
  gates.flatMap((gate) =>
    gate.kind === 'rule'
      ? []
      : SIDES.flatMap((side): Knob[] => {
          const part = deliverReview && gate.review?.[side] !== undefined ? 'review' : 'accept';
          const present = gate[part]?.[side];
          return present === undefined ? [] : [{ gate, part, side, present }];
        }),
  );

/** The value that a gate looks at; undefined where there is none and `onUnassessable` decides. */
export function valueOf(scores: Scores, { dimension, on }: ThresholdGate): number | undefined {
  const score = Object.hasOwn(scores, dimension) ? scores[dimension] : undefined;
  return score?.status === 'ok' && Number.isFinite(score[on]) ? score[on] : undefined;
}

/** Whether a picture without a value passes the gate. */
export const passesWithoutValue = ({ onUnassessable }: ThresholdGate, deliverReview: boolean): boolean =>
  onUnassessable === 'ignore' || (onUnassessable === 'review' && deliverReview);

/**
 * How far inside its bounds a value is, so that higher is better whatever the gate wants: value - min, max - value, or the smaller of both.
 * At least 0 passes.
 */
export function marginOf(value: number, gate: ThresholdGate, deliverReview: boolean): number {
  const { min = -Infinity, max = Infinity } = passingBounds(gate, deliverReview);
  return Math.min(value - min, max - value);
}

const passingBounds = ({ accept, review }: ThresholdGate, deliverReview: boolean): Bounds =>
  deliverReview ? { ...accept, ...review } : accept;

/** The policy with other bounds; those that are not named stay. */
export function withBounds(policy: Policy, bounds: ReadonlyMap<Knob, number>): Policy {
  const gates = policy.gates.map((gate) => {
    if (gate.kind === 'rule') return gate;
    const changed = { ...gate };
    for (const [knob, bound] of bounds)
      if (knob.gate.id === gate.id) changed[knob.part] = { ...changed[knob.part], [knob.side]: bound };
    return changed;
  });
  return { ...policy, gates };
}

/** A value that pictures have at a knob. */
export interface Step {
  value: number;
  /** Of one of them at least. */
  defective: boolean;
}

/**
 * Bounds worth trying: the present one, and one beside each defective value, where it would just be rejected. Looser ones than these are never
 * tried: no label shows what they would let through.
 *
 * @param steps distinct values, the lowest first
 * @returns the loosest first
 * @param most at most so many, evenly over the values
 */
export function boundsToTry(knob: Knob, steps: readonly Step[], most: number): number[] {
  let cuts = [...steps.keys()].flatMap((i) => {
    const next = steps[knob.side === 'min' ? i + 1 : i - 1];
    const { value, defective } = steps[i] as Step;
    return defective && next ? [{ value, next: next.value }] : [];
  });
  const boundOf = ({ value, next }: { value: number; next: number }): number => shortBetween(value, next);
  // Where one end of the scale fits and the other too, all do; most gates have one bound.
  if (!fits(knob, -Infinity) || !fits(knob, Infinity)) cuts = cuts.filter((cut) => fits(knob, boundOf(cut)));
  const step = Math.max(1, cuts.length / most);
  const kept = Array.from({ length: Math.min(most, cuts.length) }, (_, i) =>
    boundOf(cuts[Math.floor(i * step)] as (typeof cuts)[number]),
  );
  return [...new Set([knob.present, ...kept])].sort((a, b) => (knob.side === 'min' ? a - b : b - a));
}

/** Whether the gate stays one that can be written: min below max, and a review band wider than what is accepted. */
function fits({ gate, part, side }: Knob, bound: number): boolean {
  const changed: ThresholdGate = { ...gate };
  changed[part] = { ...gate[part], [side]: bound };
  const { accept, review } = changed;
  if (accept.min !== undefined && accept.max !== undefined && accept.min > accept.max) return false;
  return (
    review === undefined ||
    ((review.min === undefined || review.min < (accept.min ?? Infinity)) &&
      (review.max === undefined || review.max > (accept.max ?? -Infinity)))
  );
}

/** A number with as few digits as it takes to separate `from` from `to`, on the side of `to`. */
function shortBetween(from: number, to: number): number {
  const middle = from + (to - from) / 2;
  const [low, high] = [Math.min(from, to), Math.max(from, to)];
  for (let digits = 1; digits <= 15; digits++) {
    const short = Number(middle.toPrecision(digits));
    if (short !== from && short >= low && short <= high) return short;
  }
  return to;
}
