/** A line of a batch file as what the library takes. */
import { resolve } from 'node:path';
import type { Cull } from '../client/cull.js';
import type { GenerateOptions } from '../client/request.js';
import { CullError } from '../errors.js';
import type { Policy } from '../selection/types.js';
import { BatchLineBody } from '../service/batch-schemas.js';
import type { Release } from '../templates/types.js';
import { resolveInputs } from './inputs.js';

/** The same fields as over HTTP; an image is the path of a file. */
const LineBody = BatchLineBody.omit({ template: true, policy: true });

/**
 * Reads lines for one release.
 *
 * @param options `from`: the folder that paths of images start at
 * @returns what throws CullError BODY_INVALID or TEMPLATE_INPUT_* for a line that is wrong
 * @example
 * await startBatch(cull, { lines, optionsOf: batchLines(cull, release, { from: '.' }) });
 */
export function batchLines(
  cull: Cull,
  release: Release<Policy>,
  { from }: { from: string },
): (line: unknown) => Promise<GenerateOptions> {
  const isImage = (name: string): boolean => release.bindings.inputs[name]?.type === 'image';
  return async (line) => {
    const checked = LineBody.safeParse(line);
    if (!checked.success)
      throw new CullError(
        'BODY_INVALID',
        checked.error.issues.map(({ path, message }) => `${path.join('.') || 'line'}: ${message}`).join('; '),
      );
    const { inputs, deadlineSeconds, ...rest } = checked.data;
    const given = Object.entries(inputs).map(([name, value]): [string, string] => {
      if (typeof value === 'object')
        throw new CullError(
          'TEMPLATE_INPUT_INVALID',
          `input ${name}: on a file's lines an image is the path of a file`,
        );
      return [name, isImage(name) ? resolve(from, String(value)) : String(value)];
    });
    return {
      release,
      inputs: await resolveInputs(cull, release, Object.fromEntries(given)),
      ...rest,
      ...(deadlineSeconds !== undefined && { deadlineMs: deadlineSeconds * 1000 }),
    };
  };
}
