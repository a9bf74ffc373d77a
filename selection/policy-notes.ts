/** What may be meant in a policy, and may be a slip: no mistakes, but worth a word. */
import { allowsAll, QUALITY_RANGE, type Dimensions } from './policy-file.js';
import type { Policy } from './types.js';

/**
 * Gates that every measured picture passes: they ask only that something could be measured.
 *
 * @param dimensions as for `parsePolicy`, and those of the policy's questions
 *
 * @example
 * policyNotes(policy, dimensions);
 * // ['eyes.open passes every picture that can be measured (0 to 1): it only rejects those that cannot']
 */
export const policyNotes = ({ gates }: Policy, dimensions: Dimensions): string[] =>
  gates.flatMap((gate) => {
    if (gate.kind === 'rule') return [];
    const range = gate.on === 'quality' ? QUALITY_RANGE : dimensions[gate.dimension]?.range;
    if (!range || !allowsAll(gate.accept, range)) return [];
    const unmeasured =
      gate.onUnassessable === 'review' ? 'puts those that cannot into review' : 'rejects those that cannot';
    return [`${gate.id} passes every picture that can be measured (${range.join(' to ')}): it only ${unmeasured}`];
  });
