/** The pool with real networks in its threads. */
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createScorePool, type ScorePool, type ScorePoolOptions } from '../../../activities/scoring/pool.js';
import type { ScoreResult } from '../../../activities/scoring/task.js';
import { openModels } from '../../../scorers/models/sessions.js';
import { disc, noisy, png } from '../../scorers/synthetic.js';
import { pulledModels } from '../../support/models.js';
import { policyOf } from '../../selection/samples.js';

const policy = policyOf([]);

/** Feeds the picture's own bytes to a network of NHWC input, and gives all that comes out. */
const scorer = (id: string, model: string, side: number): string => `{
  spec: { id: '${id}', version: '1.0.0', tier: 'business', cost: 'model', models: [{ id: '${model}' }], source: 'test',
    dimensions: { '${id}.sum': { direction: 'higher', unit: 'x', range: [-Infinity, Infinity], about: 'A test.' } } },
  async assess(frame) {
    const model = await frame.models.open('${model}');
    const data = Float32Array.from({ length: ${side * side * 3} }, (_, i) => frame.rgb[i % frame.rgb.length] / 255);
    const outputs = await model.run({ [model.inputNames[0]]: { type: 'float32', data, dims: [1, ${side}, ${side}, 3] } });
    const all = Object.values(outputs).map(({ data }) => [...data]);
    return { '${id}.sum': { status: 'ok', raw: all.flat().reduce((a, b) => a + b), quality: 1, facts: { all } } };
  } }`;
const MODULES = {
  'two.mjs': `export const scorers = [${scorer('boxes', 'blazeface', 256)}, ${scorer('irises', 'iris', 64)}];`,
  'counter.mjs': `let count = 0;
    export const scorer = { spec: { id: 'counter', version: '1.0.0', tier: 'business', cost: 'cheap', models: [], source: 'test',
      dimensions: { 'counter.images': { direction: 'higher', unit: 'x', range: [0, Infinity], about: 'A test.' } } },
      assess: async () => ({ 'counter.images': { status: 'ok', raw: ++count, quality: 1 } }) };`,
};

let folder: string;
let pulled: string;
const pools: ScorePool[] = [];
beforeAll(async () => {
  pulled = await pulledModels();
  folder = await mkdtemp(join(tmpdir(), 'pool-models-'));
  for (const [name, code] of Object.entries(MODULES)) await writeFile(join(folder, name), code);
}, 240_000);
afterAll(async () => {
  await Promise.all(pools.map((pool) => pool.close()));
  await rm(folder, { recursive: true, force: true });
});

async function open(module: keyof typeof MODULES, options: Partial<ScorePoolOptions> = {}): Promise<ScorePool> {
  const models = { folder: pulled };
  const pool = await createScorePool({ threads: 1, models, scorerModules: [`./${module}`], from: folder, ...options });
  pools.push(pool);
  return pool;
}

const pictures = (): Promise<Buffer[]> =>
  Promise.all([1, 2, 3, 4, 5, 6].map((n) => png(noisy(disc({ side: 96, radius: 8 * n }), 2 * n, n))));
const scoreAll = (pool: ScorePool, files: readonly Buffer[]): Promise<ScoreResult[]> =>
  Promise.all(files.map((bytes) => pool.score({ bytes, policy, explain: 'all' })));

describe('networks in scoring threads', () => {
  it('give bit-identical answers on any number of threads, in any order, and say which network it was', async () => {
    const files = await pictures();
    const alone = await scoreAll(await open('two.mjs'), files);
    const together = await scoreAll(await open('two.mjs', { threads: 2 }), files.toReversed());
    expect(together.toReversed().map(({ scores }) => scores)).toEqual(alone.map(({ scores }) => scores));
    const { sha256 } = await openModels({ folder: pulled }).open('blazeface');
    for (const { scores } of alone) {
      expect(scores['boxes.sum']).toMatchObject({ status: 'ok', models: { blazeface: sha256 } });
      expect(Object.keys(scores['irises.sum']?.models ?? {})).toEqual(['iris']);
    }
    expect(new Set(alone.map(({ scores }) => JSON.stringify(scores['boxes.sum']))).size).toBe(files.length);
  });

  it('a missing one makes its dimensions unassessable, a broken one an error, and nothing else stops', async () => {
    const some = join(folder, 'some');
    await mkdir(join(some, 'iris'), { recursive: true });
    await copyFile(join(pulled, 'iris/pulled.json'), join(some, 'iris/pulled.json'));
    await writeFile(join(some, 'iris/model.onnx'), 'cut off');
    const pool = await open('two.mjs', { models: { folder: some } });
    for (const { scores } of await scoreAll(pool, (await pictures()).slice(0, 2))) {
      expect(scores['boxes.sum']).toEqual({
        status: 'unassessable',
        reason: 'model-missing',
        facts: { model: 'blazeface', hint: 'comfy-cull models pull blazeface' },
        scorer: 'boxes@1.0.0',
      });
      expect(scores['irises.sum']).toMatchObject({
        status: 'error',
        error: expect.stringMatching(
          /the model iris .*not the file that was pulled.*models pull iris --again/,
        ) as string,
      });
      expect(scores['resolution.longSide']).toMatchObject({ status: 'ok' });
    }
  });

  it('a name that is no execution provider is refused before the first image', async () => {
    const models = { folder: pulled, executionProviders: ['npu'] };
    await expect(open('two.mjs', { models })).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });
});

describe('threads are replaced', () => {
  /** How many images the thread of each image had seen. */
  async function seen(options: Partial<ScorePoolOptions>): Promise<unknown[]> {
    const pool = await open('counter.mjs', options);
    const [file] = await pictures();
    const counts: unknown[] = [];
    for (let i = 0; i < 6; i++) {
      const { scores } = await pool.score({ bytes: file!, policy, explain: 'all' });
      counts.push(scores['counter.images']?.status === 'ok' && scores['counter.images'].raw);
    }
    return counts;
  }

  it('once the process is too large, and not before so many images', async () => {
    expect(await seen({ recycling: { aboveMb: 1, afterImages: 2 } })).toEqual([1, 2, 1, 2, 1, 2]);
  });

  it('never while it is small enough', async () => {
    expect(await seen({ recycling: { aboveMb: 1e6, afterImages: 2 } })).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it('without losing what still runs on the old ones', async () => {
    const files = await pictures();
    const pool = await open('two.mjs', { threads: 2, recycling: { aboveMb: 1, afterImages: 1 } });
    const found = await scoreAll(pool, files);
    const alone = await scoreAll(await open('two.mjs'), files);
    expect(found.map(({ scores }) => scores)).toEqual(alone.map(({ scores }) => scores));
  });
});
