import { CullError } from '../errors.js';
import { closest, meant } from './suggest.js';
import type { Bindings, InputBinding } from './types.js';

/** A template input: text, number or switch. An image is the name of a file in ComfyUI's input folder. */
export type InputValue = string | number | boolean;

/**
 * Checks what a caller gave against what the template declares, and fills in the defaults.
 *
 * Text is turned into the declared type (`"512"` for an integer, `"yes"` for a switch), since a command line knows only text.
 *
 * @returns every declared input that has a value
 * @throws CullError TEMPLATE_INPUT_UNKNOWN, TEMPLATE_INPUT_MISSING, TEMPLATE_INPUT_INVALID
 * @example
 * checkInputs(template, { prompt: 'a red mug', steps: '20' }); // { prompt: 'a red mug', steps: 20, ... }
 */
export function checkInputs(
  template: { bindings: Bindings },
  inputs: Readonly<Record<string, unknown>>,
): Record<string, InputValue> {
  const { name: template_, inputs: declared } = template.bindings;
  const names = Object.keys(declared);
  for (const name of Object.keys(inputs)) {
    if (Object.hasOwn(declared, name)) continue;
    throw new CullError('TEMPLATE_INPUT_UNKNOWN', `template ${template_} has no input "${name}"`, {
      hint: meant(name, names),
      details: { input: name, known: names },
    });
  }
  const checked: Record<string, InputValue> = {};
  for (const [name, binding] of Object.entries(declared)) {
    const given = Object.hasOwn(inputs, name) ? inputs[name] : undefined;
    if (given === undefined || given === null) {
      if (binding.default === undefined)
        throw missing(name, { template: template_, binding, given: Object.keys(inputs) });
      checked[name] = binding.default;
    } else checked[name] = checkValue(name, binding, given);
  }
  return checked;
}

/**
 * One value in its declared type and range.
 *
 * @throws CullError TEMPLATE_INPUT_INVALID
 */
export function checkValue(
  name: string,
  binding: Pick<InputBinding, 'type' | 'min' | 'max'>,
  value: unknown,
): InputValue {
  switch (binding.type) {
    case 'string':
      if (typeof value === 'string') return value;
      if (typeof value === 'number' || typeof value === 'boolean') return String(value);
      throw wrong(name, value, 'a text');
    case 'image':
      if (typeof value === 'string' && value !== '') return value;
      throw wrong(name, value, 'an image file');
    case 'boolean': {
      if (typeof value === 'boolean') return value;
      const text = typeof value === 'string' ? value.trim().toLowerCase() : '';
      if (['true', 'yes', 'on', '1'].includes(text)) return true;
      if (['false', 'no', 'off', '0'].includes(text)) return false;
      throw wrong(name, value, 'true or false');
    }
    case 'integer':
    case 'number': {
      const number =
        typeof value === 'number' ? value : typeof value === 'string' && value.trim() !== '' ? Number(value) : NaN;
      const whole = binding.type === 'integer';
      if (!Number.isFinite(number) || (whole && !Number.isSafeInteger(number))) {
        throw wrong(name, value, whole ? 'a whole number' : 'a number');
      }
      const { min = -Infinity, max = Infinity } = binding;
      if (number < min || number > max) throw wrong(name, value, rangeText(min, max));
      return number;
    }
  }
}

function rangeText(min: number, max: number): string {
  if (max === Infinity) return `at least ${min}`;
  if (min === -Infinity) return `at most ${max}`;
  return `from ${min} to ${max}`;
}

function missing(name: string, of: { template: string; binding: InputBinding; given: string[] }): CullError {
  const near = closest(name, of.given);
  const about = of.binding.description === undefined ? '' : ` (${of.binding.description})`;
  return new CullError('TEMPLATE_INPUT_MISSING', `template ${of.template} needs the input "${name}"${about}`, {
    hint: near === undefined ? `give it: -i ${name}=...` : `did you mean it with "${near}"?`,
    details: { input: name },
  });
}

function wrong(name: string, value: unknown, expected: string): CullError {
  const shown = typeof value === 'string' ? JSON.stringify(value.slice(0, 80)) : JSON.stringify(value);
  return new CullError('TEMPLATE_INPUT_INVALID', `input "${name}" is ${shown}, expected ${expected}`, {
    hint: `give ${expected} for "${name}"`,
    details: { input: name },
  });
}
