/** From scores to a verdict: every gate of the policy, a reason in words for each that was not passed. */
import { evaluateRule, ruleInput, type RuleInput } from './rules.js';
import type {
  Band,
  Bounds,
  FailedGate,
  Gate,
  OnUnassessable,
  Policy,
  RequestFields,
  Scores,
  ThresholdGate,
  Verdict,
} from './types.js';
import { inWords, NOT_MEASURED, numberText, wanted } from './words.js';

/** A gate's answer: the band it puts the candidate into, and why. */
interface Ruling {
  band: Band;
  reason: string;
  /** Nothing was measured that could decide. */
  valueless?: boolean;
}

const PASSED: Ruling = { band: 'accept', reason: '' };
const BAND_WITHOUT_VALUE: Record<OnUnassessable, Band> = { reject: 'reject', review: 'review', ignore: 'accept' };

/**
 * Judges one candidate. Pure, total and deterministic: the same scores and policy give the same verdict everywhere.
 *
 * A gate whose dimension has no value (`unassessable`, `error`, `notRun`, or absent altogether) is decided by its `onUnassessable`, never
 * by a default of 0. The band is the worst of all gates; band review passes only with `deliverReview`. `failed` names every gate that put the
 * candidate into review or reject, in gate order. Gates whose scorers were left out because another gate had already rejected are not
 * among them: they say nothing about the image.
 *
 * @param scores dimension id -> score
 * @param policy as `parsePolicy` returns it
 * @param request what rules know of the request; nothing where there is none
 *
 * @example
 * const { pass, failed } = judge(scores, policy);
 * failed[0]?.reason; // 'sharpness.tileP90 is 31.2, at least 40 wanted (quality)'
 */
export function judge(scores: Scores, policy: Policy, request: RequestFields = {}): Verdict {
  let input: RuleInput | undefined;
  const rulings = policy.gates.flatMap((gate) => {
    const ruling =
      gate.kind === 'threshold'
        ? judgeThreshold(scores, gate)
        : judgeRule(gate.rule, (input ??= ruleInput(scores, request)), gate);
    return ruling.band === 'accept'
      ? []
      : [{ gate, ...ruling, leftOut: ruling.valueless === true && wasLeftOut(scores, gate) }];
  });
  const decided = rulings.some(({ band, leftOut }) => band === 'reject' && !leftOut);
  const named = decided ? rulings.filter(({ leftOut }) => !leftOut) : rulings;
  const bands = named.map(({ band }) => band);
  const band = bands.includes('reject') ? 'reject' : bands.includes('review') ? 'review' : 'accept';
  const failed = named.map(({ gate: { id, tier }, reason }): FailedGate => ({ gate: id, tier, reason }));
  return { pass: band === 'accept' || (band === 'review' && policy.deliverReview), band, failed };
}

/** Whether a scorer that a gate reads was not run. */
function wasLeftOut(scores: Scores, gate: Gate): boolean {
  const dimensions = gate.kind === 'rule' ? gate.dimensions : [gate.dimension];
  return dimensions.some((id) => Object.hasOwn(scores, id) && scores[id]?.status === 'notRun');
}

/**
 * Gate id -> how many of these it judged. What another gate had rejected before need not have been measured for it, so how often gates reject can
 * only be compared as a share of these.
 */
export const countJudged = (
  candidates: readonly { scores: Scores; verdict: Verdict }[],
  { gates }: Pick<Policy, 'gates'>,
): Record<string, number> =>
  Object.fromEntries(
    gates.map((gate) => {
      const judged = candidates.filter(
        ({ scores, verdict }) => verdict.failed.some((one) => one.gate === gate.id) || !wasLeftOut(scores, gate),
      );
      return [gate.id, judged.length];
    }),
  );

function judgeThreshold(scores: Scores, gate: ThresholdGate): Ruling {
  const score = Object.hasOwn(scores, gate.dimension) ? scores[gate.dimension] : undefined;
  if (score?.status !== 'ok' || !Number.isFinite(score[gate.on])) {
    const why = inWords(score ?? { status: 'notRun', scorer: '' });
    return {
      valueless: true,
      band: BAND_WITHOUT_VALUE[gate.onUnassessable],
      reason: gate.reason === undefined ? `${gate.dimension} ${why}` : `${gate.reason} (${gate.dimension} ${why})`,
    };
  }
  const value = score[gate.on];
  const { accept, review } = gate;
  if (isInside(value, accept)) return PASSED;
  // A side that `review` leaves out keeps the bound of `accept`: loosening one end does not open the other.
  const band = review && isInside(value, { ...accept, ...review }) ? 'review' : 'reject';
  return { band, reason: thresholdReason(value, gate) };
}

function judgeRule(rule: string, input: RuleInput, gate: { onUnassessable: OnUnassessable; reason: string }): Ruling {
  const outcome = evaluateRule(rule, input);
  if ('unassessable' in outcome)
    return {
      valueless: true,
      band: BAND_WITHOUT_VALUE[gate.onUnassessable],
      reason: `${gate.reason} (${NOT_MEASURED}: ${outcome.unassessable})`,
    };
  return outcome.holds ? PASSED : { band: 'reject', reason: gate.reason };
}

const isInside = (value: number, { min = -Infinity, max = Infinity }: Bounds): boolean => value >= min && value <= max;

/** What a value is against what its gate wants. */
export function thresholdReason(value: number, gate: ThresholdGate): string {
  const is = `${gate.dimension} is ${numberText(value, [gate.accept.min, gate.accept.max])}`;
  if (gate.reason !== undefined) return `${gate.reason} (${is})`;
  return `${is}, ${wanted(gate.accept)} wanted${gate.on === 'quality' ? ' (quality)' : ''}`;
}
