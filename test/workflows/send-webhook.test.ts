/** From the end of a request to the receiver, on a real Temporal server: the message outlives the workflow that it tells of. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { tellOfBatch, tellOfRequest } from '../../activities/news.js';
import { createWebhookActivities } from '../../activities/webhooks.js';
import { replayWebhook, webhookLog } from '../../client/webhook-log.js';
import { addWebhook } from '../../client/webhooks.js';
import { allowedOf } from '../../outside/addresses.js';
import { openStorage, type Storage } from '../../storage/index.js';
import type { BatchResult } from '../../workflows/batch-contract.js';
import { ORCHESTRATE_QUEUE, type ResultDoc } from '../../workflows/contract.js';
import { webhookWorkflowId, type WebhookLogDoc, type WebhookOutcome } from '../../workflows/webhook-contract.js';
import { openReceiver, verified, type Receiver } from '../support/receiver.js';
import { answering, openBench, type Activities, type WorkflowBench } from '../support/workflow-worker.js';
import { temporalAddress } from '../support/temporal-address.js';

const LOCAL = allowedOf(['127.0.0.1']);
let bench: WorkflowBench;
let folder: string;
let storage: Storage;
let tenant: string;
let receiver: Receiver | undefined;
let tests = 0;
beforeAll(async () => {
  bench = await openBench(temporalAddress);
  folder = await mkdtemp(join(tmpdir(), 'cull-webhooks-'));
  storage = openStorage(folder);
});
afterAll(async () => {
  await bench.close();
  await rm(folder, { recursive: true, force: true });
});
beforeEach(() => {
  tenant = `test-${tests++}`;
});
afterEach(() => receiver?.close());

/** Activities whose requests end as real ones do, as far as webhooks go. */
function telling(delaysMs: number[]): Activities {
  return {
    ...answering(),
    ...createWebhookActivities({ storage, allowed: LOCAL, delaysMs }),
    async deliver({ end, request }) {
      const state = end === 'done' ? 'delivered' : end;
      const picture = { candidate: 1, seed: 7, rank: 1, quality: 80, key: 'k', url: 'https://pictures.test/k' };
      const result: ResultDoc = {
        request,
        release: 'sha256:0',
        state,
        wanted: 1,
        delivered: state === 'delivered' ? [picture] : [],
        shortfall: null,
        counts: { drawn: 1, scored: 1, passed: 1, rejected: 0, lost: 0, cancelled: 0 },
        cost: null,
        timing: { firstPassMs: 1, totalMs: 2 },
        error: null,
      };
      const news = await tellOfRequest(storage, { tenant, template: 'product' }, result);
      return { state, delivered: result.delivered.length, wanted: 1, ...(news && { news }) };
    },
    admitPart: () =>
      Promise.resolve({
        invalid: 0,
        requests: [{ args: { tenant, request: `${tenant}-r`, deliver: 1, candidates: 1 }, summary: 'one' }],
      }),
    recordPart: () => Promise.resolve(),
    async closeBatch({ batch, end, counts }) {
      const result: BatchResult = { batch, state: end, lines: 1, counts, totalMs: 1 };
      const news = await tellOfBatch(storage, tenant, result);
      return { ...result, ...(news && { news }) };
    },
  };
}

const listen = async (answer: Parameters<typeof openReceiver>[0]): Promise<Receiver> =>
  (receiver = await openReceiver(answer));
const add = (url: string, events?: string[]) =>
  addWebhook({ storage, tenant }, { url, allowed: LOCAL, ...(events && { events }) });
const outcomeOf = (message: string, endpoint: string): Promise<WebhookOutcome> =>
  bench.client.workflow.getHandle(webhookWorkflowId({ tenant, message, endpoint })).result() as Promise<WebhookOutcome>;
async function logs(): Promise<WebhookLogDoc[]> {
  const all: WebhookLogDoc[] = [];
  for await (const doc of webhookLog({ storage, tenant })) all.push(doc);
  return all;
}

