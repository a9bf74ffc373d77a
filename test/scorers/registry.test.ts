import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { builtInScorers, dimensionsOf, loadScorers, modelNamesOf } from '../../scorers/registry.js';
import type { AnyScorer, Assessment, Scorer } from '../../scorers/scorer.js';
import { assess, disc, draw, frameOf, noisy } from './synthetic.js';

let folder: string;
beforeAll(async () => (folder = await mkdtemp(join(tmpdir(), 'scorers-'))));
afterAll(() => rm(folder, { recursive: true, force: true }));

const spec = `{ id: 'mine', version: '1.0.0', tier: 'business', cost: 'cheap', models: [], source: 'here',
  dimensions: { 'mine.width': { direction: 'higher', unit: 'px', range: [0, Infinity], about: 'how wide' } } }`;
const assessOf = `async assess(frame) { return { 'mine.width': { status: 'ok', raw: frame.width, quality: 50 } }; }`;

async function load(name: string, code: string): Promise<readonly AnyScorer[]> {
  await writeFile(join(folder, name), code);
  return loadScorers([`./${name}`], { from: folder });
}

describe('built-in scorers', () => {
  it('keep their own contract', () => {
    for (const { spec } of builtInScorers) {
      expect(spec.source.length).toBeGreaterThan(10);
      expect(spec.version).toMatch(/^\d+\.\d+\.\d+$/);
      for (const [id, dimension] of Object.entries(spec.dimensions)) {
        expect(id.startsWith(`${spec.id}.`)).toBe(true);
        expect(dimension.range[0]).toBeLessThan(dimension.range[1]);
        expect(dimension.about.endsWith('.')).toBe(true);
      }
    }
    expect(new Set(builtInScorers.map(({ spec }) => spec.id)).size).toBe(builtInScorers.length);
  });

  it('name their models as scores do: a role, not who plays it, and the networks of a model with several', () => {
    const { hashed, named } = modelNamesOf(builtInScorers);
    expect(hashed).toEqual(expect.arrayContaining(['clip/text', 'clip/vision', 'faceBox', 'facemesh', 'identity']));
    expect(hashed).not.toContain('clip');
    expect(hashed).not.toContain('blazeface');
    expect(named).toEqual(['vlm']);
    const remote = { spec: builtInScorers[0]?.spec, source: {} } as unknown as AnyScorer;
    expect(modelNamesOf([...builtInScorers, remote]).named).toBeUndefined();
  });

  const pictures = {
    'a product': () => disc(),
    'a noisy product': () => noisy(disc({ side: 256 }), 20),
    white: () => draw(64, 64, () => [255, 255, 255]),
    black: () => draw(64, 64, () => [0, 0, 0]),
    'one pixel': () => draw(1, 1, () => [7, 7, 7]),
    'a strip': () => draw(600, 2, (x) => [x % 256, 0, 0]),
    'noise alone': () =>
      noisy(
        draw(128, 128, () => [128, 128, 128]),
        60,
      ),
  };
  it.each(Object.entries(pictures))('answer every dimension, in range, for %s', async (_name, make) => {
    const frame = await frameOf(make());
    for (const scorer of builtInScorers) {
      const found = await assess(scorer, frame);
      expect(Object.keys(found).sort()).toEqual(Object.keys(scorer.spec.dimensions).sort());
      for (const [id, { range }] of Object.entries(scorer.spec.dimensions)) {
        const score = found[id] as Assessment;
        expect(score.status === 'ok' || score.status === 'unassessable').toBe(true);
        if (score.status !== 'ok') continue;
        expect(score.raw).toBeGreaterThanOrEqual(range[0]);
        expect(score.raw).toBeLessThanOrEqual(range[1]);
        expect(score.quality).toBeGreaterThanOrEqual(0);
        expect(score.quality).toBeLessThanOrEqual(100);
      }
    }
  });

  it('read a mirrored picture like the picture itself', async () => {
    const picture = disc({ x: 240, colour: [150, 60, 60] });
    const raw = { raw: { width: 512, height: 512, channels: 3 } } as const;
    const mirrored = await frameOf(await sharp(picture.rgb, raw).flop().png().toBuffer());
    const frame = await frameOf(picture);
    for (const scorer of builtInScorers.filter(({ spec }) => spec.id !== 'fingerprint')) {
      const [one, two] = [await assess(scorer, frame), await assess(scorer, mirrored)];
      for (const id of Object.keys(one)) {
        const [a, b] = [one[id]!, two[id]!];
        expect(b.status).toBe(a.status);
        if (a.status !== 'ok' || b.status !== 'ok') continue;
        expect(Math.abs(a.raw - b.raw), id).toBeLessThanOrEqual(0.05 * Math.abs(a.raw) + 0.02);
      }
    }
  });
});

describe('loadScorers', () => {
  it('adds scorers of a file behind the built-in ones, by either export', async () => {
    const one = await load('one.mjs', `export const scorer = { spec: ${spec}, ${assessOf} };`);
    expect(one.at(-1)?.spec.id).toBe('mine');
    expect(one.length).toBe(builtInScorers.length + 1);
    const list = await load('list.mjs', `export const scorers = [{ spec: ${spec}, ${assessOf} }];`);
    expect(dimensionsOf(list)).toHaveProperty(['mine.width']);
    expect(await assess(list.at(-1) as Scorer, await frameOf(disc({ side: 64 })))).toMatchObject({
      'mine.width': { raw: 64 },
    });
  });

  const wrong = {
    'no such file': ['', /cannot be loaded/],
    'no export': ['export const other = 1;', /neither/],
    'an empty list': ['export const scorers = [];', /neither/],
    'no assess': [`export const scorer = { spec: ${spec} };`, /assess is not a function/],
    'an id that is taken': [
      `export const scorer = { spec: ${spec.replaceAll('mine', 'noise')}, ${assessOf} };`,
      /already a scorer with the id noise/,
    ],
    'a dimension of another id': [
      `export const scorer = { spec: ${spec.replace("'mine.width'", "'other.width'")}, ${assessOf} };`,
      /other\.width is not called mine\./,
    ],
    'a version that is none': [
      `export const scorer = { spec: ${spec.replace('1.0.0', 'new')}, ${assessOf} };`,
      /"new"/,
    ],
    'a range the wrong way round': [
      `export const scorer = { spec: ${spec.replace('[0, Infinity]', '[1, 0]')}, ${assessOf} };`,
      /range/,
    ],
    'code that throws': ['throw new Error("boom");', /boom/],
  } as const;
  it.each(Object.entries(wrong))('refuses %s and says why', async (name, [code, reason]) => {
    const file = `${name.replaceAll(' ', '-')}.mjs`;
    const loading = code === '' ? loadScorers([`./${file}`], { from: folder }) : load(file, code);
    await expect(loading).rejects.toMatchObject({
      code: 'SCORER_INVALID',
      message: expect.stringMatching(reason) as string,
    });
    await expect(loading).rejects.toThrow(file);
  });
});
