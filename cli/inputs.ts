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
