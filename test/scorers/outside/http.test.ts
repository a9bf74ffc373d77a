import { afterEach, describe, expect, it } from 'vitest';
import { createScorePool, type ScorePool } from '../../../activities/scoring/pool.js';
import { CullError } from '../../../errors.js';
import { loadScorers } from '../../../scorers/registry.js';
import type { Policy } from '../../../selection/types.js';
import { jsonServer, type JsonCall, type JsonServer } from '../../support/json-server.js';
import { disc, png } from '../synthetic.js';
import { policyWith } from './conformance.js';

const specOf = (id: string) => ({
  id,
  version: '3.1.0',
  tier: 'business',
  cost: 'model',
  models: [],
  source: 'a test',
  dimensions: { [`${id}.value`]: { direction: 'higher', unit: 'x', range: [0, 1], about: 'A test.' } },
});
interface Item {
  image: string;
  sha256: string;
  prompt?: string;
  references?: string[];
  masks?: Record<string, string>;
  expect?: unknown;
  params: unknown;
}
const itemsOf = (call: JsonCall): Item[] => (call.body as { items: Item[] }).items;
const ok = (call: JsonCall) => ({
  body: {
    assessments: itemsOf(call).map(({ image }) => ({
      'one.value': {
        status: 'ok',
        raw: image.length / 1e6,
        quality: 50,
        models: { net: 'v7' },
        facts: { bytes: image.length },
      },
      'two.value': { status: 'unassessable', reason: 'no-face' },
    })),
  },
});
const spec = { body: { scorers: [specOf('one'), specOf('two')], batch: { max: 4, waitMs: 50 } } };

const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function open(assess: Parameters<typeof jsonServer>[0]): Promise<{ server: JsonServer; pool: ScorePool }> {
  const server = await jsonServer((call) => (call.path === '/spec' ? spec : assess(call)));
  ends.push(() => server.close());
  const pool = await createScorePool({ threads: 2, scorerModules: [server.url] });
  ends.push(() => pool.close());
  return { server, pool };
}
const image = png(disc({ side: 96 }));
const policy = policyWith();