test('a receiver that fails twice gets one message three times, after its request has ended', async () => {
  let end = (): void => undefined;
  const hasEnded = new Promise<void>((resolve) => (end = resolve));
  const { received, url } = await listen(async (n) => {
    if (n === 1) await hasEnded;
    return n < 3 ? 503 : 204;
  });
  bench.use(telling([1, 1, 1]));
  const { secret, endpoint } = await add(url);
  const handle = await bench.start({ tenant, candidates: 1, deliver: 1 });
  expect(await handle.result()).toEqual({ state: 'delivered', delivered: 1, wanted: 1 });
  end();
  const [log] = await logs();
  expect(await outcomeOf(log!.message, endpoint.id)).toEqual({ state: 'delivered', tries: 3 });
  expect(received.map(({ id }) => id)).toEqual([log!.message, log!.message, log!.message]);
  for (const one of received)
    expect(verified(secret, one)).toMatchObject({
      type: 'request.delivered',
      data: { request: 'r1', tenant, delivered: [{ candidate: 1, url: 'https://pictures.test/k' }], omitted: 0 },
    });
  expect(await logs()).toMatchObject([
    { state: 'delivered', attempts: [{ status: 503 }, { status: 503 }, { status: 204 }] },
  ]);
});

test('a receiver that is gone for a day is given up; sent again, it gets the same message', async () => {
  let isBack = false;
  const { received, url } = await listen(() => (isBack ? 200 : 500));
  bench.use(telling([1]));
  const { endpoint } = await add(url);
  await (await bench.start({ tenant, candidates: 1, deliver: 1 })).result();
  const [log] = await logs();
  expect(await outcomeOf(log!.message, endpoint.id)).toEqual({ state: 'failed', tries: 2 });
  isBack = true;
  const store = { temporal: bench.client, storage, tenant };
  expect(await replayWebhook(store, log!.message)).toEqual([{ endpoint: endpoint.id, isStarted: true }]);
  expect(await outcomeOf(log!.message, endpoint.id)).toEqual({ state: 'delivered', tries: 3 });
  expect(new Set(received.map(({ id, text }) => id + text)).size).toBe(1);
  await expect(replayWebhook(store, `msg_20260101_${'0'.repeat(24)}`)).rejects.toMatchObject({
    code: 'WEBHOOK_NOT_FOUND',
  });
  await expect(replayWebhook({ ...store, tenant: 'other' }, log!.message)).rejects.toMatchObject({
    code: 'WEBHOOK_NOT_FOUND',
  });
});

test('one that is being tried is not sent twice at once', async () => {
  let answer = (_status: number): void => undefined;
  const answered = new Promise<number>((resolve) => (answer = resolve));
  const { received, url, nth } = await listen(() => answered);
  bench.use(telling([]));
  const { endpoint } = await add(url);
  await (await bench.start({ tenant, candidates: 1, deliver: 1 })).result();
  const { id } = await nth(1);
  const store = { temporal: bench.client, storage, tenant };
  expect(await replayWebhook(store, id)).toEqual([{ endpoint: endpoint.id, isStarted: false }]);
  answer(200);
  expect(await outcomeOf(id, endpoint.id)).toEqual({ state: 'delivered', tries: 1 });
  expect(received).toHaveLength(1);
});

test('every endpoint gets what it asked for: of a request that was cancelled, and of a batch', async () => {
  const { received, url, nth } = await listen(() => 200);
  bench.use(telling([]));
  const cancelled = await add(url, ['request.cancelled']);
  await add(url, ['batch.done']);
  const batch = await bench.client.workflow.start('batchOfRequests', {
    workflowId: `batch-${tenant}`,
    taskQueue: ORCHESTRATE_QUEUE,
    args: [{ tenant, batch: 'b1', parts: 1, window: 1 }],
  });
  expect(await batch.result()).toMatchObject({ batch: 'b1', state: 'done' });
  await nth(1);
  let prepared = (): void => undefined;
  const preparing = new Promise<void>((resolve) => (prepared = resolve));
  bench.use({ ...telling([]), prepare: () => preparing.then(() => ({ queue: '', again: false })) });
  const handle = await bench.start({ tenant });
  await handle.cancel();
  expect(await handle.result()).toMatchObject({ state: 'cancelled' });
  prepared();
  const second = await nth(2);
  expect(received.map(({ payload }) => payload.type)).toEqual(['batch.done', 'request.cancelled']);
  expect(await outcomeOf(second.id, cancelled.endpoint.id)).toMatchObject({ state: 'delivered' });
});
