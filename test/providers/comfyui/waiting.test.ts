import sharp from 'sharp';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createComfyProvider, type ComfyTimeouts } from '../../../providers/comfyui/index.js';
import type { GenerationJob } from '../../../providers/provider.js';
import { address, jobFor, startFake, watch, type Fake } from './support.js';

/** What a run does when its prompt does not get on. The limits are small here; `watch.test.ts` has the real ones. */

let png: Buffer;
const cleanUp: (() => unknown)[] = [];
beforeAll(async () => {
  png = await sharp({ create: { width: 8, height: 8, channels: 3, background: 'grey' } })
    .png()
    .toBuffer();
});
afterEach(async () => {
  for (const one of cleanUp.splice(0).reverse()) await one();
});

const LONG = {
  noProgressMs: 60_000,
  loaderMs: 60_000,
  executionMs: 60_000,
  queueStallMs: 60_000,
  workerDeadMs: 60_000,
};

interface World {
  /** Where the prompt is after so many polls; told by the test. */
  state(polls: number, asked: string[]): 'pending' | 'in_progress' | 'completed' | 'hang';
  /** What is said over the websocket when the prompt is submitted. */
  say?: (promptId: string) => object[];
  /** The same at every poll. */
  sayOnPoll?: (promptId: string) => object[];
  /** Ids that run, at the n-th look. */
  running?: (looks: number) => string[];
  /** Whether a cancelled prompt ends. */
  obeys?: boolean;
  categories?: Record<string, string>;
  noWebsocket?: boolean;
}

async function draw(world: World, limits: ComfyTimeouts, over: Partial<GenerationJob> = {}) {
  let id = '';
  let polls = 0;
  let looks = 0;
  let cancelled = false;
  const made: { fake?: Fake } = {};
  const say = (messages: object[] = []): void => {
    for (const socket of made.fake?.sockets ?? []) for (const one of messages) socket.send(JSON.stringify(one));
  };
  const notFound = { status: 404, text: '{"error":"Job not found"}' };
  const images = [{ filename: 'a.png', subfolder: '', type: 'output' }];
  const job = await jobFor('noise');
  const outputs = Object.fromEntries(job.output.map((node) => [node, { images }]));
  const fake = await startFake({
    'POST /prompt': ({ body }) => {
      id = (JSON.parse(body) as { prompt_id: string }).prompt_id;
      say(world.say?.(id));
      return { prompt_id: id, number: 1, node_errors: {} };
    },
    'GET /api/jobs/([^/]+)': () => {
      if (id === '') return notFound;
      if (cancelled && world.obeys !== false) return { status: 'cancelled' };
      const status = world.state(++polls, fake.asked);
      if (status === 'hang') return 'hang';
      say(world.sayOnPoll?.(id));
      return status === 'completed' ? { status, outputs } : { status };
    },
    'GET /queue': () => ({
      queue_running: (world.running?.(++looks) ?? []).map((one) => [1, one, {}, {}, []]),
      queue_pending: [[2, id, {}, {}, []]],
    }),
    'GET /object_info/(.*)': ({ params: [name = ''] }) => ({
      [name]: { input: {}, category: world.categories?.[name] ?? 'image' },
    }),
    'POST /api/jobs/([^/]+)/cancel': ({ params }) => {
      cancelled ||= params[0] === id;
      return { cancelled };
    },
    'GET /view': () => png,
  });
  made.fake = fake;
  if (world.noWebsocket) fake.refuseSockets();
  cleanUp.push(() => fake.close());
  const provider = createComfyProvider({
    host: address(fake.url),
    timeouts: { giveUpMs: 5_000, refusedMs: 500, ...LONG, pollMs: 20, ...limits },
  });
  cleanUp.push(() => provider.close());
  return {
    fake,
    job: { ...job, ...over },
    run: watch(provider, { ...job, ...over }),
    cancels: () => fake.asked.filter((line) => line.endsWith('/cancel')).length,
    id: () => id,
  };
}

const message = (type: string, data: object) => ({ type, data });
const started = (id: string) => [
  message('execution_start', { prompt_id: id }),
  message('execution_cached', { prompt_id: id, nodes: [] }),
];
const begins = (node: string) => (id: string) => [
  ...started(id),
  message('executing', { prompt_id: id, node, display_node: node }),
];
const tick = (node: string) => (id: string) => [message('progress', { prompt_id: id, node, value: 1, max: 9 })];

/** The noise graph with another class at one node. */
async function graphWith(node: string, className: string): Promise<Partial<GenerationJob>> {
  const { graph } = await jobFor('noise');
  return { graph: { ...graph, [node]: { ...graph[node]!, class_type: className } } };
}

