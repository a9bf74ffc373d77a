import { ApplicationFailure, Context } from '@temporalio/activity';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { DeliverAsk } from '../../activities/deliver.js';
import type { ScoreAnswer } from '../../activities/score.js';
import type { BestOfNArgs, BestOfNResult, RequestProgress } from '../../workflows/contract.js';
import { PROGRESS_QUERY } from '../../workflows/contract.js';
import { answering, openBench, type Activities, type WorkflowBench } from '../support/workflow-worker.js';
import { temporalAddress } from '../support/temporal-address.js';

let bench: WorkflowBench;
beforeAll(async () => {
  bench = await openBench(temporalAddress);
});
afterAll(() => bench.close());
beforeEach(() => bench.use(answering()));

const fail = (type: string, options: { nonRetryable?: boolean; details?: unknown[] } = {}) =>
  ApplicationFailure.create({ type, message: `${type} happened`, nonRetryable: true, ...options });

/** Resolves with what `deliver` was asked. */
function captureDeliver(activities = answering()) {
  const asked: DeliverAsk[] = [];
  const lost: number[] = [];
  return {
    asked,
    lost,
    activities: {
      ...activities,
      lose: (ref: { candidate: number }) => {
        lost.push(ref.candidate);
        return Promise.resolve({});
      },
      deliver: (ask: DeliverAsk) => {
        asked.push(ask);
        return activities.deliver(ask);
      },
    },
  };
}

