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
