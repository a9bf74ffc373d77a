import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createPrepareActivities } from '../../activities/prepare.js';
import { readJson, writeJson } from '../../activities/documents.js';
import { planFor, settleValue } from '../../activities/varied.js';
import type { Bindings, Graph } from '../../templates/types.js';
import { keys, openStorage, type Storage } from '../../storage/index.js';
import type { PlanDoc, VaryAsk } from '../../workflows/contract.js';
import { policyOf } from '../selection/samples.js';

let folder: string;
let storage: Storage;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cull-varied-'));
  storage = openStorage(folder);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const graph: Graph = {
  1: { class_type: 'CheckpointLoaderSimple', inputs: { ckpt_name: 'a.safetensors' } },
  2: { class_type: 'CLIPTextEncode', inputs: { text: 'a mug', clip: ['1', 1] } },
  3: { class_type: 'KSampler', inputs: { seed: 0, positive: ['2', 0], model: ['1', 0] } },
  9: { class_type: 'SaveImage', inputs: { images: ['3', 0] } },
};
const bindings: Bindings = {
  name: 'test',
  inputs: {
    prompt: { at: [{ node: '2', field: 'text' }], type: 'string', required: true },
    checkpoint: { at: [{ node: '1', field: 'ckpt_name' }], type: 'string', required: false, default: 'a.safetensors' },
    people: { at: [], type: 'integer', required: false, default: 1 },
  },
  expect: { people: { input: 'people' }, text: 'ACME' },
  seed: [{ node: '3', field: 'seed' }],
  output: ['9'],
};

async function prepared(request: string, vary: VaryAsk, inputs: Record<string, string> = {}) {
  const policy = policyOf([], { minPerGroup: { [String(vary.values[1])]: 3 } });
  await writeJson(storage, keys.release('0'), { id: 'sha256:0', graph, bindings, policy });
  const asked = { request, tenant: 'default', release: 'sha256:0', inputs, deliver: 4, candidates: 64, seed: 1, vary };
  await writeJson(storage, keys.request('default', request), asked);
  const answer = await createPrepareActivities({ storage, scorers: [], allowNodes: [] }).prepare({
    tenant: 'default',
    request,
  });
  return { answer, plan: (await readJson<PlanDoc>(storage, keys.plan('default', request)))! };
}

describe('the plan of a request that varies an input', () => {
  it('has each value in its places, and scorers and rules read it', async () => {
    const { answer, plan } = await prepared('prompts', { input: 'prompt', values: ['a red mug', 'a blue mug'] });
    expect(answer.minima).toEqual([0, 3]);
    const blue = planFor(plan, 'a blue mug');
    expect(blue.graph['2']?.inputs['text']).toBe('a blue mug');
    expect(blue).toMatchObject({ prompt: 'a blue mug', inputs: { prompt: 'a blue mug', people: 1 } });
    expect(planFor(plan, 'a red mug')).toMatchObject({
      prompt: 'a red mug',
      graph: { 2: { inputs: { text: 'a red mug' } } },
    });
    expect(planFor(plan, undefined)).toBe(plan);
  });

  it('expects what the value says, in the type of the input', async () => {
    const { plan } = await prepared('people', { input: 'people', values: ['1', '2'] }, { prompt: 'a mug' });
    expect(planFor(plan, '2')).toMatchObject({
      expect: { people: 2, text: 'ACME' },
      inputs: { people: 2 },
      prompt: 'a mug',
    });
  });

  it('goes to ComfyUIs that load the models of all values', async () => {
    const checkpoints = { input: 'checkpoint', values: ['b.safetensors', 'a.safetensors'] };
    const { answer } = await prepared('models', checkpoints, { prompt: 'a mug' });
    expect((await readJson<{ models: string[] }>(storage, keys.queue(answer.queue)))?.models).toEqual([
      'a.safetensors',
      'b.safetensors',
    ]);
  });

  it('refuses an image and a value that does not fit', async () => {
    await expect(prepared('few', { input: 'people', values: ['few', '2'] }, { prompt: 'a mug' })).rejects.toMatchObject(
      {
        type: 'TEMPLATE_INPUT_INVALID',
      },
    );
  });
});

describe('the value of a candidate', () => {
  it('is the first that was chosen, also for one who chooses otherwise later', async () => {
    const ref = { tenant: 'default', request: 'settled', candidate: 7 };
    expect(await settleValue(storage, ref, 2)).toBe(2);
    expect(await settleValue(storage, ref, 0)).toBe(2);
    expect(await settleValue(storage, { ...ref, candidate: 8 }, 0)).toBe(0);
  });
});