describe('bestOfN', () => {
  test('draws and scores every candidate once, then delivers', async () => {
    const drawn: number[] = [];
    const { activities, asked } = captureDeliver();
    bench.use({
      ...activities,
      generate: ({ candidate }) => {
        drawn.push(candidate);
        return Promise.resolve({ image: `${candidate}.png` });
      },
    });
    const handle = await bench.start({ candidates: 100 });
    await expect(handle.result()).resolves.toEqual({ state: 'delivered', delivered: 100, wanted: 1 });
    expect(drawn.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, i) => i));
    expect(asked).toMatchObject([{ end: 'done', launched: 100, error: null }]);
  });

  test('counts what passed, was rejected and by which gate; the query tells it after the end, too', async () => {
    bench.use(answering((candidate) => candidate % 3 === 0));
    const handle = await bench.start({ candidates: 30 });
    await handle.result();
    const { phase, state } = await handle.query<RequestProgress>(PROGRESS_QUERY);
    expect(phase).toBe('ended');
    expect(state).toMatchObject({ launched: 30, drawn: 30, scored: 30, passed: 10, rejected: 20, lost: 0 });
    expect(state.gates).toEqual({ 'sharpness.tileP90': 20 });
    expect(state.firstPassAt).toBeGreaterThanOrEqual(state.startedAt);
  });

  test('a candidate whose retries are used up is lost, the request goes on', async () => {
    const { activities, asked, lost } = captureDeliver();
    bench.use({
      ...activities,
      generate: ({ candidate }) =>
        candidate === 2 ? Promise.reject(fail('COMFY_NODE_FAILED')) : Promise.resolve({ image: 'i' }),
      score: ({ candidate }) =>
        candidate === 4 ? Promise.reject(fail('INTERNAL')) : Promise.resolve({ pass: true, failed: [] }),
    });
    const handle = await bench.start({ candidates: 8 });
    await expect(handle.result()).resolves.toMatchObject({ state: 'delivered' });
    expect(lost.toSorted()).toEqual([2, 4]);
    expect(asked).toMatchObject([{ end: 'done', launched: 8 }]);
    const { state } = await handle.query<RequestProgress>(PROGRESS_QUERY);
    expect(state).toMatchObject({ drawn: 7, scored: 6, lost: 2 });
  });

  test('a graph that ComfyUI refuses fails the request at once, with the node errors', async () => {
    const { activities, asked, lost } = captureDeliver();
    const nodeErrors = [{ node: '4', title: 'Load Checkpoint', message: 'Value not in list' }];
    bench.use({
      ...activities,
      generate: () => Promise.reject(fail('COMFY_INVALID_GRAPH', { details: [nodeErrors] })),
    });
    const handle = await bench.start({ candidates: 500 });
    await expect(handle.result()).resolves.toMatchObject({ state: 'failed' });
    expect(asked[0]).toMatchObject({ end: 'failed', error: { code: 'COMFY_INVALID_GRAPH', details: nodeErrors } });
    // At most one window was started, not all five hundred.
    expect(asked[0]?.launched).toBeLessThanOrEqual(64);
    expect(lost).toEqual([]);
  });

  test('scorers of another version than the release pins fail the request, and no candidate is judged', async () => {
    const { activities, asked, lost } = captureDeliver();
    bench.use({ ...activities, score: () => Promise.reject(fail('SCORER_VERSION')) });
    const handle = await bench.start({ candidates: 8 });
    await expect(handle.result()).resolves.toMatchObject({ state: 'failed' });
    expect(asked[0]).toMatchObject({ end: 'failed', error: { code: 'SCORER_VERSION' } });
    expect(lost).toEqual([]);
    const { state } = await handle.query<RequestProgress>(PROGRESS_QUERY);
    expect(state).toMatchObject({ scored: 0, passed: 0, rejected: 0 });
  });

  test('a request that cannot be prepared fails without drawing', async () => {
    const { activities, asked } = captureDeliver();
    bench.use({ ...activities, prepare: () => Promise.reject(fail('NODE_NOT_ALLOWED')) });
    const handle = await bench.start();
    await expect(handle.result()).resolves.toMatchObject({ state: 'failed' });
    expect(asked[0]).toMatchObject({ end: 'failed', launched: 0, error: { code: 'NODE_NOT_ALLOWED' } });
  });

  test('cancelling reaches what is being drawn, keeps what was drawn and delivers the record', async () => {
    let begin = (): void => undefined;
    const started = new Promise<void>((resolve) => (begin = resolve));
    const cancelled: number[] = [];
    const { activities, asked } = captureDeliver();
    bench.use({
      ...activities,
      generate: async ({ candidate }) => {
        if (candidate === 0) return { image: '0.png' };
        const context = Context.current();
        const timer = setInterval(() => context.heartbeat(), 100);
        begin();
        try {
          return await context.cancelled;
        } finally {
          cancelled.push(candidate);
          clearInterval(timer);
        }
      },
    });
    const handle = await bench.start({ candidates: 5 });
    await started;
    await handle.cancel();
    const result = (await handle.result()) as BestOfNResult;
    expect(result.state).toBe('cancelled');
    expect(asked[0]).toMatchObject({ end: 'cancelled', launched: 5 });
    expect(cancelled.toSorted()).toEqual([1, 2, 3, 4]);
  });

  test('2,000 candidates: no history passes 4,000 events, no candidate is started twice', async () => {
    const drawn = new Map<number, number>();
    const { activities, asked } = captureDeliver();
    bench.use({
      ...activities,
      generate: ({ candidate }) => {
        drawn.set(candidate, (drawn.get(candidate) ?? 0) + 1);
        return Promise.resolve({ image: 'i' });
      },
    });
    const handle = await bench.start({ candidates: 2_000 });
    await expect(handle.result()).resolves.toMatchObject({ state: 'delivered', delivered: 2_000 });
    expect(drawn.size).toBe(2_000);
    expect(asked).toHaveLength(1);
    const runs = bench.client.workflow.list({ query: `WorkflowId = "${handle.workflowId}"` });
    const lengths: number[] = [];
    for await (const run of runs) {
      const history = await bench.client.workflow.getHandle(handle.workflowId, run.runId).fetchHistory();
      lengths.push(history.events?.length ?? 0);
    }
    expect(lengths.length).toBeGreaterThan(1);
    expect(Math.max(...lengths)).toBeLessThan(4_000);
  });
});

