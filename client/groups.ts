/** Requests that vary an input, and policies that want winners of each value. */
import { CullError } from '../errors.js';
import { didYouMean } from '../selection/closest.js';
import type { Policy } from '../selection/types.js';
import type { VaryAsk } from '../workflows/contract.js';

/** They travel in the plan and are counted in the workflow. */
const MOST_VALUES = 64;

/** @throws CullError REQUEST_INVALID unless there are 1 to 64 values, each once */
export function checkValues({ input, values }: VaryAsk): void {
  if (values.length < 1 || values.length > MOST_VALUES)
    throw new CullError(
      'REQUEST_INVALID',
      `the input "${input}" is to be varied over ${values.length} values; it must be 1 to ${MOST_VALUES}`,
    );
  const groups = values.map(String);
  const twice = groups.find((group, i) => groups.indexOf(group) !== i);
  if (twice !== undefined)
    throw new CullError('REQUEST_INVALID', `the input "${input}" is to be varied, and "${twice}" is there twice`, {
      hint: 'give each value once; each is drawn alike',
    });
}

/** @throws CullError REQUEST_INVALID where an input is given and varied */
export function checkNotGiven(
  vary: Pick<VaryAsk, 'input'> | undefined,
  inputs: Readonly<Record<string, unknown>>,
): void {
  if (vary && Object.hasOwn(inputs, vary.input))
    throw new CullError('REQUEST_INVALID', `the input "${vary.input}" is given and varied`, {
      hint: 'give it once: among the inputs, or with the values to vary it over',
    });
}

/**
 * Checks that the minima of a policy can be met by the groups of a request.
 *
 * @param request `groups`: the values that it varies an input over; undefined: it varies none
 * @throws CullError REQUEST_INVALID where there are no groups, where a minimum is of another group, or where the minima are more than K
 */
export function checkGroups(
  { policy, minPerGroup }: Pick<Policy, 'policy' | 'minPerGroup'>,
  { deliver, groups }: { deliver: number; groups: readonly string[] | undefined },
): void {
  if (minPerGroup === undefined) return;
  if (groups === undefined)
    throw new CullError(
      'REQUEST_INVALID',
      `the policy ${policy} wants images of several groups (minPerGroup), and no input is varied`,
      { hint: 'name the input and its values: --vary style=studio,office (library: vary); each value is a group' },
    );
  const named = typeof minPerGroup === 'number' ? groups : Object.keys(minPerGroup);
  const unknown = named.find((group) => !groups.includes(group));
  if (unknown !== undefined)
    throw new CullError(
      'REQUEST_INVALID',
      `the policy ${policy} wants images of the group "${unknown}", which is none of the values${didYouMean(unknown, [...groups])}`,
      { hint: `the values are ${groups.join(', ')}` },
    );
  const least =
    typeof minPerGroup === 'number'
      ? groups.length * minPerGroup
      : Object.values(minPerGroup).reduce((sum, one) => sum + one, 0);
  if (least > deliver)
    throw new CullError(
      'REQUEST_INVALID',
      `the policy ${policy} wants at least ${least} images, ${named.length === 1 ? 'of one group' : `of ${named.length} groups`}, and ${deliver} are to be delivered`,
      { hint: `deliver at least ${least}, or vary over fewer values` },
    );
}
