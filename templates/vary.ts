/** An input that differs between the candidates of one request. */
import { CullError } from '../errors.js';
import { checkValue, type InputValue } from './inputs.js';
import { meant } from './suggest.js';
import type { Bindings } from './types.js';

/**
 * Checks that the template has the input, that it is no image, and that the values fit and differ.
 *
 * @returns the values in the input's type
 * @throws CullError TEMPLATE_INPUT_UNKNOWN, TEMPLATE_INPUT_INVALID
 * @example
 * checkVary(template, { input: 'steps', values: ['20', '30'] }); // [20, 30]
 */
export function checkVary(
  { bindings: { name, inputs } }: { bindings: Bindings },
  { input, values }: { input: string; values: readonly unknown[] },
): InputValue[] {
  const binding = Object.hasOwn(inputs, input) ? inputs[input] : undefined;
  if (!binding)
    throw new CullError('TEMPLATE_INPUT_UNKNOWN', `template ${name} has no input "${input}" that could be varied`, {
      hint: meant(input, Object.keys(inputs)),
      details: { input, known: Object.keys(inputs) },
    });
  if (binding.type === 'image')
    throw new CullError('TEMPLATE_INPUT_INVALID', `input "${input}" is an image, which cannot be varied`, {
      hint: 'vary a text, a number or a switch; make a request for each image',
    });
  const typed = values.map((value) => checkValue(input, binding, value));
  const twice = typed.find((value, i) => typed.indexOf(value) !== i);
  if (twice !== undefined)
    throw new CullError(
      'TEMPLATE_INPUT_INVALID',
      `input "${input}" is to be varied, and ${JSON.stringify(twice)} is there twice`,
      {
        hint: 'give each value once; each is drawn alike',
      },
    );
  return typed;
}
