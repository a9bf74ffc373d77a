/** What the labels say of one gate by itself: curves, and two thresholds for it alone. */
import type { Policy, ThresholdGate } from '../types.js';
import { calibrate, type Calibration } from './calibration.js';
import { areaUnderRoc, curveOf, thinned, type CurvePoint } from './curves.js';
import type { Example } from './examples.js';
import { knobsOf, marginOf, passesWithoutValue, valueOf } from './knobs.js';
import { propose, wasStopped, type Aim, type Judged } from './propose.js';
import { mostPermissive, type LabelledValue } from './risk-control.js';

/** Points of a curve in a report. */
const MOST_POINTS = 120;

/** A bound of a gate and what is proposed for it. */
export interface BoundReport {
  side: 'min' | 'max';
  present: number;
  /** For this gate alone, by the same search as for the policy. */
  alone: number;
  /**
   * The most permissive one for which conformal risk control bounds the share of pictures seen by this gate that are defective and pass it, those without a
   * value too that `onUnassessable` lets pass; null if there are too few labels, if those alone break the limit, or the gate has bounds on both sides.
   */
  riskControlled: number | null;
}

export interface GateReport {
  gate: string;
  on: 'raw' | 'quality';
  /** Whether the labels judge this gate, or the picture as a whole. */
  judged: 'gate' | 'picture';
  pictures: number;
  defective: number;
  /** Pictures without a value, decided by `onUnassessable`. */
  withoutValue: number;
  /** Null with one class only. */
  areaUnderRoc: number | null;
  /** Over the margin: how far inside the present bounds a value is. */
  curve: CurvePoint[];
  bounds: BoundReport[];
}

/** The examples of a gate that was run on them: its own verdicts where the labels have both, else those of the whole picture. */
export function judgedAt(
  gate: ThresholdGate,
  examples: readonly Example[],
): { judged: 'gate' | 'picture'; examples: Judged[] } {
  const run = examples.filter(({ scores }) => !wasStopped(scores, [gate.dimension]));
  const own = run.flatMap((example): Judged[] => {
    const good = example.gates[gate.id];
    return good === undefined ? [] : [{ ...example, good }];
  });
  if (own.some(({ good }) => good) && own.some(({ good }) => !good)) return { judged: 'gate', examples: own };
  return {
    judged: 'picture',
    examples: run.flatMap((example) => (example.good === null ? [] : [{ ...example, good: example.good }])),
  };
}

/** How far inside the gate's bounds each picture is that has a value there. */
export const marginsOf = (examples: readonly Judged[], gate: ThresholdGate, deliverReview: boolean): LabelledValue[] =>
  examples.flatMap(({ scores, good, job }) => {
    const value = valueOf(scores, gate);
    return value === undefined ? [] : [{ value: marginOf(value, gate, deliverReview), good, job }];
  });

/** The same with those that have none: `onUnassessable` decides, and no threshold changes it. */
const risksOf = (examples: readonly Judged[], gate: ThresholdGate, deliverReview: boolean): LabelledValue[] =>
  examples.map(({ scores, good, job }) => {
    const value = valueOf(scores, gate);
    if (value !== undefined) return { value: marginOf(value, gate, deliverReview), good, job };
    return { value: passesWithoutValue(gate, deliverReview) ? Infinity : -Infinity, good, job };
  });

/**
 * The report of every threshold gate, from the tuning part only.
 *
 * @returns with each, its calibration: from the margin to the probability that the picture is good; undefined without values
 */
export function reportGates(
  examples: readonly Example[],
  { policy, ...aim }: Aim & { policy: Policy },
): { report: GateReport; calibration: Calibration | undefined }[] {
  return policy.gates.flatMap((gate) => {
    if (gate.kind === 'rule') return [];
    const { judged, examples: own } = judgedAt(gate, examples);
    const margins = marginsOf(own, gate, policy.deliverReview);
    const alone = propose(own, { policy: { ...policy, gates: [gate] }, ...aim });
    const knobs = knobsOf({ ...policy, gates: [gate] });
    const aloneKnobs = knobsOf(alone);
    const limit = mostPermissive(risksOf(own, gate, policy.deliverReview), aim.maxDefectRate);
    const report: GateReport = {
      gate: gate.id,
      on: gate.on,
      judged,
      pictures: own.length,
      defective: own.filter(({ good }) => !good).length,
      withoutValue: own.length - margins.length,
      areaUnderRoc: areaUnderRoc(margins),
      curve: thinned(curveOf(margins), MOST_POINTS),
      bounds: knobs.map(({ side, present }, k) => ({
        side,
        present,
        alone: aloneKnobs[k]?.present ?? present,
        riskControlled:
          knobs.length > 1 || limit === Infinity ? null : side === 'min' ? present + limit : present - limit,
      })),
    };
    return [{ report, calibration: margins.length === 0 ? undefined : calibrate(margins) }];
  });
}
