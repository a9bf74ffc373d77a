/** Same bytes, same versions: the same scores, bit for bit, whoever measures, in whatever order. */
import { beforeAll, describe, expect, it } from 'vitest';
import sharp from 'sharp';
import { createScorePool, type ScorePoolOptions } from '../../activities/scoring/pool.js';
import type { ScoreTask } from '../../activities/scoring/task.js';
import { paint } from '../../sandbox/painter/index.js';
import type { ModelOptions } from '../../scorers/models/sessions.js';
import { builtInScorers } from '../../scorers/registry.js';
import { chanceFrom, shuffled } from '../../selection/tuning/random.js';
import { allModels, measured, policy } from './hostile.js';

const PROMPTS = [
  'product photo of a red mug on a white background',
  'two blue bottles on a wooden table',
  'a black shoe on a grey background',
];
const SEEDS = 12;
const files = await Promise.all(
  Array.from({ length: SEEDS }, async (_, seed) => {
    const prompt = PROMPTS[seed % PROMPTS.length]!;
    const { data, width, height } = await paint({ prompt, seed, width: 320, height: 256 + 32 * (seed % 3) });
    const image = sharp(data, { raw: { width, height, channels: 3 } });
    return { prompt, bytes: seed % 2 === 0 ? await image.png().toBuffer() : await image.jpeg().toBuffer() };
  }),
);

/** Scores of every file, by its index, however the pool came to them. `scorersOf`: the order of the scorers on a file. */
async function scoresOf(
  order: readonly number[],
  options: Partial<ScorePoolOptions>,
  scorersOf?: (file: number) => readonly string[],
): Promise<unknown[]> {
  const pool = await createScorePool({ threads: 1, ...options });
  try {
    const found: unknown[] = [];
    await Promise.all(
      order.map(async (i) => {
        const { prompt, bytes } = files[i]!;
        const reference = files[(i + 1) % SEEDS]!.bytes;
        const task: ScoreTask = { bytes, policy, prompt, references: [reference], explain: 'all' };
        found[i] = measured(await pool.score({ ...task, ...(scorersOf && { order: scorersOf(i) }) }));
      }),
    );
    return found;
  } finally {
    await pool.close();
  }
}

/** What the scorers have at hand. */
const KINDS: [string, () => Promise<ModelOptions>][] = [
  ['no models', () => Promise.resolve({ folder: 'no-models' })],
  ['the models of npm and a CLIP', allModels],
];
const scorerIds = builtInScorers.map(({ spec }) => spec.id);
const forwards = files.map((_, i) => i);
const backwards = [...forwards].reverse();
const mixed = forwards.map((i) => (i * 5) % SEEDS);

describe.each(KINDS)('scores with %s', (_, modelsOf) => {
  let models: ModelOptions;
  let first: unknown[];
  beforeAll(async () => {
    models = await modelsOf();
    first = await scoresOf(forwards, { models });
  }, 240_000);

  it('differ between pictures', () => {
    expect(new Set(first.map((one) => JSON.stringify(one))).size).toBe(SEEDS);
  });

  it.each([
    ['again', forwards, 1],
    ['in reverse order', backwards, 1],
    ['by three threads', forwards, 3],
    ['by three threads in another order', mixed, 3],
  ])('are the same bit for bit %s', async (_how, order, threads) => {
    expect(await scoresOf(order, { models, threads })).toEqual(first);
  });

  it.each([
    ['the last first', () => scorerIds.toReversed()],
    ['another order for each picture', (file: number) => shuffled(scorerIds, chanceFrom(file))],
  ])('are the same bit for bit whichever scorer runs first: %s', async (_how, scorersOf) => {
    expect(await scoresOf(forwards, { models }, scorersOf)).toEqual(first);
  });
});
