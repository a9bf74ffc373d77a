import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import v8 from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocketServer, type WebSocket } from 'ws';
import { CullError } from '../../../errors.js';
import { ComfyClient, ComfyEvents, createComfyProvider } from '../../../providers/comfyui/index.js';
import { plainPreview, preview, textFrame, u32 } from './frame-bytes.js';
import { createMutator, type Mutator } from './mutate.js';
import { recordedHistories, recordedJobs, recordedMessages, recordedQueues, recordedSubmits } from './recorded.js';
import { address, jobFor } from './support.js';

/**
 * 10,000 answers and frames of real ComfyUIs, each damaged: nothing may crash, hang, leak or reject where nobody listens, and
 * everything ends in a value of the declared kind or in an error for people. `CULL_FUZZ_SEED` plays a run again.
 */

const FRAMES = 5_500;
const ANSWERS = 4_500;
const RUNS = 100;
const GROWTH_BYTES = 3 * 1024 * 1024;

const seed = Number(process.env.CULL_FUZZ_SEED ?? randomInt(2 ** 31));
const ID = '7fef5984-faef-4e5e-ad10-48a399e9b479';
const STATES = ['pending', 'running', 'succeeded', 'failed', 'cancelled', 'unknown'];
const STATUSES = [...Array<number>(14).fill(200), 400, 404, 405, 413, 500, 502, 503];
const TYPES = [
  ...['status', 'execution_start', 'execution_cached', 'progress_state', 'executing', 'progress', 'executed'],
  ...['execution_success', 'execution_error', 'execution_interrupted', 'feature_flags', 'logs', 'assets', 'unknown'],
  ...['preview', 'unencoded_preview', 'text', 'connected'],
];

const rejections: unknown[] = [];
const onRejection = (reason: unknown): void => void rejections.push(reason);
let mutator: Mutator;
let server: Server;
let url: string;
let answered = 0;
const sockets: WebSocket[] = [];

/** What a real ComfyUI would have answered there. */
function honest(path: string): unknown {
  const { pick } = mutator;
  if (path.startsWith('/api/jobs/')) return { ...pick(recordedJobs), id: ID };
  if (path.startsWith('/api/jobs')) return { jobs: [pick(recordedJobs)], pagination: { total: 1, has_more: false } };
  if (path.startsWith('/history')) return { [ID]: pick(recordedHistories) };
  if (path.startsWith('/queue')) return pick(recordedQueues);
  if (path.startsWith('/prompt')) return pick([{ exec_info: { queue_remaining: 1 } }, pick(recordedSubmits)]);
  if (path.startsWith('/object_info')) {
    return { KSampler: { input: { required: { steps: ['INT', { min: 1 }], name: [['a', 'b'], {}] } }, category: 'x' } };
  }
  return { system: { comfyui_version: '0.30.0', ram_total: 1 }, devices: [{ name: 'cpu', vram_total: 1 }] };
}

const collect = (() => {
  v8.setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
})();
function heap(): number {
  collect();
  collect();
  return process.memoryUsage().heapUsed;
}

