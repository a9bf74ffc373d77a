import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { entryOf } from '../../../scorers/models/manifest.js';
import { openModels, resolveModel, type ModelOptions } from '../../../scorers/models/sessions.js';
import { syntheticInput } from '../../../scorers/models/synthetic.js';
import { pulledModels } from '../../support/models.js';

let pulled: string;
let own: string;
beforeAll(async () => {
  pulled = await pulledModels();
  own = await mkdtemp(join(tmpdir(), 'own-models-'));
  // any two networks do as towers
  await mkdir(join(own, 'clip/onnx'), { recursive: true });
  await copyFile(join(pulled, 'emotion/model.onnx'), join(own, 'clip/onnx/vision_model.onnx'));
  await copyFile(join(pulled, 'antispoof/model.onnx'), join(own, 'clip/onnx/vision_model_quantized.onnx'));
  await copyFile(join(pulled, 'iris/model.onnx'), join(own, 'clip/onnx/text_model_fp16.onnx'));
});
afterAll(() => rm(own, { recursive: true, force: true }));

const missing = (model: string, hint: string) => ({ reason: 'model-missing', facts: { model, hint } });

describe('openModels', () => {
  it('opens a model once, names its hash, and runs it', async () => {
    const models = openModels({ folder: pulled });
    const model = await models.open('emotion');
    expect(await models.open('emotion')).toBe(model);
    const { files } = JSON.parse(await readFile(join(pulled, 'emotion/pulled.json'), 'utf8')) as {
      files: Record<string, { sha256: string }>;
    };
    expect(model.sha256).toBe(files['model.onnx']?.sha256);
    expect([...models.opened]).toEqual([['emotion', model.sha256]]);
    const [input] = entryOf('emotion')!.inputs;
    const dims = [1, 64, 64, 1];
    const { Identity } = await model.run({ input_1: { type: 'float32', data: syntheticInput(input!, dims), dims } });
    expect(Identity?.dims).toEqual([1, 7]);
    expect((Identity?.data as Float32Array).reduce((a, b) => a + b)).toBeCloseTo(1, 4);
  });

  it('lets configuration say who plays a role', async () => {
    const options: ModelOptions = { folder: pulled, use: { identity: 'emotion', clip: join(own, 'clip') } };
    const models = openModels(options);
    expect((await models.open('identity')).inputNames).toEqual(['input_1']);
    expect((await models.open('identity')).sha256).toBe((await models.open('emotion')).sha256);
    expect((await openModels({ folder: pulled }).open('identity')).outputNames).toContain('global_pooling/Mean');
    expect((await models.open('faceBox')).sha256).toBe((await models.open('blazeface')).sha256);
    expect(await models.folder('clip')).toBe(join(own, 'clip'));
    expect((await models.open('clip/vision')).outputNames).toEqual(['Identity']);
  });

  it('reads the variant that is asked for, else the most exact that is there', async () => {
    const sha256 = async (options: ModelOptions, id: string) => (await openModels(options).open(id)).sha256;
    const original = async (id: string) => (await openModels({ folder: pulled }).open(id)).sha256;
    expect(await sha256({ folder: own }, 'clip/vision')).toBe(await original('emotion'));
    expect(await sha256({ folder: own }, 'clip/text')).toBe(await original('iris'));
    const use = { clip: 'clip#quantized' };
    expect(await sha256({ folder: own, use }, 'clip/vision')).toBe(await original('antispoof'));
    await expect(openModels({ folder: own, use }).open('clip/text')).rejects.toMatchObject(
      missing('clip', 'comfy-cull models pull clip#quantized'),
    );
  });

  it('says what to type where a model is missing, and finds it once it is there', async () => {
    const folder = join(own, 'late');
    const models = openModels({ folder, use: { identity: './not-here', faceBox: 'yunet' } });
    await expect(models.open('iris')).rejects.toMatchObject(missing('iris', 'comfy-cull models pull iris'));
    await expect(models.open('faceBox')).rejects.toMatchObject(missing('faceBox', 'comfy-cull models pull yunet'));
    await expect(models.open('identity')).rejects.toMatchObject({
      facts: { hint: expect.stringContaining(resolve('not-here')) as string },
    });
    await expect(models.folder('clip')).rejects.toMatchObject(missing('clip', 'comfy-cull models pull clip'));
    expect(await models.hashes('iris')).toEqual({});
    await mkdir(join(folder, 'iris'), { recursive: true });
    await copyFile(join(pulled, 'iris/model.onnx'), join(folder, 'iris/model.onnx'));
    expect((await models.open('iris')).outputNames).toEqual(['Identity']);
  });

  it('names the hashes of a role whether it was opened or not', async () => {
    const models = openModels({ folder: own });
    const before = await models.hashes('clip');
    expect(Object.keys(before)).toEqual(['clip/vision', 'clip/text']);
    await models.open('clip/vision');
    expect(await models.hashes('clip')).toEqual(before);
    expect(models.opened.get('clip/vision')).toBe(before['clip/vision']);
  });

  it('refuses a file that is no network, or not the one that was pulled', async () => {
    const folder = join(own, 'broken');
    for (const id of ['iris', 'emotion']) await mkdir(join(folder, id), { recursive: true });
    await writeFile(join(folder, 'iris/model.onnx'), 'not a network');
    await copyFile(join(pulled, 'emotion/pulled.json'), join(folder, 'emotion/pulled.json'));
    await copyFile(join(pulled, 'iris/model.onnx'), join(folder, 'emotion/model.onnx'));
    const models = openModels({ folder });
    for (const [id, why] of [
      ['iris', /Protobuf/],
      ['emotion', /not the file that was pulled/],
    ] as const) {
      const hint = `comfy-cull models pull ${id} --again`;
      const wrong = { code: 'MODEL_CORRUPT', message: expect.stringMatching(why) as string, hint };
      await expect(models.open(id)).rejects.toMatchObject(wrong);
    }
  });

  it('takes the first execution provider that can be had, and refuses to guess where there is none', async () => {
    expect(() => openModels({ folder: pulled, executionProviders: ['npu'] })).toThrow(/no execution provider npu/);
    const models = openModels({ folder: pulled, executionProviders: ['npu', 'cpu'] });
    expect((await models.open('emotion')).outputNames).toEqual(['Identity']);
  });
});

it('an id may be a repository of the hub, which lies under its owner', () => {
  const at = (use: string): string => resolveModel('clip', { folder: '/models', use: { clip: use } }).folder;
  expect(at('owner/name#fp16')).toBe(resolve('/models/owner/name'));
  expect(at('./here')).toBe(resolve('here'));
  expect(at('/there')).toBe(resolve('/there'));
});
