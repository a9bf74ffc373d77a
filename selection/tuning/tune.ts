/** Thresholds from labels, and what may be said of them. */
import type { Policy } from '../types.js';
import { RESAMPLES } from './bootstrap.js';
import { brier, calibrationError, reliability, type Bin, type Calibration } from './calibration.js';
import { checkAim, checkBothKinds, checkComparable, checkEnough, gateDimensions } from './checks.js';
import { curveOf, thinned, type CurvePoint } from './curves.js';
import type { Example } from './examples.js';
import { judgedAt, marginsOf, reportGates, type GateReport } from './gate-report.js';
import { grouped } from './groups.js';
import { examine, type HeldOutReport } from './held-out.js';
import { marginOf, valueOf } from './knobs.js';
import { originOf, type Origin } from './origin.js';
import { passingOf, propose, wasStopped, type Aim, type Judged } from './propose.js';
import { splitByJob } from './split.js';
import { thresholdsOf, type ThresholdReport } from './threshold-intervals.js';

const MOST_POINTS = 120;

export interface TuneOptions extends Aim {
  policy: Policy;
  /** Of the split and of the resamples; 0 to 2^53-1. */
  seed: number;
  /** Share of the jobs that is held out. @default 0.5 */
  heldOut?: number;
  /** Of the bootstrap. @default 2,000 */
  resamples?: number;
}

/** A bound that changes. */
export interface Change {
  gate: string;
  /** Where in the gate it stands: `raw`, `quality` or `review`. */
  at: 'raw' | 'quality' | 'review';
  side: 'min' | 'max';
  from: number;
  to: number;
}

/** How true a gate's calibrated probabilities are on the held-out part. */
export interface CalibrationReport {
  gate: string;
  method: Calibration['method'];
  pictures: number;
  brier: number;
  calibrationError: number;
  bins: Bin[];
}

/** What passes on one part of the labels. */
export interface Tally {
  pictures: number;
  jobs: number;
  good: number;
  delivered: number;
  defective: number;
}

export interface TuneReport extends Aim {
  policy: string;
  seed: number;
  labels: {
    /** Pictures with a verdict as a whole on which every gate has a score, or was not run because another one had rejected them. */
    pictures: number;
    good: number;
    defective: number;
    jobs: number;
    /** Left out: only some of their gates were judged. */
    partlyJudged: number;
    /** Left out: they were measured when there was no such scorer yet. */
    notMeasured: number;
    /**
     * Not left out: a gate was not run on them because another one had rejected them. Where no gate that was run rejects them any more, they count at
     * their worst (`passingOf`).
     */
    stopped: number;
    origin: Origin;
  };
  changes: Change[];
  /** Every threshold, moved or not. */
  thresholds: ThresholdReport[];
  /** The tuning part under the policy as it was and as proposed: optimistic, it chose the thresholds. */
  tuning: { before: Tally; after: Tally };
  /** The held-out part under the policy as it was. */
  before: Tally;
  heldOut: HeldOutReport;
  /** From the tuning part. */
  gates: GateReport[];
  /** On the held-out part. */
  calibration: CalibrationReport[];
  /** The policy as one number, the probability of its weakest gate, on the held-out part. */
  jointCurve: CurvePoint[];
}

/**
 * Proposes thresholds, and says what the labels show of them. Labels are split by job: one part chooses the thresholds, the other is sealed until
 * they are chosen, and then looked at once. So the bound is valid however the choice was made (a sample that did not choose judges), with
 * every kind of gate, and needs neither a monotone loss nor a correction for the many thresholds that were tried.
 *
 * @param examples of `joinLabels`
 * @returns the proposed policy and the report; `report.heldOut.promise` is the statement
 * @throws CullError LABELS_INSUFFICIENT (under 20 pictures, one class, one job), SCORES_INCOMPARABLE, USAGE
 *
 * @example
 * const { policy, report } = tune(examples, { policy: old, maxDefectRate: 0.05, confidence: 0.95, seed: 1 });
 * report.heldOut.promise.shown; // true: at most 5 % defective, with 95 % confidence
 */
