import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createScorePool, type ScorePool } from '../../../activities/scoring/pool.js';
import type { ScoreResult, ScoreTask } from '../../../activities/scoring/task.js';
import { builtInScorers, dimensionsOf } from '../../../scorers/registry.js';
import { cascadeOrder } from '../../../selection/cascade.js';
import type { Gate, Policy } from '../../../selection/types.js';
import { disc, noisy, png } from '../../scorers/synthetic.js';
import { policyOf, threshold } from '../../selection/samples.js';

const policy = policyOf([threshold({ dimension: 'resolution.longSide', on: 'raw', accept: { min: 100 } })], {
  params: { probe: { greeting: 'hello' } },
});

const declared = (id: string, cost = 'cheap'): string =>
  `spec: { id: '${id}', version: '2.0.0', tier: 'business', cost: '${cost}', models: [], source: 'test',
    dimensions: { '${id}.value': { direction: 'higher', unit: 'x', range: [0, 100], about: 'A test.' } } }`;
const MODULES = {
  'probe.mjs': `export const scorer = { ${declared('probe')}, assess: async (frame, ask) => ({ 'probe.value':
    { status: 'ok', raw: frame.width, quality: 50, facts: { ...ask.params, prompt: ask.prompt, references: ask.references?.length ?? 0 } } }) };`,
  'counter.mjs': `let count = 0; const once = (frame) => ({ sha256: frame.sha256, n: ++count });
    export const scorer = { ${declared('counter')}, assess: async (frame, ask) => ({ 'counter.value': { status: 'ok', raw: 1, quality: 1,
    facts: { references: ask.references?.map((one) => one.derive(once).n), named: Object.entries(ask.named ?? {}).map(([name, one]) => [name, one.derive(once).n]),
      masks: Object.entries(ask.masks ?? {}).map(([name, one]) => [name, one.width, one.derive(once).n]), expect: ask.expect } } }) };`,
  'thrower.mjs': `export const scorer = { ${declared('thrower')}, assess: async () => { throw new Error('out of paint'); } };`,
  'liar.mjs': `export const scorer = { ${declared('liar')}, assess: async () => ({ 'liar.value': { status: 'ok', raw: NaN, quality: 1 } }) };`,
  'hanger.mjs': `export const scorer = { ${declared('hanger')}, assess: () => { for (;;); } };`,
  'waiter.mjs': `export const scorer = { ${declared('waiter')}, assess: () => new Promise(() => {}) };`,
  'quitter.mjs': `export const scorer = { ${declared('quitter')}, assess: async () => process.exit(7) };`,
  'model.mjs': `export const scorer = { ${declared('costly', 'model')}, assess: async () => ({ 'costly.value': { status: 'ok', raw: 1, quality: 1 } }) };`,
};

let folder: string;
const pools: ScorePool[] = [];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pool-'));
  for (const [name, code] of Object.entries(MODULES)) await writeFile(join(folder, name), code);
});
afterAll(async () => {
  await Promise.all(pools.map((pool) => pool.close()));
  await rm(folder, { recursive: true, force: true });
});

async function open(
  modules: (keyof typeof MODULES)[] = [],
  options: { threads?: number; taskTimeoutMs?: number } = {},
): Promise<ScorePool> {
  const pool = await createScorePool({
    threads: 1,
    ...options,
    scorerModules: modules.map((m) => `./${m}`),
    from: folder,
  });
  pools.push(pool);
  return pool;
}

const image = png(disc({ side: 128 }));
const scoreOf = (result: ScoreResult, id: string) => result.scores[id];

