import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CLIPTextModelWithProjection, CLIPVisionModelWithProjection, env, Tensor } from '@huggingface/transformers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dot } from '../../../scorers/vectors.js';
import { imageEmbedding, pictureEmbedding, reading, textEmbedding } from '../../../scorers/clip/clip.js';
import { readClipConfig } from '../../../scorers/clip/config.js';
import { pixelValues } from '../../../scorers/clip/preprocess.js';
import { createTokenizer } from '../../../scorers/clip/tokenizer.js';
import { decodeFrame, type Frame } from '../../../scorers/frame.js';
import { noModels, type Models, type Tensor as Feed } from '../../../scorers/models/models.js';
import { openModels } from '../../../scorers/models/sessions.js';
import { SMALL_CLIP, writeRandomClip } from '../../support/random-clip.js';
import { draw, png } from '../synthetic.js';

const LONG = 'a photo of a small red mug and two green vases, '.repeat(12);

let root: string;
let folder: string;
let models: Models;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'cull-clip-'));
  folder = join(root, 'random/clip');
  await writeRandomClip(folder, SMALL_CLIP);
  models = openModels({ folder: root, use: { clip: folder } });
  Object.assign(env, { allowRemoteModels: false, localModelPath: root });
}, 60_000);
afterAll(() => rm(root, { recursive: true, force: true }));

async function frameWith(models: Models): Promise<Frame> {
  const picture = draw(150, 100, (x, y) => [x, 2 * y, (x * y) % 256]);
  const decoded = await decodeFrame(await png(picture), { models });
  if (!decoded.ok) throw new Error(decoded.detail);
  return decoded.frame;
}

/** The same models; what is fed to them is kept. */
function watched(inner: Models): Models & { fed: Record<string, Feed>[] } {
  const fed: Record<string, Feed>[] = [];
  return {
    fed,
    opened: inner.opened,
    folder: (id) => inner.folder(id),
    async open(id) {
      const model = await inner.open(id);
      return { ...model, run: (feeds) => (fed.push(feeds), model.run(feeds)) };
    },
  };
}

const cosine = (a: Float32Array, b: Float32Array): number => dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));

describe('embeddings', () => {
  it('of an image are those of transformers.js for the same tensor', async () => {
    const frame = await frameWith(models);
    const { data, dims } = await pixelValues(frame, (await readClipConfig(folder)).image);
    const peer = await CLIPVisionModelWithProjection.from_pretrained('random/clip', { dtype: 'fp32' });
    const { image_embeds } = (await peer({ pixel_values: new Tensor('float32', data, dims) })) as {
      image_embeds: { data: Float32Array };
    };
    const found = await imageEmbedding(frame);
    expect(found).toHaveLength(SMALL_CLIP.dimensions);
    expect(dot(found, found)).toBeCloseTo(1, 6);
    expect(cosine(found, image_embeds.data)).toBeGreaterThanOrEqual(0.99999);
  });

  it.each(['a cat', 'two blue bottles on a wooden table', ''])('of "%s" are those of transformers.js', async (text) => {
    const { tokenizer, tokenizerConfig: config, text: spec } = await readClipConfig(folder);
    const ids = createTokenizer({ tokenizer, config }, spec)(text).chunks[0]!;
    const peer = await CLIPTextModelWithProjection.from_pretrained('random/clip', { dtype: 'fp32' });
    const input_ids = new Tensor('int64', BigInt64Array.from(ids, BigInt), [1, ids.length]);
    const { text_embeds } = (await peer({ input_ids })) as { text_embeds: { data: Float32Array } };
    const found = await textEmbedding(models, text);
    expect(dot(found, found)).toBeCloseTo(1, 6);
    expect(cosine(found, text_embeds.data)).toBeGreaterThanOrEqual(0.99999);
  });

  it('of different texts and pictures differ', async () => {
    const mug = await textEmbedding(models, 'a red mug');
    expect(cosine(mug, await textEmbedding(models, 'a blue mug'))).toBeLessThan(0.999);
    const white = draw(64, 64, () => [255, 255, 255]);
    const black = draw(64, 64, () => [0, 0, 0]);
    const [one, two] = [await pictureEmbedding(models, white), await pictureEmbedding(models, black)];
    expect(cosine(one, two)).toBeLessThan(0.999);
  });

  it('of a long text are the mean of its pieces', async () => {
    const { tokenizer, tokenizerConfig: config, text: spec } = await readClipConfig(folder);
    const { chunks } = createTokenizer({ tokenizer, config }, spec)(LONG);
    expect(chunks.length).toBeGreaterThan(1);
    expect(await reading(models, LONG)).toEqual({ chunks: chunks.length, unknown: 0 });
    const tower = await models.open('clip/text');
    const sum = new Float32Array(SMALL_CLIP.dimensions);
    for (const chunk of chunks) {
      const ids = { type: 'int64', data: BigInt64Array.from(chunk, BigInt), dims: [1, chunk.length] } as const;
      const piece = (await tower.run({ input_ids: ids }))['text_embeds']!.data as Float32Array;
      for (let i = 0; i < sum.length; i++) sum[i]! += piece[i]! / Math.sqrt(dot(piece, piece));
    }
    const found = await textEmbedding(models, LONG);
    expect(dot(found, found)).toBeCloseTo(1, 6);
    expect(cosine(found, sum)).toBeGreaterThanOrEqual(0.999999);
  });

  it('are computed once per text and once per frame, whoever asks', async () => {
    const counted = watched(models);
    const text = 'a text that no other test asks for';
    const [one, two] = await Promise.all([textEmbedding(counted, text), textEmbedding(counted, text)]);
    expect(await textEmbedding(counted, text)).toBe(one);
    expect(two).toBe(one);
    expect(counted.fed).toHaveLength(1);
    const frame = await frameWith(counted);
    expect(await imageEmbedding(frame)).toBe(await imageEmbedding(frame));
    expect(counted.fed).toHaveLength(2);
    expect(counted.fed[1]!['pixel_values']!.dims).toEqual([1, 3, 64, 64]);
  });

  it('cannot be had without a model', async () => {
    const missing = { reason: 'model-missing', facts: { model: 'clip' } };
    await expect(textEmbedding(noModels, 'a cat')).rejects.toMatchObject({ reason: 'model-missing' });
    await expect(imageEmbedding(await frameWith(noModels))).rejects.toMatchObject(missing);
  });
});