describe('a prompt that runs', () => {
  it('in a node without progress is cancelled; the error says which limit, in which node, and what to do', async () => {
    const { run, cancels, id } = await draw(
      { state: () => 'in_progress', say: begins('2') },
      { noProgressMs: 150 },
      await graphWith('2', 'KSampler'),
    );
    await expect(run.result).rejects.toMatchObject({
      code: 'COMFY_STALLED',
      message: expect.stringMatching(/no progress for 0\.15 s in node 2 .*KSampler.*noProgressMs/) as string,
      hint: expect.stringContaining('raise noProgressMs') as string,
      details: {
        promptId: expect.any(String) as string,
        limit: 'noProgressMs',
        limitMs: 150,
        state: 'running',
        node: '2',
        cancelled: true,
      },
    });
    expect(run.handles).toEqual([expect.objectContaining({ promptId: id() })]);
    expect(cancels()).toBe(1);
  });

  it('in a node that does not even react to that is taken for a dead worker', async () => {
    const { run } = await draw(
      { state: () => 'in_progress', say: begins('2'), obeys: false },
      { noProgressMs: 150 },
      await graphWith('2', 'KSampler'),
    );
    await expect(run.result).rejects.toMatchObject({
      code: 'COMFY_WORKER_DEAD',
      details: { limit: 'noProgressMs', node: '2', cancelled: false },
    });
  });

  it('and of which no node begins is one, too', async () => {
    const { run } = await draw({ state: () => 'in_progress', say: started }, { workerDeadMs: 150 });
    await expect(run.result).rejects.toMatchObject({
      code: 'COMFY_WORKER_DEAD',
      hint: expect.stringContaining('restart') as string,
      details: { limit: 'workerDeadMs', state: 'running', node: null },
    });
  });

  it('in a loader may be silent for longer', async () => {
    const { run, fake } = await draw(
      { state: () => 'in_progress', say: begins('1') },
      { noProgressMs: 50, loaderMs: 400 },
      await graphWith('1', 'CheckpointLoaderSimple'),
    );
    await expect(run.result).rejects.toMatchObject({
      code: 'COMFY_STALLED',
      details: { limit: 'loaderMs', node: '1' },
    });
    expect(fake.asked.some((line) => line.includes('/object_info'))).toBe(false);
  });

  it('in a loader that only its category tells may, too; ComfyUI is asked once', async () => {
    const { run, fake } = await draw(
      { state: () => 'in_progress', say: begins('1'), categories: { FetchWeights: 'pack/loaders' } },
      { noProgressMs: 50, loaderMs: 400 },
      await graphWith('1', 'FetchWeights'),
    );
    await expect(run.result).rejects.toMatchObject({ details: { limit: 'loaderMs' } });
    expect(fake.asked.filter((line) => line.includes('/object_info')).length).toBe(1);
  });

  it('with progress is left alone until the whole of it takes too long', async () => {
    const { run } = await draw(
      { state: () => 'in_progress', say: begins('2'), sayOnPoll: tick('2') },
      { noProgressMs: 300, executionMs: 900 },
      await graphWith('2', 'KSampler'),
    );
    await expect(run.result).rejects.toMatchObject({ code: 'COMFY_STALLED', details: { limit: 'executionMs' } });
    expect(run.progress).toContainEqual({ node: '2', step: 1, of: 9 });
  });

  it('is delivered when it ends just before it is cancelled', async () => {
    const { run } = await draw(
      {
        state: (_, asked) => (asked.some((line) => line.endsWith('/cancel')) ? 'completed' : 'in_progress'),
        say: begins('2'),
        obeys: false,
      },
      { noProgressMs: 150 },
      await graphWith('2', 'KSampler'),
    );
    expect(await run.result).toMatchObject({ width: 8 });
  });

  it('where no websocket is to be had is never held silent', async () => {
    const polls = 60;
    const { run, cancels } = await draw(
      { state: (n) => (n < polls ? 'in_progress' : 'completed'), noWebsocket: true },
      { noProgressMs: 50, workerDeadMs: 50, loaderMs: 50 },
    );
    expect(await run.result).toMatchObject({ width: 8 });
    expect(cancels()).toBe(0);
  });
});

describe('a prompt that waits', () => {
  it('while none runs tells of a dead worker', async () => {
    const { run, cancels } = await draw({ state: () => 'pending' }, { workerDeadMs: 200 });
    await expect(run.result).rejects.toMatchObject({
      code: 'COMFY_WORKER_DEAD',
      message: expect.stringContaining('while none runs') as string,
      details: { limit: 'workerDeadMs', state: 'pending' },
    });
    expect(cancels()).toBe(1);
  });

  it('behind one that stays is given up in the end', async () => {
    const { run } = await draw({ state: () => 'pending', running: () => ['x'] }, { queueStallMs: 200 });
    await expect(run.result).rejects.toMatchObject({ code: 'COMFY_STALLED', details: { limit: 'queueStallMs' } });
  });

  it('while others move goes on waiting', async () => {
    let looks = 0;
    const { run } = await draw(
      { state: () => (looks < 12 ? 'pending' : 'completed'), running: (n) => [`other-${(looks = n)}`] },
      { queueStallMs: 400, workerDeadMs: 400 },
    );
    expect(await run.result).toMatchObject({ width: 8 });
  });
});
