import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DISTRACTORS, distractorsOf } from '../../../scorers/clip/prompts/distractors.js';
import { decodeFrame, type Frame } from '../../../scorers/frame.js';
import { alignment } from '../../../scorers/generic/alignment.js';
import type { Model, Models, Tensor } from '../../../scorers/models/models.js';
import { openModels } from '../../../scorers/models/sessions.js';
import { SMALL_CLIP, writeRandomClip } from '../../support/random-clip.js';
import { assess, draw, frameOf, png } from '../synthetic.js';

const DIMENSIONS = Object.keys(alignment.spec.dimensions);
const words = (text: string): string[] => text.toLowerCase().match(/[a-z]+/g) ?? [];

/** A CLIP that sees exactly what it is told: the more words of a text are on the picture, the nearer; every further word costs half a step. */
function seeing(shown: string): Models {
  const on = new Set(words(shown));
  const places = SMALL_CLIP.text.context;
  const answer = (share: number): Tensor => ({
    type: 'float32',
    data: Float32Array.of(share, Math.sqrt(1 - share * share)),
    dims: [1, 2],
  });
  const model = (id: string, run: Model['run']): Model => {
    const inputNames = [id === 'clip/text' ? 'input_ids' : 'pixel_values'];
    return { id, sha256: `${id} ${shown}`, inputNames, outputNames: [], run };
  };
  return {
    opened: new Map(),
    folder: () => Promise.resolve(folder),
    open: (id) =>
      Promise.resolve(
        id === 'clip/text'
          ? model(id, async ({ input_ids: ids }) => {
              const text = new Set(words(await decoded([...(ids!.data as BigInt64Array)])));
              const steps = [...text].reduce((sum, word) => sum + (on.has(word) ? 1 : -0.5), 0);
              return { text_embeds: answer(0.2 + steps / places / 4) };
            })
          : model(id, () => Promise.resolve({ image_embeds: answer(1) })),
      ),
  };
}

let folder: string;
let decoded: (ids: bigint[]) => Promise<string>;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cull-alignment-'));
  await writeRandomClip(folder, SMALL_CLIP);
  const { AutoTokenizer, env } = await import('@huggingface/transformers');
  Object.assign(env, { allowRemoteModels: false, localModelPath: join(folder, '..') });
  const tokenizer = await AutoTokenizer.from_pretrained(folder.split('/').at(-1)!);
  decoded = (ids) => Promise.resolve(tokenizer.decode(ids.map(Number), { skip_special_tokens: true }));
}, 60_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

async function frame(models: Models): Promise<Frame> {
  const found = await decodeFrame(await png(draw(64, 64, (x, y) => [x, y, 0])), { models });
  if (!found.ok) throw new Error(found.detail);
  return found.frame;
}

const valueOf = async (shown: string, ask: { prompt?: string; negativePrompt?: string; params?: object }) => {
  const found = await assess(alignment, await frame(seeing(shown)), { ...ask, params: { ...ask.params } });
  return Object.fromEntries(
    Object.entries(found).map(([id, one]) => [
      id.slice('alignment.'.length),
      one as typeof one & { raw: number; facts: Record<string, unknown> },
    ]),
  );
};

const PROMPT = 'product photo of a red mug on a white background, 8k';

// a bag of words cannot tell a white mug on red from a red one on white
const ON_WOOD = 'product photo of a red mug on a wooden table, 8k';

