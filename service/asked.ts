/** From what a tenant asks, by names, to what the library takes: releases, typed inputs. */
import type { z } from '@hono/zod-openapi';
import type { Cull } from '../client/cull.js';
import type { GenerateOptions } from '../client/request.js';
import { CullError } from '../errors.js';
import { keys } from '../storage/keys.js';
import { checkInputs } from '../templates/inputs.js';
import type { Bindings } from '../templates/types.js';
import { checkVary } from '../templates/vary.js';
import type { InputValue, VaryAsk } from '../workflows/contract.js';
import { releaseFor } from './catalogue.js';
import type { Service } from './context.js';
import type { RequestBody } from './schemas.js';

/** @throws CullError TEMPLATE_NOT_FOUND, POLICY_NOT_FOUND, POLICY_INVALID, TEMPLATE_INPUT_* */
export async function optionsOf(
  { storage, catalogue }: Pick<Service, 'storage' | 'catalogue'>,
  { tenant }: Pick<Cull, 'tenant'>,
  body: z.infer<typeof RequestBody> & { key?: string },
): Promise<GenerateOptions> {
  const { template, policy, inputs, vary, deadlineSeconds, ...rest } = body;
  const release = releaseFor(catalogue, { template, ...(policy !== undefined && { policy }) });
  await checkImages(release.bindings, inputs, async (sha256) => !!(await storage.head(keys.input(tenant, sha256))));
  const varied = vary && { input: vary.input, values: checkVary(release, vary) };
  return {
    release,
    inputs: typed(release, inputs, varied),
    ...(varied && { vary: varied }),
    ...rest,
    ...(deadlineSeconds !== undefined && { deadlineMs: deadlineSeconds * 1000 }),
  };
}

/** Everything in its declared type, as the command line would give it; only what the caller gave. */
function typed(
  release: { bindings: Bindings },
  inputs: Record<string, InputValue>,
  varied: VaryAsk | undefined,
): Record<string, InputValue> {
  const named = Object.fromEntries(
    Object.entries(inputs).map(([name, value]) => [name, typeof value === 'object' ? value.image : value]),
  );
  // with a value of the varied input in its place, nothing else may be missing
  const first = varied && !Object.hasOwn(named, varied.input) ? { [varied.input]: varied.values[0] } : {};
  const checked = checkInputs(release, { ...named, ...first });
  return Object.fromEntries(
    Object.entries(inputs).flatMap(([name, value]) => {
      const known = typeof value === 'object' ? value : checked[name];
      return known === undefined ? [] : [[name, known]];
    }),
  );
}

/** An image is one that the tenant has stored: the name of a file would be one in somebody's ComfyUI. */
async function checkImages(
  { inputs: declared }: Bindings,
  inputs: Record<string, InputValue>,
  isStored: (sha256: string) => Promise<boolean>,
): Promise<void> {
  for (const [name, value] of Object.entries(inputs)) {
    if (!Object.hasOwn(declared, name)) continue;
    const isImage = declared[name]?.type === 'image';
    if (isImage !== (typeof value === 'object'))
      throw new CullError(
        'TEMPLATE_INPUT_INVALID',
        isImage ? `input ${name} is an image: give { "image": sha256 }` : `input ${name} is no image`,
        { hint: 'POST /v1/inputs stores an image and answers with its sha256' },
      );
    if (typeof value === 'object' && !(await isStored(value.image)))
      throw new CullError(
        'TEMPLATE_INPUT_INVALID',
        `input ${name}: no image ${value.image} is stored for this tenant`,
        {
          hint: 'POST /v1/inputs stores it',
        },
      );
  }
}