describe('the window', () => {
  /**
   * How many candidates are started on a pool of 6 slots, until `enough` are and the request is cancelled. None ends but the first, if it is told what
   * the pool has meanwhile.
   */
  async function started(enough: number, meanwhile?: number): Promise<number> {
    let begun = 0;
    let reached = (): void => undefined;
    const full = new Promise<void>((resolve) => (reached = resolve));
    const activities = answering();
    bench.use({
      ...activities,
      prepare: async (ref) => ({ ...(await activities.prepare(ref)), slots: 6 }),
      generate: async ({ candidate }) => {
        if (++begun === enough) reached();
        if (candidate === 0 && meanwhile !== undefined) return { image: '0.png', slots: meanwhile };
        const context = Context.current();
        const timer = setInterval(() => context.heartbeat(), 100);
        return context.cancelled.finally(() => clearInterval(timer));
      },
    });
    const handle = await bench.start({ candidates: 200 });
    await full;
    await handle.cancel();
    await handle.result();
    return (await handle.query<RequestProgress>(PROGRESS_QUERY)).state.launched;
  }

  test('holds twice what the pool takes at once', async () => {
    expect(await started(12)).toBe(12);
  });

  test('grows with the pool, and shrinks with it', async () => {
    expect(await started(1 + 20, 10)).toBe(1 + 20);
    expect(await started(12, 4)).toBe(12);
  });
});

