import { afterEach, describe, expect, it } from 'vitest';
import { ComfyClient, createComfyProvider } from '../../../providers/comfyui/index.js';
import { refusePoison } from '../../../providers/comfyui/poison.js';
import type { Graph } from '../../../templates/types.js';
import { startSandbox, type TestSandbox } from '../../support/sandbox.js';
import { address, jobFor, watch } from './support.js';

const cleanUp: (() => unknown)[] = [];
afterEach(async () => {
  for (const one of cleanUp.splice(0).reverse()) await one();
});

async function sandbox(): Promise<TestSandbox> {
  const comfy = await startSandbox();
  cleanUp.push(() => comfy.close());
  return comfy;
}

/** What a caller without a type checker may send. */
const graphWith = async (over: Record<string, unknown>): Promise<Graph> =>
  ({ ...(await jobFor('noise')).graph, ...over }) as Graph;

describe('a poison prompt', () => {
  it.each([
    [
      'a node without inputs that no output needs',
      { '77': { class_type: 'EmptyImage', _meta: { title: 'Left over' } } },
      { node: '77', title: 'Left over' },
      'node 77 "Left over" (EmptyImage) has no inputs',
    ],
    [
      'inputs that are null',
      { '77': { class_type: 'EmptyImage', inputs: null } },
      { node: '77', title: 'EmptyImage' },
      'no inputs',
    ],
    [
      'inputs that are a list',
      { '77': { class_type: 'EmptyImage', inputs: [] } },
      { node: '77', title: 'EmptyImage' },
      'no inputs',
    ],
    ['a node that is no object', { '77': 5 }, { node: '77', title: null }, 'node 77 is not an object'],
    [
      'a seed that JSON has rounded',
      { '77': { class_type: 'RandomNoise', inputs: { noise_seed: 2 ** 60 } } },
      { node: '77', title: 'RandomNoise' },
      'above 2^53-1',
    ],
  ])('with %s is refused with node id and title, and never sent', async (_, over, details, words) => {
    const comfy = await sandbox();
    const provider = createComfyProvider({ host: address(comfy.url) });
    cleanUp.push(() => provider.close());
    const { result } = watch(provider, { ...(await jobFor('noise')), graph: await graphWith(over) });
    await expect(result).rejects.toMatchObject({ code: 'COMFY_POISON', retry: false, details });
    await expect(result).rejects.toThrow(words);
    expect(await comfy.log()).toEqual([]);
  });

  it.each([
    ['extra_pnginfo', { extra_pnginfo: 'text' }],
    ['its workflow', { extra_pnginfo: { workflow: [] } }],
  ])('of which %s is not an object is refused', async (_, extraData) => {
    const graph = await graphWith({});
    expect(() => refusePoison({ graph, extraData })).toThrow(
      expect.objectContaining({ code: 'COMFY_POISON' }) as Error,
    );
  });

  it('is what it takes to stop the worker of a ComfyUI for good', async () => {
    const comfy = await sandbox();
    const client = new ComfyClient({ url: comfy.url });
    const job = await jobFor('noise');
    const promptId = '0f2b1a8e-6c0d-5f7e-9a3b-000000000001';
    const poisoned = await graphWith({ '77': { class_type: 'EmptyImage' } });
    expect((await client.submit({ graph: poisoned, promptId, clientId: 'x' })).status).toBe(200);
    const provider = createComfyProvider({ host: address(comfy.url), timeouts: { queueStallMs: 500 } });
    cleanUp.push(() => provider.close());
    await expect(watch(provider, job).result).rejects.toMatchObject({ retry: true });
    expect((await client.job(promptId)).state).toBe('running');
  });

  it('is no ordinary prompt', async () => {
    expect(() =>
      refusePoison({ graph: {}, extraData: { extra_pnginfo: { workflow: {} }, cull: { host: 'a' } } }),
    ).not.toThrow();
    const graph = await graphWith({ '9': { class_type: 'KSampler', inputs: { seed: 2 ** 53 - 1, cfg: 1e300 } } });
    expect(() => refusePoison({ graph })).not.toThrow();
  });
});