export function tune(examples: readonly Example[], options: TuneOptions): { policy: Policy; report: TuneReport } {
  const { policy, maxDefectRate, confidence, seed } = options;
  checkAim(options);
  const aim: Aim = { maxDefectRate, confidence };
  checkComparable(examples, policy);
  const dimensions = gateDimensions(policy);
  const measured = examples.filter(({ scores }) => dimensions.every((id) => scores[id] !== undefined));
  const judged = judgedOf(measured);
  checkEnough(judged);

  const parts = splitByJob(measured, { seed, heldOut: options.heldOut ?? 0.5 });
  const chosenOn = judgedOf(parts.tuning);
  checkBothKinds(chosenOn, 'the part that chooses the thresholds');
  const gates = reportGates(parts.tuning, { policy, ...aim });
  const proposed = propose(chosenOn, { policy, ...aim });
  const resamples = options.resamples ?? RESAMPLES;
  const thresholds = thresholdsOf(chosenOn, { policy, proposed, ...aim, seed, resamples });

  // From here on nothing is chosen any more.
  const heldOut = parts.heldOut.open();
  const lookedAt = judgedOf(heldOut);
  return {
    policy: proposed,
    report: {
      policy: policy.policy,
      seed,
      ...aim,
      labels: {
        pictures: judged.length,
        good: judged.filter(({ good }) => good).length,
        defective: judged.filter(({ good }) => !good).length,
        jobs: grouped(judged, ({ job }) => job).size,
        partlyJudged: measured.length - judged.length,
        notMeasured: examples.length - measured.length,
        stopped: judged.filter(({ scores }) => wasStopped(scores, dimensions)).length,
        origin: originOf(judged),
      },
      changes: changesOf(thresholds),
      thresholds,
      tuning: { before: tally(chosenOn, policy), after: tally(chosenOn, proposed) },
      before: tally(lookedAt, policy),
      heldOut: examine(lookedAt, { policy: proposed, ...aim, seed, resamples }),
      gates: gates.map(({ report }) => report),
      calibration: gates.flatMap(({ report, calibration }) => calibrationOn(heldOut, { policy, report, calibration })),
      jointCurve: jointCurve(lookedAt, policy, new Map(gates.map((one) => [one.report.gate, one.calibration]))),
    },
  };
}

const judgedOf = (examples: readonly Example[]): Judged[] =>
  examples.flatMap((example) => (example.good === null ? [] : [{ ...example, good: example.good }]));

function tally(examples: readonly Judged[], policy: Policy): Tally {
  const passing = passingOf(examples, policy);
  return {
    pictures: examples.length,
    jobs: grouped(examples, ({ job }) => job).size,
    good: examples.filter(({ good }) => good).length,
    delivered: passing.length,
    defective: passing.filter(({ good }) => !good).length,
  };
}

const changesOf = (thresholds: readonly ThresholdReport[]): Change[] =>
  thresholds.flatMap(({ interval: _, ...change }) => (change.from === change.to ? [] : [change]));

function calibrationOn(
  heldOut: readonly Example[],
  { policy, report, calibration }: { policy: Policy; report: GateReport; calibration: Calibration | undefined },
): CalibrationReport[] {
  const gate = policy.gates.find(({ id }) => id === report.gate);
  if (!calibration || gate?.kind !== 'threshold') return [];
  const forecasts = marginsOf(judgedAt(gate, heldOut).examples, gate, policy.deliverReview).map(({ value, good }) => ({
    probability: calibration.probability(value),
    good,
  }));
  if (forecasts.length === 0) return [];
  return [
    {
      gate: gate.id,
      method: calibration.method,
      pictures: forecasts.length,
      brier: brier(forecasts),
      calibrationError: calibrationError(forecasts),
      bins: reliability(forecasts),
    },
  ];
}

/** Pictures in the order of their weakest gate; what a rule or a missing value rejects comes last. */
function jointCurve(
  examples: readonly Judged[],
  policy: Policy,
  calibrations: ReadonlyMap<string, Calibration | undefined>,
): CurvePoint[] {
  const labelled = examples.map((example) => {
    const worst = policy.gates.map((gate) => {
      const value = gate.kind === 'threshold' ? valueOf(example.scores, gate) : undefined;
      const calibration = calibrations.get(gate.id);
      if (gate.kind === 'threshold' && value !== undefined && calibration)
        return calibration.probability(marginOf(value, gate, policy.deliverReview));
      return passingOf([example], { ...policy, gates: [gate] }).length;
    });
    return { value: Math.min(1, ...worst), good: example.good };
  });
  return thinned(curveOf(labelled), MOST_POINTS);
}
