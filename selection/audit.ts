/** The audit sample: a set share of passes near a gate and of rejects, for a person to look at. Chosen by hash, so that it is the same everywhere. */
import { thresholdReason } from './judge.js';
import { marginOf } from './margin.js';
import { lotOf } from './tuning/random.js';
import type { AuditMark, Policy, Scores, Verdict } from './types.js';

const LOTS = 2 ** 32;
/** 5 points of quality, or 5 % of a raw value. */
export const DEFAULT_MARGIN = 0.05;

/** A candidate with its verdict; a line of manifest.ndjson fits. */
export interface Audited {
  candidate: number;
  scores: Scores;
  verdict: Verdict;
}

/** A gate that a person is asked about, and why. */
export interface Questioned {
  gate: string;
  reason: string;
}

/**
 * Whether a candidate is in the audit sample of its policy. A pass is near a gate if its value at some threshold lies within `audit.margin` of the
 * bound (margin.ts). Which of them are taken is decided by a hash of request and candidate: the same candidate is always in or
 * out, and a greater share only adds to a smaller one. It is the lot of `fullShare` (cascade.ts): marked rejects have every score. The band review is not in the sample where a person is asked about it anyway; with
 * `deliverReview` nobody is, and it passes like any other.
 *
 * @param request its name
 *
 * @example
 * auditOf('r1', { candidate: 7, scores, verdict }, policy); // 'near-gate'
 */
export function auditOf(request: string, one: Audited, policy: Policy): AuditMark | undefined {
  const { audit } = policy;
  const { band } = one.verdict;
  if (!audit || (band === 'review' && !policy.deliverReview)) return undefined;
  const lot = lotOf(`${request}/${one.candidate}`, 0) / LOTS;
  if (band === 'reject') return lot < audit.rejects ? 'reject' : undefined;
  return lot < audit.nearGate && nearestGate(one.scores, policy) ? 'near-gate' : undefined;
}

/**
 * The gates that a person's word on a candidate is about: those that put it into review or reject; of another pass near a gate, that gate.
 *
 * @example
 * questionedGates({ scores, verdict }, policy); // [{ gate: 'noise.sigma', reason: 'noise.sigma is 8.2, at most 8 wanted' }]
 */
export function questionedGates({ scores, verdict }: Omit<Audited, 'candidate'>, policy: Policy): Questioned[] {
  if (verdict.failed.length > 0) return verdict.failed.map(({ gate, reason }) => ({ gate, reason }));
  const near = nearestGate(scores, policy);
  return near ? [near] : [];
}

/** The gate whose bound is nearest, if it is within the margin. */
function nearestGate(scores: Scores, policy: Policy): Questioned | undefined {
  const within = policy.audit?.margin ?? DEFAULT_MARGIN;
  const [nearest] = policy.gates
    .flatMap((gate) => {
      if (gate.kind !== 'threshold') return [];
      const margin = marginOf(scores, gate, policy);
      return margin !== null && margin <= within ? [{ gate, margin }] : [];
    })
    .sort((a, b) => a.margin - b.margin);
  const score = nearest && scores[nearest.gate.dimension];
  if (nearest === undefined || score?.status !== 'ok') return undefined;
  // the gate's own words are those for an image that it rejects
  const { reason: _, ...gate } = nearest.gate;
  return { gate: gate.id, reason: thresholdReason(score[gate.on], gate) };
}
