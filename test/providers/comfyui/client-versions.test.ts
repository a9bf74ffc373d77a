import { randomUUID } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { isAtLeast } from '../../../providers/comfyui/endpoints/version.js';
import { ComfyClient } from '../../../providers/comfyui/index.js';
import { startFake, type Fake } from './support.js';

/** Servers that lack what newer ones have, and servers with odd answers. */

const cleanUp: (() => unknown)[] = [];
afterEach(async () => {
  for (const one of cleanUp.splice(0)) await one();
});

type Routes = Parameters<typeof startFake>[0];
async function serve(routes: Routes): Promise<{ comfy: ComfyClient; server: Fake }> {
  const server = await startFake(routes);
  cleanUp.push(() => server.close());
  return { comfy: new ComfyClient({ url: server.url }), server };
}

const ok = { status: 200, text: '' };
const graph = { '1': { class_type: 'X', inputs: {} } };

/** An old ComfyUI: prompts wait, run and end in lists. */
function oldServer(
  version: string,
  lists: { running?: string[]; pending?: string[]; ended?: string[] },
): { routes: Routes; sent: unknown[] } {
  const { running = [], ended = [] } = lists;
  let { pending = [] } = lists;
  const sent: unknown[] = [];
  const item = (number: number, id: string) => [number, id, graph, { create_time: number * 1000 }, ['1']];
  const entry = (id: string, i: number) => ({
    prompt: item(i, id),
    outputs: { '1': { images: [{ filename: `${i}.png`, subfolder: '', type: 'output' }], text: ['hello'] } },
    status: {
      status_str: 'success',
      messages: [
        ['execution_start', { timestamp: i * 1000 }],
        ['execution_success', { timestamp: i * 1000 + 10 * i }],
      ],
    },
  });
  const routes: Routes = {
    'GET /system_stats': () => ({ system: { comfyui_version: version }, devices: [] }),
    'GET /queue': () => ({
      queue_running: running.map((id) => item(5, id)),
      queue_pending: pending.map((id, i) => item(9 - i, id)),
    }),
    'POST /queue': ({ body }) => {
      const asked = JSON.parse(body) as { delete: string[] };
      sent.push(asked);
      pending = pending.filter((id) => !asked.delete.includes(id));
      return ok;
    },
    'POST /interrupt': ({ body }) => (sent.push(JSON.parse(body)), ok),
    'GET /history': () => Object.fromEntries(ended.map((id, i) => [id, entry(id, i + 1)])),
    'GET /history/(.*)': ({ params: [id = ''] }) =>
      ended.includes(id) ? { [id]: entry(id, ended.indexOf(id) + 1) } : {},
  };
  return { routes, sent };
}

const [a, b, c, d] = [randomUUID(), randomUUID(), randomUUID(), randomUUID()];