describe('scorers behind an address', () => {
  it('get the file with all that was asked, and their scores are judged with the others', async () => {
    const { server, pool } = await open(ok);
    const gates: Policy['gates'] = [
      {
        kind: 'threshold',
        id: 'one.value',
        tier: 'business',
        dimension: 'one.value',
        on: 'raw',
        accept: { min: 0.9 },
        onUnassessable: 'reject',
        reason: 'Too short',
      },
    ];
    const bytes = await image;
    const reference = await png(disc({ side: 32 }));
    const result = await pool.score({
      bytes,
      policy: { ...policyWith({ one: { cut: 3 } }), gates },
      prompt: 'a disc',
      references: [reference],
      masks: { garment: reference },
      expect: { text: 'ACME' },
      explain: 'all',
    });
    const [item] = itemsOf(server.calls.at(-1)!);
    expect(item).toMatchObject({
      image: bytes.toString('base64'),
      sha256: result.image.sha256,
      prompt: 'a disc',
      references: [reference.toString('base64')],
      masks: { garment: reference.toString('base64') },
      expect: { text: 'ACME' },
      params: { one: { cut: 3 } },
    });
    expect(result.scores['one.value']).toMatchObject({ status: 'ok', scorer: 'one@3.1.0' });
    expect(result.scores['two.value']).toEqual({ status: 'unassessable', reason: 'no-face', scorer: 'two@3.1.0' });
    expect(result.scores['noise.sigma']).toMatchObject({ status: 'ok' });
    expect(result.verdict.failed.map(({ gate }) => gate)).toEqual(['one.value']);
  });

  it('are asked about several images in one call', async () => {
    const { server, pool } = await open(ok);
    const files = await Promise.all([20, 24, 28, 32].map((side) => png(disc({ side }))));
    const results = await Promise.all(files.map((bytes) => pool.score({ bytes, policy, explain: 'all' })));
    const calls = server.calls.filter(({ path }) => path === '/assess');
    expect(calls.flatMap(itemsOf)).toHaveLength(4);
    expect(calls.length).toBeLessThan(4);
    for (const [index, { scores }] of results.entries())
      expect(scores['one.value']).toMatchObject({
        models: { net: 'v7' },
        facts: { bytes: files[index]!.toString('base64').length },
      });
  });

  it('are not asked when a cheap gate has already said no', async () => {
    const { server, pool } = await open(ok);
    const gates: Policy['gates'] = [
      {
        kind: 'threshold',
        id: 'resolution.longSide',
        tier: 'generic',
        dimension: 'resolution.longSide',
        on: 'raw',
        accept: { min: 5000 },
        onUnassessable: 'reject',
      },
    ];
    const { scores } = await pool.score({ bytes: await image, policy: { ...policy, gates }, explain: 'gates' });
    expect(scores['one.value']).toEqual({ status: 'notRun', scorer: 'one@3.1.0' });
    expect(server.calls.map(({ path }) => path)).toEqual(['/spec']);
  });

  it('are asked again when they are busy', async () => {
    let busy = 2;
    const { pool } = await open((call) => (busy-- > 0 ? { status: 503, body: {} } : ok(call)));
    const { scores } = await pool.score({ bytes: await image, policy, explain: 'all' });
    expect(scores['one.value']).toMatchObject({ status: 'ok' });
  });

  it('give no verdict when they do not answer at all', async () => {
    const { server, pool } = await open(() => ({ status: 500, text: 'out of memory' }));
    const failed = pool.score({ bytes: await image, policy, explain: 'all' });
    await expect(failed).rejects.toMatchObject({ code: 'SCORER_UNREACHABLE' });
    await expect(failed).rejects.toThrow(/out of memory/);
    expect(server.calls.filter(({ path }) => path === '/assess')).toHaveLength(3);
  });

  it('are given up when nobody waits for the answer any more', async () => {
    let heard = (): void => undefined;
    const asked = new Promise<void>((resolve) => (heard = resolve));
    const { pool } = await open(() => {
      heard();
      return { hang: true };
    });
    const controller = new AbortController();
    const scoring = pool.score({ bytes: await image, policy, explain: 'all' }, { signal: controller.signal });
    await asked;
    controller.abort(new Error('cancelled'));
    await expect(scoring).rejects.toThrow('cancelled');
  });

  it.each([
    ['too few answers', { body: { assessments: [] } }, /0 of 1 images/],
    ['a text', { text: 'hello' }, /no JSON/],
    ['a score without a number', { body: { assessments: [{ 'one.value': { status: 'ok', raw: 'x' } }] } }, /raw/],
    ['a refusal', { status: 422, text: 'no such field' }, /no such field/],
  ])('are named when they answer with %s', async (_, answer, message) => {
    const { server, pool } = await open(() => answer);
    const failed = pool.score({ bytes: await image, policy, explain: 'all' });
    await expect(failed).rejects.toMatchObject({ code: 'SCORER_INVALID' });
    await expect(failed).rejects.toThrow(message);
    await expect(failed).rejects.toThrow(server.url);
  });

  it.each([
    ['no list', {}, /scorers/],
    ['an id that is there already', { scorers: [{ ...specOf('noise') }] }, /already a scorer/],
    ['a dimension of another', { scorers: [{ ...specOf('one'), dimensions: { 'x.y': {} } }] }, /not called one/],
  ])('are refused at the start with %s', async (_, body, message) => {
    const server = await jsonServer(() => ({ body }));
    ends.push(() => server.close());
    await expect(loadScorers([server.url])).rejects.toThrow(message);
  });

  it('are missed at the start when nobody is there', async () => {
    const server = await jsonServer(() => ({ body: {} }));
    await server.close();
    const failed: unknown = await loadScorers([server.url]).catch((error: unknown) => error);
    expect(failed).toBeInstanceOf(CullError);
    expect(failed).toMatchObject({ code: 'SCORER_UNREACHABLE' });
    expect((failed as Error).message).toContain(server.url);
  });
});