describe('until K pass', () => {
  const quota = (more: Partial<BestOfNArgs['stopping']> = {}) => ({
    deliver: 4,
    candidates: 200,
    stopping: { mode: 'quota' as const, ...more },
  });
  /** Scores as the worker does, every `nth` candidate passing. */
  const every = (nth: number, more: Partial<ScoreAnswer> = {}) =>
    ({
      ...answering(),
      score: ({ candidate }) =>
        Promise.resolve(
          candidate % nth === 0
            ? { pass: true, failed: [], quality: 50, microUsd: 100, ...more }
            : { pass: false, failed: ['sharpness.tileP90'], microUsd: 100 },
        ),
    }) satisfies Activities;

  test('stops with the K-th that passes, and cancels what is in flight', async () => {
    const [begun, cancelled]: [number[], number[]] = [[], []];
    const { activities, asked } = captureDeliver(every(2));
    bench.use({
      ...activities,
      // the fifth that would pass never ends by itself
      generate: async ({ candidate }) => {
        if (candidate < 8) return { image: `${candidate}.png` };
        begun.push(candidate);
        const context = Context.current();
        const timer = setInterval(() => context.heartbeat(), 100);
        return context.cancelled.finally(() => {
          clearInterval(timer);
          cancelled.push(candidate);
        });
      },
    });
    const handle = await bench.start(quota({ hurry: 1 }));
    await handle.result();
    expect(asked).toMatchObject([{ end: 'done', stop: 'quota' }]);
    const { mode, state } = await handle.query<RequestProgress>(PROGRESS_QUERY);
    expect(mode).toBe('quota');
    expect(state).toMatchObject({ passed: 4, rejected: 4, cancelled: state.launched - 8 });
    // on a busy machine the worker has not taken all of them yet
    expect(begun.length).toBeGreaterThan(0);
    expect(new Set(cancelled)).toEqual(new Set(begun));
  });

  test('without hurry draws no candidate too many', async () => {
    const { activities, asked } = captureDeliver(every(1));
    bench.use(activities);
    await (await bench.start(quota({ hurry: 0 }))).result();
    expect(asked).toMatchObject([{ launched: 4, stop: 'quota' }]);
  });

  test('counts near-duplicates and repeated pictures once', async () => {
    const { activities, asked } = captureDeliver();
    bench.use({
      ...activities,
      prepare: async (ref) => ({ ...(await activities.prepare(ref)), minDistance: 0.1 }),
      score: ({ candidate }) =>
        Promise.resolve({
          pass: true,
          failed: [],
          quality: 50,
          fingerprint: candidate < 4 ? '0000000000000000' : `${String(candidate % 10).repeat(8)}ffff0000`,
          pixelSha256: candidate === 5 ? 'same' : candidate === 4 ? 'same' : `p${candidate}`,
        }),
    });
    const handle = await bench.start(quota({ hurry: 0 }));
    await handle.result();
    // 0 to 3 are one image, 4 and 5 another: 0, 4 and two more are needed
    expect(asked[0]?.launched).toBeGreaterThan(6);
    expect(asked).toMatchObject([{ stop: 'quota' }]);
  });

  test('gives up when K cannot be reached by the cap, and says so', async () => {
    const { activities, asked } = captureDeliver(every(1000));
    bench.use(activities);
    await (await bench.start({ ...quota(), deliver: 20, candidates: 40 })).result();
    expect(asked).toMatchObject([{ end: 'done', stop: 'futile' }]);
    expect(asked[0]?.launched).toBeLessThan(40);
  });

  test('ends at the deadline, whatever is still being drawn', async () => {
    const { activities, asked } = captureDeliver();
    bench.use({
      ...activities,
      generate: () => {
        const context = Context.current();
        const timer = setInterval(() => context.heartbeat(), 100);
        return context.cancelled.finally(() => clearInterval(timer));
      },
    });
    await (await bench.start(quota({ deadlineMs: 1_500 }))).result();
    expect(asked).toMatchObject([{ end: 'done', stop: 'deadline' }]);
  });

  test('goes on while one more candidate is worth the points that it costs', async () => {
    const spread = (points: number) => {
      const { activities, asked } = captureDeliver();
      bench.use({
        ...activities,
        score: ({ candidate }) => Promise.resolve({ pass: true, failed: [], quality: 40 + ((candidate * 37) % 50) }),
      });
      return bench.start(quota({ mode: 'value', hurry: 0, pointsEach: points })).then(async (handle) => {
        await handle.result();
        return asked[0];
      });
    };
    const [dear, cheap] = [await spread(50), await spread(1)];
    expect(dear).toMatchObject({ launched: 4, stop: 'quota' });
    expect(cheap?.launched).toBeGreaterThan(4);
    expect(cheap).toMatchObject({ stop: 'quota' });
  });

  test('weighs one more against winners that are no near-duplicates', async () => {
    const launched = async (pixelsOf: (candidate: number) => string) => {
      const { activities, asked } = captureDeliver();
      bench.use({
        ...activities,
        score: ({ candidate }) =>
          Promise.resolve({
            ...{ pass: true, failed: [], pixelSha256: pixelsOf(candidate) },
            quality: candidate % 4 === 0 ? 100 : 20 + ((candidate * 7) % 60),
          }),
      });
      await (await bench.start(quota({ mode: 'value', hurry: 0, pointsEach: 1 }))).result();
      return asked[0];
    };
    // every fourth is the best there is: all the same picture, or each its own
    const repeated = await launched((candidate) => (candidate % 4 === 0 ? 'same' : `p${candidate}`));
    const own = await launched((candidate) => `p${candidate}`);
    expect(repeated?.launched).toBeGreaterThan((own?.launched ?? 0) + 4);
  });

  test('one image, too, is drawn on for as long as that is worth it', async () => {
    const { activities, asked } = captureDeliver();
    bench.use({
      ...activities,
      score: ({ candidate }) => Promise.resolve({ pass: true, failed: [], quality: 40 + ((candidate * 37) % 50) }),
    });
    await (await bench.start({ ...quota({ mode: 'value', hurry: 0, pointsEach: 1 }), deliver: 1 })).result();
    expect(asked[0]?.launched).toBeGreaterThan(2);
    await (await bench.start({ ...quota({ mode: 'value', hurry: 0, pointsEach: 50 }), deliver: 1 })).result();
    expect(asked[1]).toMatchObject({ launched: 1, stop: 'quota' });
  });

  test('spends no more than the budget', async () => {
    const { activities, asked } = captureDeliver(every(1000));
    bench.use(activities);
    const handle = await bench.start(quota({ budgetMicroUsd: 1_050, hurry: 1 }));
    await handle.result();
    // ten candidates of 100 fit; it is given up once those that are left cannot hold K
    expect(asked).toMatchObject([{ stop: 'budget' }]);
    expect(asked[0]?.launched).toBeLessThanOrEqual(10);
    const { state } = await handle.query<RequestProgress>(PROGRESS_QUERY);
    expect(state.spentMicroUsd).toBeLessThanOrEqual(1_050);
  });

  test('counts what drawing cost of those that are lost after it', async () => {
    const { activities, asked } = captureDeliver();
    bench.use({
      ...activities,
      score: () => Promise.reject(fail('INTERNAL')),
      lose: () => Promise.resolve({ microUsd: 400 }),
    });
    await (await bench.start(quota({ budgetMicroUsd: 1_000, hurry: 1 }))).result();
    expect(asked).toMatchObject([{ stop: 'budget' }]);
    expect(asked[0]?.launched).toBeLessThanOrEqual(2);
  });
});