describe('cancelling before 0.26', () => {
  it('interrupts by id what runs, and dequeues what waits', async () => {
    const { routes, sent } = oldServer('0.25.1', { running: [a], pending: [b], ended: [c] });
    const { comfy, server } = await serve(routes);
    expect(await comfy.cancel(a)).toBe('interrupted');
    expect(await comfy.cancel(b)).toBe('dequeued');
    expect(await comfy.cancel(c)).toBe('not-there');
    expect(await comfy.cancel(d)).toBe('not-there');
    expect(sent).toEqual([{ prompt_id: a }, { delete: [b] }]);
    expect(server.asked.filter((line) => line.includes('/cancel'))).toHaveLength(1);
  });

  it('interrupts what has started just before it was dequeued', async () => {
    const { routes, sent } = oldServer('0.25.1', { running: [a] });
    let looks = 0;
    const { comfy } = await serve({
      ...routes,
      'GET /api/jobs/([^/]+)': () => ({ id: a, status: ++looks === 1 ? 'pending' : 'in_progress' }),
    });
    expect(await comfy.cancel(a)).toBe('interrupted');
    expect(sent).toEqual([{ delete: [a] }, { prompt_id: a }]);
  });

  it.each(['0.3.56', '0.2.7', 'nightly'])('never interrupts on %s, where it would stop anybody', async (version) => {
    const { routes, sent } = oldServer(version, { running: [a], pending: [b, c] });
    const { comfy } = await serve(routes);
    expect(await comfy.cancel(a)).toBe('left-to-finish');
    expect(await comfy.interrupt(a)).toBe(false);
    expect(await comfy.cancelMany([a, b])).toEqual({ cancelled: true, leftToFinish: [a] });
    expect(sent).toEqual([{ delete: [a, b] }]);
  });

  it('never interrupts where there are no system stats', async () => {
    const { routes, sent } = oldServer('', { running: [a] });
    const { comfy } = await serve({ ...routes, 'GET /system_stats': () => undefined });
    expect(await comfy.cancel(a)).toBe('left-to-finish');
    expect([await comfy.version(), sent]).toEqual(['0.0.0', []]);
  });

  it('cancels many, first those that wait', async () => {
    const { routes, sent } = oldServer('0.3.57', { running: [a], pending: [b, c] });
    const { comfy, server } = await serve(routes);
    expect(await comfy.cancelMany([a, b, d])).toEqual({ cancelled: true, leftToFinish: [] });
    expect(sent).toEqual([{ delete: [a, b] }, { prompt_id: a }]);
    expect(await comfy.cancelMany([d])).toEqual({ cancelled: false, leftToFinish: [] });
    expect(server.asked.filter((line) => line.includes('/cancel'))).toHaveLength(1);
  });

  it('asks anew what a server can do once it was away', async () => {
    let version = '0.30.0';
    const { routes, sent } = oldServer('', { running: [a] });
    const { comfy } = await serve({
      ...routes,
      'GET /system_stats': () => (version === 'away' ? 'cut' : { system: { comfyui_version: version } }),
      'GET /prompt': () => 'cut',
    });
    expect(await comfy.version()).toBe('0.30.0');
    version = '0.3.50';
    await expect(comfy.queueDepth()).rejects.toMatchObject({ code: 'COMFY_UNREACHABLE' });
    expect(await comfy.interrupt(a)).toBe(false);
    expect(sent).toEqual([]);
  });
});

describe('jobs before 0.6', () => {
  it('are listed from queue and history', async () => {
    const { routes } = oldServer('0.3.64', { running: [a], pending: [b], ended: [c, d] });
    const { comfy, server } = await serve(routes);
    const idsOf = async (query: Parameters<typeof comfy.jobs>[0]) =>
      (await comfy.jobs(query)).jobs.map((one) => one.promptId);
    expect(await idsOf({})).toEqual([b, a, d, c]);
    expect(await idsOf({ sortOrder: 'asc', status: ['succeeded'] })).toEqual([c, d]);
    expect(await idsOf({ sortBy: 'duration', limit: 2 })).toEqual([d, c]);
    expect(await comfy.jobs({ limit: 1, offset: 1 })).toMatchObject({
      total: 4,
      hasMore: true,
      jobs: [{ promptId: a }],
    });
    expect(await idsOf({ workflowId: 'w' })).toEqual([]);
    expect((await comfy.jobs({ status: ['succeeded'] })).jobs[0]).toEqual({
      promptId: d,
      number: 2,
      state: 'succeeded',
      outputsCount: 2,
      timing: { createdAt: 2000, startedAt: 2000, endedAt: 2020 },
    });
    expect((await comfy.job(c)).texts).toEqual({ '1': ['hello'] });
    expect(server.asked.filter((line) => line.includes('/api/jobs'))).toHaveLength(1);
    expect((await comfy.supports()).jobs).toBe(false);
  });

  it('are listed from queue and history while /api/jobs breaks down, and from there again after', async () => {
    const { routes } = oldServer('0.30.0', { running: [a] });
    let broken = true;
    const { comfy } = await serve({
      ...routes,
      'GET /api/jobs': () =>
        broken
          ? { status: 500, text: '500 Internal Server Error' }
          : { jobs: [], pagination: { total: 0, has_more: false } },
    });
    expect((await comfy.jobs()).total).toBe(1);
    broken = false;
    expect((await comfy.jobs()).total).toBe(0);
  });

  it('refuse a question that makes no sense', async () => {
    const refused = { status: 400, text: '{"error":"limit must be a positive integer"}' };
    const { comfy } = await serve({ 'GET /api/jobs': () => refused });
    await expect(comfy.jobs({ limit: -1 })).rejects.toMatchObject({
      code: 'COMFY_REFUSED',
      message: expect.stringContaining('limit must be') as string,
    });
  });
});

