/** A policy file with other bounds: comments, order and spacing stay as somebody wrote them. */
import { isMap, isScalar, parseDocument } from 'yaml';
import { CullError } from '../../errors.js';
import { replacePart } from '../policy-edit.js';
import { canonicalPolicy } from '../canonical-policy.js';
import { parsePolicy, type Dimensions } from '../policy-file.js';
import type { Policy } from '../types.js';
import type { Change } from './tune.js';

/**
 * The text of a policy file in which nothing but the changed bounds differs.
 *
 * @param before YAML that `parsePolicy` takes
 * @param options `changes` and `policy` of `tune`; `file` and `dimensions` as for `parsePolicy`
 * @throws CullError POLICY_INVALID if a bound is not written where it is used (an alias, a merge key)
 *
 * @example
 * rewritePolicy('gates: { generic: { noise.sigma: { raw: { max: 8 } } } } # grain', { changes, policy, file, dimensions });
 * // 'gates: { generic: { noise.sigma: { raw: { max: 6.5 } } } } # grain'
 */
export function rewritePolicy(
  before: string,
  options: { changes: readonly Change[]; policy: Policy; file: string; dimensions: Dimensions },
): string {
  const { changes, policy, file, dimensions } = options;
  // The new file lies elsewhere: a model in a file beside the old one would not be found.
  const { rankModel } = policy;
  const text = rankModel ? replacePart(before, { key: 'rank', value: { logistic: rankModel }, file }) : before;
  const document = parseDocument(text);
  const tiers = document.get('gates');
  const tierOf = (gate: string): unknown =>
    isMap(tiers) ? tiers.items.find(({ value }) => isMap(value) && value.has(gate))?.key : undefined;
  const refuse = (gate: string): never => {
    throw new CullError(
      'POLICY_INVALID',
      `${file}: the bounds of ${gate} are written elsewhere (an alias or a merge)`,
      {
        hint: 'write every bound out where it is used, then tune again',
      },
    );
  };
  let rewritten = text;
  const spots = changes.map(({ gate, at, side, to }) => {
    const node = document.getIn(['gates', tierOf(gate), gate, at, side], true);
    const [start, end] = isScalar(node) && node.range ? node.range : refuse(gate);
    return { start, end, to };
  });
  // From the end, so that the places before stay where they are.
  for (const { start, end, to } of spots.sort((a, b) => b.start - a.start))
    rewritten = `${rewritten.slice(0, start)}${to}${rewritten.slice(end)}`;
  const read = parsePolicy(rewritten, { file, dimensions });
  if (JSON.stringify(read) !== JSON.stringify(canonicalPolicy(policy))) refuse(changes[0]?.gate ?? policy.policy);
  return rewritten;
}
