import { randomUUID } from 'node:crypto';
import { ApplicationFailure, Context } from '@temporalio/activity';
import { NativeConnection, Worker } from '@temporalio/worker';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { CloseAsk, PartRef } from '../../activities/batch.js';
import type { BatchArgs, BatchProgress, BatchResult } from '../../workflows/batch-contract.js';
import { BATCH_PROGRESS_QUERY } from '../../workflows/batch-contract.js';
import { ORCHESTRATE_QUEUE } from '../../workflows/contract.js';
import {
  answering,
  openBench,
  workflowBundle,
  type Activities,
  type WorkflowBench,
} from '../support/workflow-worker.js';
import { temporalAddress } from '../support/temporal-address.js';

let bench: WorkflowBench;
beforeAll(async () => {
  bench = await openBench(temporalAddress);
});
afterAll(() => bench.close());

/**
 * Activities of a batch whose parts have `lines` lines; every request has one candidate. What was recorded and closed is in the answer. A part is admitted
 * once `before` has resolved.
 */
function batchOf(lines: number, children: Partial<Activities> = {}, before = () => Promise.resolve()) {
  const recorded: (PartRef & { started: number })[] = [];
  const closed: CloseAsk[] = [];
  const name = randomUUID();
  const activities: Activities = {
    ...answering(),
    ...children,
    admitPart: async ({ tenant, part }) => {
      await before();
      return {
        invalid: 1,
        requests: Array.from({ length: lines }, (_, n) => ({
          args: { tenant, request: `${name}.${part}-${n}`, deliver: 1, candidates: 1 },
          summary: 'one',
        })),
      };
    },
    recordPart: (ask) => {
      recorded.push(ask);
      return Promise.resolve();
    },
    closeBatch: (ask) => {
      closed.push(ask);
      return Promise.resolve({ batch: ask.batch, state: ask.end, lines: 0, counts: ask.counts, totalMs: 0 });
    },
  };
  bench.use(activities);
  return { recorded, closed, activities };
}

const start = (args: Partial<BatchArgs>, taskQueue = ORCHESTRATE_QUEUE) =>
  bench.client.workflow.start('batchOfRequests', {
    workflowId: `batch-${randomUUID()}`,
    taskQueue,
    args: [{ tenant: 'test', batch: 'b1', parts: 1, window: 8, ...args }],
  });

type Handle = Awaited<ReturnType<typeof start>>;

/** Until the answer of `admitPart` is in the history. */
const untilAdmitted = (handle: Handle): Promise<void> =>
  vi.waitFor(
    async () => {
      const { events } = await handle.fetchHistory();
      expect(events?.some(({ activityTaskCompletedEventAttributes: answer }) => answer)).toBe(true);
    },
    { timeout: 30_000 },
  );

test('runs every request of every part, records each part once, and counts', async () => {
  const { recorded, closed } = batchOf(5);
  const handle = await start({ parts: 3 });
  const { state, counts } = (await handle.result()) as BatchResult;
  expect(state).toBe('done');
  expect(counts).toEqual({ invalid: 3, started: 15, delivered: 15, shortfall: 0, failed: 0, cancelled: 0, images: 15 });
  expect(recorded.map(({ part, started }) => [part, started]).sort()).toEqual([
    [0, 5],
    [1, 5],
    [2, 5],
  ]);
  expect(closed).toHaveLength(1);
});

test('has no more open than its window', async () => {
  let [open, most] = [0, 0];
  batchOf(12, {
    prepare: async () => {
      most = Math.max(most, ++open);
      await Promise.resolve();
      return { queue: 'gpu', again: false };
    },
    deliver: ({ launched }) => {
      open--;
      return Promise.resolve({ state: 'delivered', delivered: launched, wanted: 1 });
    },
  });
  await (await start({ window: 3 })).result();
  expect(most).toBeLessThanOrEqual(3);
  expect(most).toBeGreaterThan(1);
});

