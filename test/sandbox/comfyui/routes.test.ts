import { afterEach, describe, expect, it } from 'vitest';
import { noise, txt2img, type Graph } from './graphs.js';
import { closeAll, run, start, submit } from './harness.js';
import type { Session } from './session.js';

afterEach(closeAll);

const graph = (seed: number): Graph => noise({ seed, prefix: 'a' });

interface Listing {
  readonly jobs: readonly { readonly id: string; readonly status: string }[];
  readonly pagination: object;
}

async function list(s: Session, query: string): Promise<Listing> {
  return (await s.get(`/api/jobs?${query}`)) as Listing;
}

const ids = ({ jobs }: Listing): string[] => jobs.map((job) => job.id);

describe('the list of jobs', () => {
  it('holds those that wait, run and ended, newest first, by status and in pages', async () => {
    const { s } = await start({ fault: { failSeeds: [2] } });
    await run(s, { n: 1, graph: graph(1) });
    await run(s, { n: 2, graph: graph(2) });
    expect((await list(s, '')).jobs.map((job) => job.status).sort()).toEqual(['completed', 'failed']);
    expect(ids(await list(s, 'status=failed'))).toEqual([s.id(2)]);
    expect(ids(await list(s, 'status=completed,failed&sort_order=asc'))).toHaveLength(2);
    const page = await list(s, 'sort_order=asc&limit=1&offset=1');
    expect(page.jobs).toHaveLength(1);
    expect(page.pagination).toEqual({ offset: 1, limit: 1, total: 2, has_more: false });
    expect((await list(s, 'limit=1')).pagination).toMatchObject({ total: 2, has_more: true });
  });

  it('is sorted by time of creation or by how long they took', async () => {
    const { comfy, s } = await start();
    for (const n of [1, 2, 3]) {
      // The clock tells when each was made and how long it took: the second longest, the third not at all.
      await comfy.config({ fault: { clockSkewMs: n * 3_600_000, stallPrompts: 1 } });
      await submit(s, { n, graph: graph(n) });
      await s.executing(s.alice, { promptId: s.id(n), node: '2' });
      await comfy.config({ fault: { clockSkewMs: n * 3_600_000 + [0, 60_000, 600_000, 0][n]! } });
      await s.post('/interrupt', { prompt_id: s.id(n) });
      await s.ended(s.alice, s.id(n));
    }
    const names = [s.id(1), s.id(2), s.id(3)];
    expect(ids(await list(s, ''))).toEqual([names[2], names[1], names[0]]);
    expect(ids(await list(s, 'sort_order=asc'))).toEqual(names);
    expect(ids(await list(s, 'sort_by=execution_duration'))).toEqual([names[1], names[0], names[2]]);
    expect(ids(await list(s, 'sort_by=execution_duration&sort_order=asc'))).toEqual([names[2], names[0], names[1]]);
  });

  it('can be narrowed to a workflow, and says what waits', async () => {
    const { s } = await start({ fault: { stallPrompts: 1 } });
    const extra_data = { extra_pnginfo: { workflow: { id: 'w1' } } };
    await s.post('/prompt', { prompt: graph(1), prompt_id: s.id(1), client_id: s.alice, extra_data });
    await s.executing(s.alice, { promptId: s.id(1), node: '2' });
    await submit(s, { n: 2, graph: graph(2) });
    expect(await list(s, 'workflow_id=w1')).toMatchObject({ jobs: [{ id: s.id(1), status: 'in_progress' }] });
    expect(await list(s, 'status=pending')).toMatchObject({ jobs: [{ id: s.id(2), status: 'pending' }] });
  });
});

describe('the history', () => {
  it('loses what is deleted, and everything when cleared', async () => {
    const { s } = await start();
    for (const n of [1, 2, 3]) await run(s, { n, graph: graph(n) });
    await s.post('/history', { delete: [s.id(2), s.id(9)] });
    expect(Object.keys((await s.get('/history')) as object)).toEqual([s.id(1), s.id(3)]);
    expect(await s.get(`/api/jobs/${s.id(2)}`)).toEqual({ error: 'Job not found' });
    await s.post('/history', { clear: true });
    expect(await s.get('/history')).toEqual({});
  });
});

describe('downloads', () => {
  it('come in parts, as headers only, and not at all when they are known', async () => {
    const { comfy, s } = await start();
    await run(s, { n: 1, graph: graph(1) });
    const url = `${comfy.url}/view?filename=a_00001_.png`;
    const whole = await fetch(url);
    const bytes = Buffer.from(await whole.arrayBuffer());
    const part = await fetch(url, { headers: { range: 'bytes=8-15' } });
    expect([part.status, part.headers.get('content-range')]).toEqual([206, `bytes 8-15/${bytes.length}`]);
    expect(Buffer.from(await part.arrayBuffer()).equals(bytes.subarray(8, 16))).toBe(true);
    const head = await fetch(url, { method: 'HEAD' });
    expect([head.headers.get('content-length'), await head.text()]).toEqual([String(bytes.length), '']);
    const known = await fetch(url, { headers: { 'if-none-match': whole.headers.get('etag')! } });
    expect(known.status).toBe(304);
  });
});

describe('what a plain server has nothing to say about', () => {
  it.each(['/i18n', '/workflow_templates', '/node_replacements', '/global_subgraphs'])('%s is empty', async (path) => {
    const { s } = await start();
    expect(await s.get(path)).toEqual({});
  });

  it('assets are off, and model files have no metadata', async () => {
    const { comfy } = await start();
    const assets = await fetch(`${comfy.url}/api/assets`);
    expect([assets.status, await assets.json()]).toMatchObject([503, { error: { code: 'SERVICE_DISABLED' } }]);
    expect((await fetch(`${comfy.url}/view_metadata/checkpoints?filename=x.safetensors`)).status).toBe(404);
  });

  it('model folders grew with the versions', async () => {
    const folders = async (profile: '0.18.2' | '0.27.0' | '0.30.0'): Promise<unknown[]> => {
      const { s } = await start({ profile });
      return (await s.get('/models')) as unknown[];
    };
    const [old, newer, newest] = [await folders('0.18.2'), await folders('0.27.0'), await folders('0.30.0')];
    expect([old.length, newer.length, newest.length]).toEqual([21, 26, 27]);
    expect(newest).toEqual(expect.arrayContaining(newer));
  });
});

it.each([
  ['0.18.2', undefined],
  ['0.27.0', 'tests'],
] as const)('%s notes where a prompt says it comes from as %s', async (profile, noted) => {
  const { comfy, s } = await start({ profile });
  await fetch(`${comfy.url}/prompt`, {
    method: 'POST',
    headers: { 'Comfy-Usage-Source': 'tests' },
    body: JSON.stringify({
      prompt: txt2img({ seed: 1, prefix: 'a', size: 64 }),
      prompt_id: s.id(1),
      client_id: s.alice,
    }),
  });
  await s.ended(s.alice, s.id(1));
  const history = (await s.get(`/history/${s.id(1)}`)) as Record<string, { prompt: { comfy_usage_source?: string }[] }>;
  expect(history[s.id(1)]!.prompt[3]!.comfy_usage_source).toBe(noted);
});