describe('alignment', () => {
  it('is high where the picture shows what was asked for', async () => {
    const { margin, weakestClaim, rank } = await valueOf(ON_WOOD, { prompt: ON_WOOD });
    expect(margin!.raw).toBeGreaterThan(0);
    expect(weakestClaim!.raw).toBeGreaterThan(0);
    expect(weakestClaim!.facts).toMatchObject({ leftOut: ['8k'] });
    expect(rank).toMatchObject({ raw: 1, facts: { rank: 1 } });
  });

  it.each([
    ['colour', 'product photo of a blue mug on a white background, 8k', 'red', 'blue', 'a red mug'],
    ['object', 'product photo of a red vase on a white background, 8k', 'mug', 'vase', 'a red mug'],
    ['background', 'product photo of a red mug on a wooden table, 8k', 'white', 'wood', 'a white background'],
    ['count', 'product photo of two red mugs on a white background, 8k', 'a', 'two', 'a red mug'],
  ])('names the %s that is another one', async (attribute, shown, from, to, weakest) => {
    const { margin, weakestClaim } = await valueOf(shown, { prompt: PROMPT });
    expect(margin!.raw).toBeLessThan(0);
    expect(margin!.facts).toMatchObject({ exchanged: { attribute, from, to } });
    expect(weakestClaim!.raw).toBeLessThan(0);
    expect(weakestClaim!.facts).toMatchObject({ weakest, exchanged: { attribute, from, to } });
  });

  it('counts the captions of other pictures that fit better', async () => {
    const shown = 'a dog running on a beach';
    const { rank } = await valueOf(shown, { prompt: PROMPT });
    expect(rank!.raw).toBeLessThan(1);
    expect(rank!.facts['nearer']).toContain(shown);
    const own = await valueOf(shown, {
      prompt: PROMPT,
      params: { distractors: ['a dog on a beach', 'running dog beach'] },
    });
    expect((own['rank']!.facts['of'] as number) - (rank!.facts['of'] as number)).toBe(2);
  });

  it('names the part of the negative prompt that is to be seen', async () => {
    const ask = { negativePrompt: 'blurry, (text:1.3), watermark' };
    const seen = await valueOf('photo of a watermark', ask);
    expect(seen['leakage']!.raw).toBeGreaterThan(0);
    expect(seen['leakage']!.facts).toMatchObject({ worst: 'watermark' });
    expect((await valueOf('a photo', ask))['leakage']!.raw).toBeLessThan(0);
    expect(seen['margin']).toMatchObject({ status: 'unassessable', reason: 'not-applicable' });
  });

  it('says in how many pieces a long prompt was read', async () => {
    const long = `a red mug, ${'with a very long story about its handle and its glaze '.repeat(12)}`;
    const { margin } = await valueOf('a red mug', { prompt: long });
    expect(margin!.facts['chunks']).toBeGreaterThan(1);
  });

  it('is not applicable without prompts, and needs no model to say so', async () => {
    const found = await assess(alignment, await frameOf(draw(64, 64, () => [9, 9, 9])));
    const none = { status: 'unassessable', reason: 'not-applicable' };
    expect(found).toEqual(Object.fromEntries(DIMENSIONS.map((id) => [id, none])));
  });

  it('is missed where there is no CLIP', async () => {
    const found = await assess(alignment, await frameOf(draw(64, 64, () => [9, 9, 9])), { prompt: 'a mug' });
    for (const id of DIMENSIONS)
      expect(found[id]).toMatchObject({ status: 'unassessable', reason: 'model-missing', facts: { model: 'clip' } });
  });

  it('gives the same numbers every time, and stops when told', async () => {
    const models = openModels({ folder, use: { clip: folder } });
    const ask = { prompt: PROMPT, negativePrompt: 'text', params: {} };
    const first = await alignment.assess(await frame(models), ask, new AbortController().signal);
    expect(await alignment.assess(await frame(models), ask, new AbortController().signal)).toEqual(first);
    expect(Object.values(first).map(({ status }) => status)).toEqual(['ok', 'ok', 'ok', 'ok']);
    await expect(alignment.assess(await frame(models), ask, AbortSignal.abort())).rejects.toThrow();
  });
});

describe('distractors', () => {
  it('are about fifty, and never say what the prompt says', () => {
    expect(new Set(DISTRACTORS).size).toBe(50);
    expect(distractorsOf('an essay on grammar')).toHaveLength(50);
    const found = distractorsOf('a red mug, product photo on white', ['a red mug', 'a red cup']);
    expect(found).not.toContain('a red mug on a white background');
    expect(found).not.toContain('a red mug');
    expect(found).toContain('a red cup');
  });
});
