import type { Gate, Policy } from './types.js';

/** Every dimension that a gate reads. */
export const gateDimensions = (gate: Gate): readonly string[] =>
  gate.kind === 'rule' ? gate.dimensions : [gate.dimension];

/**
 * Every dimension that a policy reads: its gates, its rules, its ranks. Without repetitions, in the order of the policy.
 *
 * @example
 * dimensionsRead(policy); // ['sharpness.tileP90', 'composition.centre']
 */
export const dimensionsRead = ({ gates, rank, rankModel }: Pick<Policy, 'gates' | 'rank' | 'rankModel'>): string[] => [
  ...new Set([...gates.flatMap(gateDimensions), ...Object.keys(rankModel?.weights ?? rank)]),
];

/**
 * The same, and the fingerprint where it tells near-duplicates or likeness.
 *
 * @example
 * dimensionsCompared({ ...policy, diversity: { minDistance: 0.05 } }); // ['sharpness.tileP90', 'fingerprint.phash']
 */
export function dimensionsCompared(policy: Pick<Policy, 'gates' | 'rank' | 'rankModel' | 'diversity'>): string[] {
  const { minDistance, lambda } = policy.diversity;
  const alsoRead = minDistance > 0 || lambda !== undefined ? ['fingerprint.phash'] : [];
  return [...new Set([...dimensionsRead(policy), ...alsoRead])];
}
