import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { pictureEmbedding, textEmbedding } from '../../../scorers/clip/clip.js';
import { readClipConfig } from '../../../scorers/clip/config.js';
import type { Models, Tensor } from '../../../scorers/models/models.js';
import { draw } from '../synthetic.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cull-clip-config-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const PIECES = { '<pad>': 0, '</s>': 1, '<unk>': 2, '▁a': 3, '▁red': 4, '▁mug': 5 };
const SENTENCE_PIECE = {
  added_tokens: Object.entries(PIECES)
    .slice(0, 3)
    .map(([content, id]) => ({
      id,
      content,
      special: true,
      lstrip: false,
      rstrip: false,
      single_word: false,
      normalized: false,
    })),
  normalizer: null,
  decoder: null,
  pre_tokenizer: { type: 'Metaspace', replacement: '▁', prepend_scheme: 'always' },
  post_processor: {
    type: 'TemplateProcessing',
    single: [{ Sequence: { id: 'A', type_id: 0 } }, { SpecialToken: { id: '</s>', type_id: 0 } }],
    pair: [],
    special_tokens: { '</s>': { id: '</s>', ids: [1], tokens: ['</s>'] } },
  },
  model: { type: 'Unigram', unk_id: 2, vocab: Object.keys(PIECES).map((piece, i) => [piece, -i]) },
};

async function write(files: Record<string, object>): Promise<void> {
  const all = {
    'config.json': { model_type: 'clip' },
    'preprocessor_config.json': {},
    'tokenizer.json': SENTENCE_PIECE,
    'tokenizer_config.json': { pad_token: '</s>' },
    ...files,
  };
  for (const [name, content] of Object.entries(all)) await writeFile(join(folder, name), JSON.stringify(content));
}

describe('the files of a folder', () => {
  it('say what CLIP needs, in the words of today and of before', async () => {
    const expected = {
      resize: { shortest: 336 },
      crop: { width: 224, height: 224 },
      kernel: 'cubic',
      rescale: 1 / 255,
    };
    await write({
      'preprocessor_config.json': { size: { shortest_edge: 336 }, crop_size: { height: 224, width: 224 } },
    });
    expect((await readClipConfig(folder)).image).toMatchObject(expected);
    await write({ 'preprocessor_config.json': { size: 336, crop_size: 224, resample: 3, do_center_crop: true } });
    const { image, text, logitScale } = await readClipConfig(folder);
    expect(image).toMatchObject(expected);
    expect(text).toEqual({ context: 77, padded: false, clean: true, padId: 1 });
    expect(logitScale).toBe(100);
  });

  it('say what SigLIP needs: both sides resized, no crop, texts filled up', async () => {
    await write({
      'config.json': { model_type: 'siglip', text_config: { max_position_embeddings: 64 } },
      'preprocessor_config.json': {
        size: { height: 384, width: 384 },
        image_mean: [0.5, 0.5, 0.5],
        image_std: [0.5, 0.5, 0.5],
        resample: 2,
        rescale_factor: 1 / 255,
      },
    });
    const { image, text } = await readClipConfig(folder);
    const half = [0.5, 0.5, 0.5];
    const resize = { width: 384, height: 384 };
    expect(image).toEqual({ resize, kernel: 'linear', rescale: 1 / 255, mean: half, std: half });
    expect(text).toEqual({ context: 64, padded: true, clean: false, padId: 1 });
  });

  it('may leave out the crop, the mean and the scale, and name a trained logit scale', async () => {
    await write({
      'config.json': { model_type: 'clip', logit_scale: 42, text_config: {} },
      'preprocessor_config.json': { size: 64, do_center_crop: false, do_normalize: false, do_rescale: false },
      'tokenizer_config.json': { model_max_length: 32 },
    });
    const { image, text, logitScale } = await readClipConfig(folder);
    const resize = { shortest: 64 };
    expect(image).toEqual({ resize, kernel: 'cubic', rescale: 1, mean: [0, 0, 0], std: [1, 1, 1] });
    expect(text.context).toBe(32);
    expect(logitScale).toBe(42);
  });

  it('are missed one by one', async () => {
    await write({});
    await rm(join(folder, 'tokenizer.json'));
    await expect(readClipConfig(folder)).rejects.toMatchObject({ reason: 'model-missing' });
  });

  it.each([
    ['config.json', '{ "model_type": ', 'config.json'],
    ['preprocessor_config.json', '{ "image_mean": [0.5] }', 'image_mean'],
    ['tokenizer.json', '[]', 'tokenizer.json'],
  ])('that are damaged are named: %s', async (name, content, named) => {
    await write({});
    await writeFile(join(folder, name), content);
    await expect(readClipConfig(folder)).rejects.toMatchObject({
      code: 'MODEL_CORRUPT',
      message: expect.stringContaining(named) as string,
    });
  });
});

/** A model that answers the same to everything. */
function constant(fed: Record<string, Tensor>[] = []): Models {
  return {
    opened: new Map(),
    folder: () => Promise.resolve(folder),
    open: (id) =>
      Promise.resolve({
        id,
        sha256: 'f'.repeat(64),
        inputNames: [id === 'clip/text' ? 'input_ids' : 'pixel_values'],
        outputNames: ['last_hidden_state', 'pooler_output'],
        run(feeds) {
          fed.push(feeds);
          const pooled: Tensor = { type: 'float32', data: Float32Array.of(3, 4), dims: [1, 2] };
          return Promise.resolve({ last_hidden_state: pooled, pooler_output: pooled });
        },
      }),
  };
}

it('a tokenizer that cannot be built names its file', async () => {
  await write({ 'tokenizer.json': { model: { type: 'Unheard' } } });
  await expect(textEmbedding(constant(), 'a text for no tokenizer')).rejects.toMatchObject({
    code: 'MODEL_CORRUPT',
    message: expect.stringContaining(join(folder, 'tokenizer.json')) as string,
  });
});

describe('a SigLIP', () => {
  it('reads texts filled up to 64 tokens, whole pictures, and answers in its pooler', async () => {
    await write({
      'config.json': { model_type: 'siglip' },
      'preprocessor_config.json': { size: { height: 8, width: 8 } },
    });
    const fed: Record<string, Tensor>[] = [];
    const models = constant(fed);
    expect([...(await textEmbedding(models, 'a red zeppelin mug'))]).toEqual([
      expect.closeTo(0.6),
      expect.closeTo(0.8),
    ]);
    await pictureEmbedding(
      models,
      draw(30, 20, () => [255, 0, 0]),
    );
    const [text, image] = fed as [Record<string, Tensor>, Record<string, Tensor>];
    const ids = [...(text['input_ids']!.data as BigInt64Array)].map(Number);
    expect(ids).toHaveLength(64);
    expect(ids.slice(0, 2)).toEqual([3, 4]);
    expect(ids.slice(-59)).toEqual(Array<number>(59).fill(1));
    expect(image['pixel_values']!.dims).toEqual([1, 3, 8, 8]);
  });
});