describe('an input that is varied', () => {
  /** Each candidate's value as it was asked for. */
  function values(activities: Activities): { activities: Activities; asked: (number | undefined)[] } {
    const asked: (number | undefined)[] = [];
    const generate: Activities['generate'] = (ref) => {
      asked[ref.candidate] = ref.vary;
      return activities.generate(ref).then((answer) => ({
        ...answer,
        ...(ref.vary !== undefined && answer.vary === undefined && { vary: ref.vary }),
      }));
    };
    return { activities: { ...activities, generate }, asked };
  }
  const passing = { score: () => Promise.resolve({ pass: true, failed: [], quality: 50 }) };

  test('a fixed N is drawn evenly, and nothing is asked where nothing is varied', async () => {
    const { activities, asked } = values(answering());
    bench.use(activities);
    await (await bench.start({ candidates: 7, vary: 3 })).result();
    expect(asked).toEqual([0, 1, 2, 0, 1, 2, 0]);
    await (await bench.start({ candidates: 7 })).result();
    expect(asked.slice(0, 7)).toEqual(Array(7).fill(undefined));
  });

  test('gives up a request whose minimum for one value cannot be met, long before the cap', async () => {
    const { activities, asked } = captureDeliver();
    const drawnWith: (number | undefined)[] = [];
    bench.use({
      ...activities,
      prepare: () => Promise.resolve({ queue: 'gpu', again: false, minima: [10, 10] }),
      generate: ({ candidate, vary }) => {
        drawnWith[candidate] = vary;
        return Promise.resolve({ image: 'i', slots: 4, ...(vary !== undefined && { vary }) });
      },
      score: ({ candidate }) => {
        const pass = drawnWith[candidate] === 0;
        return Promise.resolve({ pass, failed: pass ? [] : ['noise'], quality: 50, pixelSha256: `p${candidate}` });
      },
    });
    await (await bench.start({ deliver: 20, candidates: 160, vary: 2, stopping: { mode: 'quota' } })).result();
    expect(asked).toMatchObject([{ end: 'done', stop: 'futile' }]);
    expect(asked[0]?.launched).toBeLessThan(120);
  });

  test('stops with the K-th only where all minima are met, and draws no more of a value that has its own', async () => {
    const drawnWith: (number | undefined)[] = [];
    const { activities, asked } = values({
      ...answering(),
      prepare: () => Promise.resolve({ queue: 'gpu', again: false, minima: [2, 2] }),
      generate: ({ candidate, vary }) => {
        drawnWith[candidate] = vary;
        return Promise.resolve({ image: 'i' });
      },
      // of the second value only every fifth passes
      score: ({ candidate }) =>
        Promise.resolve(
          drawnWith[candidate] === 0 || candidate % 5 === 0
            ? { pass: true, failed: [], quality: 50 }
            : { pass: false, failed: ['x'] },
        ),
    });
    bench.use(activities);
    const handle = await bench.start({ deliver: 4, candidates: 200, vary: 2, stopping: { mode: 'quota', hurry: 0 } });
    await handle.result();
    const { state } = await handle.query<RequestProgress>(PROGRESS_QUERY);
    expect(state.stop).toBe('quota');
    const [first, second] = state.varied ?? [];
    expect(second?.passed).toBe(2);
    // two are needed; what was in flight when the second passed may be more
    expect(first?.launched).toBeLessThanOrEqual(4);
    expect(asked.slice(-1)).toEqual([1]);
  });

  test('counts what was drawn with the value of an earlier run as of that value', async () => {
    const { activities } = values({
      ...answering(),
      ...passing,
      prepare: () => Promise.resolve({ queue: 'gpu', again: true, minima: [1, 1] }),
      // candidates 0 to 3 were drawn with the second value before
      generate: ({ candidate, vary = 0 }) => Promise.resolve({ image: 'i', vary: candidate < 4 ? 1 : vary }),
    });
    bench.use(activities);
    const handle = await bench.start({ deliver: 2, candidates: 64, vary: 2, stopping: { mode: 'quota', hurry: 0 } });
    await handle.result();
    const { state } = await handle.query<RequestProgress>(PROGRESS_QUERY);
    expect(state.stop).toBe('quota');
    expect(state.launched).toBe(5);
    expect(state.varied).toEqual([
      { launched: 1, ended: 1, passed: 1 },
      { launched: 4, ended: 4, passed: 4 },
    ]);
  });
});