describe('the scoring pool', () => {
  it('measures every dimension, labels it, and judges', async () => {
    const pool = await open();
    const result = await pool.score({ bytes: await image, policy, explain: 'gates' });
    expect(Object.keys(result.scores).sort()).toEqual(Object.keys(dimensionsOf(builtInScorers)).sort());
    expect(result.scores['resolution.longSide']).toMatchObject({
      status: 'ok',
      raw: 128,
      scorer: expect.stringMatching(/^resolution@/) as string,
    });
    expect(result.verdict).toEqual({ pass: true, band: 'accept', failed: [] });
    expect(result.image).toMatchObject({ width: 128, height: 128, format: 'png' });
    const { order } = cascadeOrder(policy, { scorers: builtInScorers.map(({ spec }) => spec) });
    expect(Object.keys(result.timing.scorers)).toEqual(order);
    expect(result.undecodable).toBeNull();
  });

  it('gives the same scores with one and with two threads, in any order', async () => {
    const one = await open();
    const two = await open([], { threads: 2 });
    const files = await Promise.all([1, 2, 3, 4].map((n) => png(noisy(disc({ side: 128, radius: 10 * n }), n, n))));
    const all = (pool: ScorePool): Promise<ScoreResult[]> =>
      Promise.all(files.map((bytes) => pool.score({ bytes, policy, explain: 'all' })));
    const [alone, together] = [await all(one), await all(two)];
    expect(together.map(({ scores, image, verdict }) => ({ scores, image, verdict }))).toEqual(
      alone.map(({ scores, image, verdict }) => ({ scores, image, verdict })),
    );
  });

  it('says what is wrong with bytes that are no image, and goes on', async () => {
    const pool = await open();
    for (const bytes of [Buffer.from('not an image'), Buffer.alloc(0), (await image).subarray(0, 200)]) {
      const result = await pool.score({ bytes, policy, explain: 'all' });
      expect(result.undecodable).toMatchObject({ reason: 'undecodable' });
      expect(result.image).toMatchObject({ width: 0, format: 'unknown', pixelSha256: null, bytes: bytes.length });
      expect(result.scores['noise.sigma']).toMatchObject({ status: 'unassessable', reason: 'undecodable' });
      expect(result.verdict).toMatchObject({ pass: false, band: 'reject' });
    }
    expect((await pool.score({ bytes: await image, policy, explain: 'all' })).verdict.pass).toBe(true);
  });

  it('hands prompt, parameters and references to scorers from outside', async () => {
    const pool = await open(['probe.mjs']);
    const references = [await image, Buffer.from('no image')];
    const result = await pool.score({ bytes: await image, policy, prompt: 'a disc', references, explain: 'all' });
    expect(scoreOf(result, 'probe.value')).toEqual({
      status: 'ok',
      raw: 128,
      quality: 50,
      facts: { greeting: 'hello', prompt: 'a disc', references: 1 },
      scorer: 'probe@2.0.0',
    });
  });

  it('hands over photos by name, masks and expectations, and derives what photos need once for all candidates', async () => {
    const pool = await open(['counter.mjs']);
    const [photo, logo, mask] = await Promise.all([60, 70, 80].map((side) => png(disc({ side }))));
    const task = { bytes: await image, policy, explain: 'all', expect: { people: 1 } } as const;
    const facts = async (compared: Partial<ScoreTask>): Promise<unknown> => {
      const score = scoreOf(await pool.score({ ...task, ...compared }), 'counter.value');
      return score?.facts;
    };
    const compared = { references: [photo!, logo!], named: { logo: logo! }, masks: { garment: mask! } };
    expect(await facts(compared)).toEqual({
      references: [1, 2],
      named: [['logo', 2]],
      masks: [['garment', 80, 3]],
      expect: { people: 1 },
    });
    // The same photos are known, the mask is another candidate's and is not kept.
    expect(await facts(compared)).toMatchObject({
      references: [1, 2],
      named: [['logo', 2]],
      masks: [['garment', 80, 4]],
    });
    expect(await facts({ references: [mask!, photo!] })).toMatchObject({ references: [5, 1] });
  });

  it('turns a scorer that throws or lies into an error of its own dimensions', async () => {
    const pool = await open(['thrower.mjs', 'liar.mjs', 'probe.mjs']);
    const result = await pool.score({ bytes: await image, policy, explain: 'all' });
    expect(scoreOf(result, 'thrower.value')).toMatchObject({ status: 'error', error: 'out of paint' });
    expect(scoreOf(result, 'liar.value')).toMatchObject({
      status: 'error',
      error: expect.stringMatching(/not a number/) as string,
    });
    expect(scoreOf(result, 'probe.value')).toMatchObject({ status: 'ok' });
  });

  it.each(['hanger.mjs', 'waiter.mjs'] as const)(
    'replaces the thread of a scorer that never ends (%s)',
    async (module) => {
      const pool = await open([module, 'probe.mjs'], { taskTimeoutMs: 4000 });
      const result = await pool.score({ bytes: await image, policy, explain: 'all' });
      const id = module === 'hanger.mjs' ? 'hanger.value' : 'waiter.value';
      expect(scoreOf(result, id)).toMatchObject({ status: 'unassessable', reason: 'timeout' });
      expect(scoreOf(result, 'probe.value')).toMatchObject({ status: 'ok' });
      expect(result.scores['noise.sigma']).toBeDefined();
    },
  );

  it('survives a scorer that ends its thread', async () => {
    const pool = await open(['quitter.mjs', 'probe.mjs']);
    const result = await pool.score({ bytes: await image, policy, explain: 'all' });
    expect(scoreOf(result, 'quitter.value')).toMatchObject({ status: 'error' });
    expect(scoreOf(result, 'probe.value')).toMatchObject({ status: 'ok' });
  });

  it('runs scorers in the order asked for, and those that it does not name after them', async () => {
    const pool = await open(['model.mjs', 'probe.mjs']);
    const order = ['costly', 'no such scorer', 'probe', 'noise'];
    const { timing, scores } = await pool.score({ bytes: await image, policy, explain: 'gates', order });
    expect(Object.keys(timing.scorers).slice(0, 4)).toEqual(['costly', 'probe', 'noise', 'resolution']);
    expect(Object.keys(timing.scorers)).toHaveLength(builtInScorers.length + 2);
    const usual = await pool.score({ bytes: await image, policy, explain: 'gates' });
    expect(JSON.stringify(scores)).toBe(JSON.stringify(usual.scores));
  });

  it('runs nothing after the scorer whose gate rejects, not even what is cheap', async () => {
    const pool = await open(['model.mjs', 'probe.mjs']);
    const strict = policyOf([
      threshold({ dimension: 'costly.value', on: 'raw', accept: { min: 4000 } }),
      ...policy.gates,
    ]);
    const order = ['probe', 'costly', 'resolution'];
    const result = await pool.score({ bytes: await image, policy: strict, explain: 'gates', order });
    expect(Object.keys(result.timing.scorers)).toEqual(['probe', 'costly']);
    expect(result.scores['resolution.longSide']).toMatchObject({ status: 'notRun' });
    expect(result.verdict.failed.map(({ gate }) => gate)).toEqual(['costly.value']);
    expect([result.stopped, result.embedding]).toEqual([true, null]);
    const all = await pool.score({ bytes: await image, policy: strict, explain: 'all', order });
    expect([all.stopped, Object.values(all.scores).some(({ status }) => status === 'notRun')]).toEqual([false, false]);
  });

  it('runs nothing at all where a rule on the request alone says no', async () => {
    const pool = await open();
    const rule: Gate = {
      kind: 'rule',
      id: 'few',
      tier: 'business',
      rule: 'request.deliver < 3',
      reason: 'Too many',
      onUnassessable: 'reject',
      dimensions: [],
    };
    const few = policyOf([rule]);
    const { timing, verdict } = await pool.score({
      bytes: await image,
      policy: few,
      explain: 'gates',
      request: { deliver: 4 },
    });
    expect([timing.scorers, verdict.failed]).toMatchObject([{}, [{ gate: 'few' }]]);
  });

  it('leaves scorers with models out after a hard failure, unless all is to be explained', async () => {
    const pool = await open(['model.mjs']);
    const strict: Policy = {
      ...policy,
      gates: [{ ...policy.gates[0]!, accept: { min: 4000 } } as Policy['gates'][number]],
    };
    const run = async (of: Policy, explain: 'all' | 'gates') =>
      scoreOf(await pool.score({ bytes: await image, policy: of, explain }), 'costly.value')?.status;
    expect(await run(strict, 'gates')).toBe('notRun');
    expect(await run(strict, 'all')).toBe('ok');
    expect(await run(policy, 'gates')).toBe('ok');
  });

  it('gives up when its caller does', async () => {
    const pool = await open(['waiter.mjs']);
    const controller = new AbortController();
    const scoring = pool.score({ bytes: await image, policy, explain: 'all' }, { signal: controller.signal });
    controller.abort(new Error('no longer wanted'));
    await expect(scoring).rejects.toThrow('no longer wanted');
  });

  it('leaves the event loop of its owner free', async () => {
    const pool = await open();
    const bytes = await png(noisy(disc({ side: 512 }), 3));
    await pool.score({ bytes, policy, explain: 'all' });
    let turns = 0;
    let measured = false as boolean;
    const scoring = pool.score({ bytes, policy, explain: 'all' }).then(() => (measured = true));
    while (!measured) {
      turns++;
      await new Promise((resolve) => setImmediate(resolve));
    }
    await scoring;
    expect(turns).toBeGreaterThan(50);
  });

  it('refuses a bad module at once', async () => {
    await expect(createScorePool({ threads: 1, scorerModules: ['./nowhere.mjs'], from: folder })).rejects.toMatchObject(
      {
        code: 'SCORER_INVALID',
      },
    );
  });
});