beforeAll(async () => {
  console.log(`CULL_FUZZ_SEED=${seed}`);
  mutator = createMutator(seed);
  process.on('unhandledRejection', onRejection);
  server = createServer((request, response) => {
    answered++;
    request.resume();
    const { status, text } = { status: mutator.pick(STATUSES), text: mutator.json(honest(request.url ?? '')) };
    response.writeHead(status, { 'content-type': mutator.pick(['application/json', 'text/plain']) }).end(text);
  });
  const events = new WebSocketServer({ server });
  events.on('connection', (socket) => {
    sockets.push(socket);
    socket.send('{"type":"status","data":{"status":{"exec_info":{"queue_remaining":0}}}}');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
});
afterAll(async () => {
  process.off('unhandledRejection', onRejection);
  for (const socket of sockets) socket.terminate();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

/** Does the work twice, and compares the heap after the second half with that after the first. */
async function flat(half: () => Promise<void>): Promise<void> {
  await half();
  const before = heap();
  await half();
  expect(heap() - before).toBeLessThan(GROWTH_BYTES);
}

describe(`damaged (seed ${seed})`, () => {
  it('messages and frames leave the connection and its listeners whole', async () => {
    const events = new ComfyEvents({ address: { base: url, headers: {} } });
    await events.ready();
    const { clientId } = events;
    const socket = sockets.at(-1)!;
    let heard = 0;
    events.listen(ID, () => heard++);
    const about = { prompt_id: ID, node_id: '3', display_node_id: '3', parent_node_id: null, image_type: 'image/png' };
    const image = Buffer.alloc(64, 5);
    const frames = [plainPreview(1, image), Buffer.concat([u32(2), image]), textFrame('3', 'x'), preview(about, image)];
    const idle = events.subscribe();
    const types = new Set<string>();
    let rounds = 0;
    await flat(async () => {
      const end = `round ${++rounds}`;
      const news = events.subscribe();
      for (let i = 0; i < FRAMES / 2; i++) {
        if (i % 3 === 0) socket.send(mutator.bytes(mutator.pick(frames)));
        else {
          const message = mutator.pick(recordedMessages);
          socket.send(mutator.json({ ...message, data: { ...message.data, prompt_id: ID } }));
        }
      }
      socket.send(JSON.stringify({ type: end, data: null }));
      for await (const event of news) {
        types.add(event.type);
        if (event.type === 'unknown' && event.name === end) break;
      }
    });
    expect([...types].filter((type) => !TYPES.includes(type))).toEqual([]);
    expect(types.size).toBeGreaterThan(10);
    expect(heard).toBeGreaterThan(100);
    expect(events.hears(clientId)).toBe(true);
    await idle.return?.();
    events.close();
  });

  it('answers end in a value or in an error for people', async () => {
    const client = new ComfyClient({ url });
    const odd: unknown[] = [];
    const outcomes = { value: 0, error: 0 };
    const calls: (() => Promise<unknown>)[] = [
      async () => {
        const job = await client.job(ID);
        if (!STATES.includes(job.state) || Object.values(job.outputs).some((list) => !Array.isArray(list)))
          odd.push(job);
        for (const { filename } of Object.values(job.outputs).flat()) if (typeof filename !== 'string') odd.push(job);
        for (const time of Object.values(job.timing)) if (typeof time !== 'number') odd.push(job);
      },
      async () => {
        const { running, pending } = await client.queue();
        if ([...running, ...pending].some(({ promptId }) => typeof promptId !== 'string')) odd.push(running, pending);
      },
      async () => {
        const depth = await client.queueDepth();
        if (typeof depth !== 'number') odd.push(depth);
      },
      () => client.submit({ graph: {}, promptId: ID, clientId: 'x' }),
      () => client.history({ maxItems: 1 }),
      () => client.historyEntry(ID),
      () => client.jobs({ status: ['running'] }),
      () => client.cancel(ID),
      () => client.objectInfo('KSampler'),
      () => client.objectInfo(),
      () => client.systemStats(),
      () => client.features(),
      () => client.version(),
    ];
    await flat(async () => {
      const until = answered + ANSWERS / 2;
      const one = async (): Promise<void> => {
        while (answered < until) {
          try {
            await mutator.pick(calls)();
            outcomes.value++;
          } catch (error) {
            outcomes.error++;
            if (!(error instanceof CullError)) odd.push(error);
          }
        }
      };
      await Promise.all(Array.from({ length: 8 }, one));
    });
    expect(odd).toEqual([]);
    expect(Math.min(outcomes.value, outcomes.error)).toBeGreaterThan(ANSWERS / 40);
  });

  it('answers end a run', async () => {
    const limits = { noProgressMs: 500, loaderMs: 500, executionMs: 1_000, queueStallMs: 500, workerDeadMs: 500 };
    const provider = createComfyProvider({
      host: address(url),
      timeouts: { giveUpMs: 300, refusedMs: 300, pollMs: 20, ...limits },
    });
    const job = await jobFor('noise');
    const ends = await Promise.allSettled(
      Array.from({ length: RUNS }, (_, candidate) =>
        provider.generate(
          { ...job, candidate },
          {
            signal: new AbortController().signal,
            onSubmitted: () => Promise.resolve(),
            onProgress: () => undefined,
          },
        ),
      ),
    );
    const reasons = ends.map((end) => (end.status === 'rejected' ? (end.reason as unknown) : end.value));
    // Nothing here is a picture, so none can be delivered.
    expect(reasons.filter((reason) => !(reason instanceof CullError))).toEqual([]);
    expect(reasons.filter((reason) => reason instanceof CullError && reason.code === 'INTERNAL')).toEqual([]);
    await provider.close();
  });

  it('were ten thousand, and no rejection went unhandled', () => {
    expect(FRAMES + answered).toBeGreaterThanOrEqual(10_000);
    expect(rejections).toEqual([]);
  });
});