it('knows after a submit whether prompt ids of the client are taken', async () => {
  const own: string[] = [];
  const { comfy } = await serve({
    'GET /system_stats': () => ({ system: { comfyui_version: 'v0.3.40' } }),
    'POST /prompt': ({ body }) => ({ prompt_id: own[0] ?? (JSON.parse(body) as { prompt_id: string }).prompt_id }),
  });
  const prompt = { graph, promptId: a, clientId: 'me' };
  expect((await comfy.supports()).promptIds).toBe(false);
  await comfy.submit(prompt);
  expect((await comfy.supports()).promptIds).toBe(true);
  own.push(b);
  await comfy.submit(prompt);
  expect((await comfy.supports()).promptIds).toBe(false);
});

it('submits what it is given, and never a number', async () => {
  const bodies: unknown[] = [];
  const { comfy } = await serve({ 'POST /prompt': ({ body }) => (bodies.push(JSON.parse(body)), { prompt_id: a }) });
  const extraData = { cull: { tenant: 't' } };
  await comfy.submit({ graph, promptId: a, clientId: 'me', extraData, front: true, outputs: ['1'] });
  const sent = { prompt: graph, prompt_id: a, client_id: 'me', extra_data: extraData, front: true };
  expect(bodies).toEqual([{ ...sent, partial_execution_targets: ['1'] }]);
});

it('has no features before 0.3.45', async () => {
  const { comfy } = await serve({});
  expect(await comfy.features()).toEqual({ maxUploadBytes: null, supportsPreviewMetadata: false, flags: {} });
});

it('reads node classes in both spellings, and whatever else is there', async () => {
  const { comfy } = await serve({
    'GET /object_info/(.*)': () => ({
      X: {
        input: {
          required: { old: [['a', 'b'], { default: 'a' }], new: ['COMBO', { options: ['c'] }], odd: null },
          optional: { image: ['IMAGE'], size: ['INT', { min: 1, max: 9, step: 2 }] },
        },
        output: ['IMAGE', ['a', 'b']],
        output_name: ['picture'],
      },
    }),
  });
  expect((await comfy.objectInfo('X'))?.inputs).toEqual({
    old: { required: true, type: 'COMBO', options: ['a', 'b'], default: 'a', more: {} },
    new: { required: true, type: 'COMBO', options: ['c'], more: {} },
    odd: { required: true, type: '*', more: {} },
    image: { required: false, type: 'IMAGE', more: {} },
    size: { required: false, type: 'INT', min: 1, max: 9, more: { step: 2 } },
  });
  expect((await comfy.objectInfo('X'))?.outputs).toEqual([
    { name: 'picture', type: 'IMAGE', isList: false },
    { name: 'COMBO', type: 'COMBO', isList: false },
  ]);
});

it('tells files of every list, and texts, from the outputs of a job', async () => {
  const file = { filename: 'a.mp4', subfolder: 's', type: 'output' };
  const { comfy } = await serve({
    'GET /api/jobs/([^/]+)': () => ({
      id: a,
      status: 'completed',
      outputs: {
        '7': { gifs: [{ ...file, format: 'video/h264-mp4' }], animated: [true], text: ['64', 5] },
        '8': { '3d': [{ filename: 'm.glb' }], result: ['x', null], audio: 'no list' },
        '9': null,
      },
    }),
  });
  expect(await comfy.job(a)).toMatchObject({
    files: [
      { ...file, node: '7', list: 'gifs' },
      { filename: 'm.glb', subfolder: '', type: 'output', node: '8', list: '3d' },
    ],
    texts: { '7': ['64'] },
    outputs: { '7': [], '8': [], '9': [] },
  });
});

it('compares versions by their numbers', () => {
  const ordered = ['0.0.0', '0.3.9', '0.3.57', '0.6.0', '0.26.0', '1.0.0'];
  for (const [i, one] of ordered.entries()) {
    for (const [j, other] of ordered.entries()) expect(isAtLeast(one, other)).toBe(i >= j);
  }
});

describe.each([
  ['an empty id', ''],
  ['a path', '../../x-123'],
  ['undefined', undefined as unknown as string],
])('%s', (_, id) => {
  it('is never sent', async () => {
    const { comfy, server } = await serve({});
    const calls = [
      () => comfy.cancel(id),
      () => comfy.cancelMany([a, id]),
      () => comfy.interrupt(id),
      () => comfy.dequeue([id]),
      () => comfy.deleteHistory([id]),
      () => comfy.job(id),
      () => comfy.historyEntry(id),
    ];
    for (const call of calls) await expect(call()).rejects.toMatchObject({ code: 'INTERNAL' });
    expect(server.asked).toEqual([]);
  });
});