test('goes on when a request fails for good', async () => {
  batchOf(4, {
    deliver: ({ request }) => {
      if (request.endsWith('-1')) throw ApplicationFailure.nonRetryable('the disk is gone', 'STORAGE_MISSING');
      return Promise.resolve({ state: 'shortfall', delivered: 0, wanted: 1 });
    },
  });
  const { counts } = (await (await start({})).result()) as BatchResult;
  expect(counts).toMatchObject({ started: 4, shortfall: 3, failed: 1 });
});

test('cancelled: what is open is cancelled, the rest is not started, all is recorded', async () => {
  let drawing = (): void => undefined;
  const isDrawing = new Promise<void>((resolve) => (drawing = resolve));
  const { recorded, closed } = batchOf(6, {
    generate: async () => {
      const context = Context.current();
      const timer = setInterval(() => context.heartbeat(), 100);
      drawing();
      return context.cancelled.finally(() => clearInterval(timer));
    },
  });
  const handle = await start({ parts: 2, window: 2 });
  await isDrawing;
  expect(await handle.query<BatchProgress>(BATCH_PROGRESS_QUERY)).toMatchObject({ state: 'running', open: 2 });
  await handle.cancel();
  const { state, counts } = (await handle.result()) as BatchResult;
  expect(state).toBe('cancelled');
  expect(counts).toMatchObject({ started: 2, cancelled: 2, delivered: 0 });
  expect(recorded).toMatchObject([{ part: 0, started: 2 }]);
  expect(closed).toMatchObject([{ end: 'cancelled', parts: 2 }]);
});

test('cancelled in the moment in which a part is admitted: none of its lines begins', async () => {
  // on a queue of its own, where nobody runs workflows while both happen: who comes then hears of them at once
  const taskQueue = `batch-${randomUUID()}`;
  const connection = await NativeConnection.connect({ address: temporalAddress });
  const workflows = { connection, taskQueue, workflowBundle: await workflowBundle() };
  const first = await Worker.create(workflows);
  const running = first.run();
  let begin = (_: Handle): void => undefined;
  const begun = new Promise<Handle>((resolve) => (begin = resolve));
  const { recorded, closed, activities } = batchOf(2, {}, async () => {
    const handle = await begun;
    first.shutdown();
    await running;
    await handle.cancel();
  });
  const acting = await Worker.create({ connection, taskQueue, activities });
  const result = await acting.runUntil(async () => {
    const handle = await start({}, taskQueue);
    begin(handle);
    await untilAdmitted(handle);
    const second = await Worker.create(workflows);
    return second.runUntil(handle.result() as Promise<BatchResult>);
  });
  await connection.close();
  expect(result).toMatchObject({ state: 'cancelled', counts: { started: 0, cancelled: 0, failed: 0 } });
  expect(recorded).toMatchObject([{ part: 0, started: 0 }]);
  expect(closed).toMatchObject([{ end: 'cancelled' }]);
});

test(
  'continues as new between parts: no history grows past 4,000 events, and no request runs twice',
  { timeout: 600_000 },
  async () => {
    const drawn = new Map<string, number>();
    batchOf(100, {
      generate: ({ request, candidate }) => {
        drawn.set(request, (drawn.get(request) ?? 0) + 1);
        return Promise.resolve({ image: `${candidate}.png` });
      },
    });
    const handle = await start({ parts: 9, window: 32 });
    const { counts } = (await handle.result()) as BatchResult;
    expect(counts).toMatchObject({ started: 900, delivered: 900, invalid: 9 });
    expect(drawn.size).toBe(900);
    expect(Math.max(...drawn.values())).toBe(1);
    const lengths: number[] = [];
    for (let runId: string | undefined = handle.firstExecutionRunId; runId;) {
      const { events } = await bench.client.workflow.getHandle(handle.workflowId, runId).fetchHistory();
      lengths.push(events?.length ?? 0);
      runId = events?.at(-1)?.workflowExecutionContinuedAsNewEventAttributes?.newExecutionRunId ?? undefined;
    }
    expect(lengths.length).toBeGreaterThan(1);
    expect(Math.max(...lengths)).toBeLessThan(4_000);
  },
);
