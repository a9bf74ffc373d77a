/** The canonical form of a policy: policies that mean the same are the same JSON. */
import { DEFAULT_MARGIN } from './audit.js';
import { FULL_SHARE } from './cascade.js';
import type { Audit, Diversity, Gate, Pins, Policy, Tier } from './types.js';

/** In the order in which they are judged. */
export const TIERS: readonly Tier[] = ['generic', 'useCase', 'business'];

/**
 * The policy as plain JSON for hashing: known fields only, nothing undefined, nothing that says what holds without it, gates in the order of
 * their tiers. Key order is the business of the canonical JSON (RFC 8785) that hashes it.
 *
 * @example
 * canonicalPolicy(policy) // equal for two files that differ only in comments, spacing and the order of keys that are no gates
 */
export function canonicalPolicy(policy: Policy): Policy {
  const gates = TIERS.flatMap((tier) => policy.gates.filter((gate) => gate.tier === tier)).map(canonicalGate);
  const { rank, rankModel, diversity, minPerGroup, deliverReview, fullShare, audit, questions, params, pins } = policy;
  const plain: Policy = {
    policy: policy.policy,
    gates,
    rank,
    ...(rankModel && { rankModel }),
    diversity: canonicalDiversity(diversity),
    ...(minPerGroup !== undefined && { minPerGroup }),
    deliverReview,
    ...(audit && canonicalAudit(audit)),
    ...(fullShare !== undefined && fullShare !== FULL_SHARE && { fullShare }),
    ...(questions && !isEmpty(questions) && { questions }),
    params: Object.fromEntries(Object.entries(params).filter(([, told]) => !isEmpty(told))),
    ...(pins && canonicalPins(pins)),
  };
  return JSON.parse(JSON.stringify(plain)) as Policy;
}

const isEmpty = (of: object): boolean => Object.keys(of).length === 0;

/** A side of the band review where accepting ends too widens nothing. */
function canonicalGate(gate: Gate): Gate {
  if (gate.kind === 'rule' || !gate.review) return gate;
  const { review, ...plain } = gate;
  const wider = (['min', 'max'] as const).filter(
    (side) => review[side] !== undefined && review[side] !== gate.accept[side],
  );
  return wider.length === 0
    ? plain
    : { ...plain, review: Object.fromEntries(wider.map((side) => [side, review[side]])) };
}

/** A `lambda` of 1 is quality alone, as none is. */
function canonicalDiversity({ minDistance, lambda = 1, by }: Diversity): Diversity {
  return { minDistance, ...(lambda !== 1 && { lambda, ...(by === 'fingerprint' && { by }) }) };
}

/** What is near a gate is nobody's business where nothing of it is marked. */
function canonicalAudit({ nearGate, rejects, margin }: Audit): Pick<Policy, 'audit'> {
  if (nearGate === 0 && rejects === 0) return {};
  return { audit: { nearGate, rejects, margin: nearGate === 0 ? DEFAULT_MARGIN : margin } };
}

function canonicalPins({ scorers, models = {} }: Pins): Pick<Policy, 'pins'> {
  if (isEmpty(scorers) && isEmpty(models)) return {};
  return { pins: { scorers, ...(!isEmpty(models) && { models }) } };
}
