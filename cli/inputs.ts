/** `-i name=value` on the command line. */
import { readFile } from 'node:fs/promises';
import type { Cull } from '../client/cull.js';
import { CullError, messageOf } from '../errors.js';
import { checkInputs } from '../templates/inputs.js';
import type { Bindings, Graph } from '../templates/types.js';
import type { InputValue } from '../workflows/contract.js';

/** `["prompt=a = b", "steps=8"]` -> `{ prompt: "a = b", steps: "8" }` */
export function parseInputs(pairs: string[]): Record<string, string> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=');
      if (at < 1) throw new CullError('USAGE', `-i ${pair} is not name=value`, { hint: 'write -i prompt="a red mug"' });
      return [pair.slice(0, at), pair.slice(at + 1)];
    }),
  );
}

/**
 * The input that is varied, with its values: `["style=studio,office"]` -> `{ input: "style", values: ["studio", "office"] }`. Values with commas are
 * written as a JSON list: `prompt=["a mug, red", "a mug, blue"]`.
 *
 * @throws CullError USAGE
 */
export function parseVary(given: readonly string[]): { input: string; values: string[] } | undefined {
  const [first, ...more] = given;
  if (first === undefined) return undefined;
  if (more.length > 0)
    throw new CullError('USAGE', 'one input can be varied, and --vary is given more than once', {
      hint: 'write all values of it into one: --vary style=studio,office',
    });
  const at = first.indexOf('=');
  const text = first.slice(at + 1).trim();
  const values = text.startsWith('[') ? parseList(first, text) : text.split(',').map((value) => value.trim());
  if (at < 1 || values.some((value) => value === ''))
    throw new CullError('USAGE', `--vary ${first} is not input=value,value`, {
      hint: 'write --vary style=studio,office; values with commas as --vary \'prompt=["a mug, red", "a mug, blue"]\'',
    });
  return { input: first.slice(0, at), values };
}

function parseList(given: string, text: string): string[] {
  try {
    const list: unknown = JSON.parse(text);
    if (Array.isArray(list) && list.every((value) => ['string', 'number', 'boolean'].includes(typeof value)))
      return list.map(String);
  } catch {
    // said below
  }
  throw new CullError('USAGE', `--vary ${given} is no JSON list of texts, numbers and switches`, {
    hint: 'write --vary \'prompt=["a mug, red", "a mug, blue"]\'',
  });
}

/**
 * Checks and types the inputs; image inputs (`-i photo=face.png`) are put into storage and named by their hash.
 *
 * @throws CullError TEMPLATE_INPUT_*
 */
export async function resolveInputs(
  cull: Cull,
  template: { graph: Graph; bindings: Bindings },
  given: Record<string, string>,
): Promise<Record<string, InputValue>> {
  const checked = checkInputs(template, given);
  const resolved: Record<string, InputValue> = {};
  for (const name of Object.keys(given)) {
    const value = checked[name];
    if (value === undefined) continue;
    resolved[name] =
      template.bindings.inputs[name]?.type === 'image' ? await readImage(cull, name, String(value)) : value;
  }
  return resolved;
}

async function readImage(cull: Cull, name: string, path: string): Promise<InputValue> {
  const bytes = await readFile(path).catch((error: unknown) => {
    throw new CullError('TEMPLATE_INPUT_INVALID', `input ${name}: ${path} cannot be read: ${messageOf(error)}`, {
      hint: 'give the path of an image file',
    });
  });
  return cull.putInput(bytes, { name: path });
}
