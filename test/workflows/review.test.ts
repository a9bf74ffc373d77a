import { WorkflowUpdateFailedError, type WorkflowHandle } from '@temporalio/client';
import { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DeliverAsk } from '../../activities/deliver.js';
import type { ScoreAnswer } from '../../activities/score.js';
import {
  PROGRESS_QUERY,
  REVIEW_UPDATE,
  type BestOfNArgs,
  type BestOfNState,
  type RequestProgress,
  type ReviewAnswer,
  type ReviewUpdate,
} from '../../workflows/contract.js';
import { answering, openBench, type Activities, type WorkflowBench } from '../support/workflow-worker.js';
import { temporalAddress } from '../support/temporal-address.js';

let bench: WorkflowBench;
beforeAll(async () => {
  bench = await openBench(temporalAddress);
});
afterAll(() => bench.close());

const WEEK_MS = 7 * 24 * 3_600_000;
const asked: Partial<BestOfNArgs> = {
  deliver: 3,
  candidates: 5,
  review: { untilMs: WEEK_MS },
};

/** One passes (0), one is rejected (4), all others wait for a person. */
function scoring(more: (candidate: number) => Partial<ScoreAnswer> = () => ({})): {
  activities: Activities;
  delivered: DeliverAsk[];
  drawn: number[];
} {
  const delivered: DeliverAsk[] = [];
  const drawn: number[] = [];
  const own = answering();
  const what = (candidate: number): ScoreAnswer => {
    const told = { quality: 50 + candidate, pixelSha256: `p${candidate}`, ...more(candidate) };
    if (candidate === 0) return { pass: true, failed: [], ...told };
    if (candidate === 4) return { pass: false, failed: ['noise.sigma'] };
    return { pass: false, failed: ['background.tint'], band: 'review', ...told };
  };
  return {
    delivered,
    drawn,
    activities: {
      ...own,
      generate: (ref) => {
        drawn.push(ref.candidate);
        return own.generate(ref);
      },
      score: ({ candidate }) => Promise.resolve(what(candidate)),
      deliver: (ask) => {
        delivered.push(ask);
        return own.deliver(ask);
      },
    },
  };
}

const progressOf = (handle: WorkflowHandle) => handle.query<RequestProgress>(PROGRESS_QUERY);
const tell = (handle: WorkflowHandle, decisions: ReviewUpdate) =>
  handle.executeUpdate<ReviewAnswer, [ReviewUpdate]>(REVIEW_UPDATE, { args: [decisions] });

async function reviewing(handle: WorkflowHandle): Promise<RequestProgress> {
  for (;;) {
    const progress = await progressOf(handle);
    if (progress.phase === 'reviewing') return progress;
    expect(['preparing', 'drawing']).toContain(progress.phase);
  }
}

async function refusalOf(answer: Promise<unknown>): Promise<string> {
  const error: unknown = await answer.catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(WorkflowUpdateFailedError);
  const { cause } = error as WorkflowUpdateFailedError;
  return cause instanceof ApplicationFailure ? (cause.type ?? '') : '';
}

describe('a request that waits for a person', () => {
  test('waits where drawing ends short, counts what is accepted, and ends with the K-th', async () => {
    const { activities, delivered } = scoring();
    bench.use(activities);
    const handle = await bench.start(asked);
    const waits = await reviewing(handle);
    expect(waits.review).toEqual({ request: 'r1', waiting: 3, until: waits.state.startedAt + WEEK_MS });
    expect(await tell(handle, { 1: 'accept' })).toEqual({ counted: 2, wanted: 3, waiting: 2 });
    expect((await progressOf(handle)).state).toMatchObject({ passed: 2, rejected: 3 });
    expect(await tell(handle, { 2: 'reject' })).toEqual({ counted: 2, wanted: 3, waiting: 1 });
    expect(await tell(handle, { 3: 'accept' })).toEqual({ counted: 3, wanted: 3, waiting: 0 });
    await handle.result();
    expect(delivered).toMatchObject([{ end: 'done', launched: 5, stop: 'quota' }]);
  });

  test('ends when all are decided, with the reason why drawing had ended', async () => {
    const { activities, delivered } = scoring();
    bench.use(activities);
    const handle = await bench.start(asked);
    await reviewing(handle);
    await tell(handle, { 1: 'reject', 2: 'accept', 3: 'reject' });
    await handle.result();
    expect(delivered).toMatchObject([{ stop: 'cap' }]);
  });

  test('ends when its time is over', async () => {
    const { activities, delivered } = scoring();
    bench.use(activities);
    const handle = await bench.start({ ...asked, review: { untilMs: 1_500 } });
    await handle.result();
    expect(delivered).toMatchObject([{ end: 'done', stop: 'cap' }]);
  });

  test('waits where it gave up on the way to K, too', async () => {
    const { activities, delivered } = scoring();
    bench.use(activities);
    const handle = await bench.start({ ...asked, deliver: 2, candidates: 3, stopping: { mode: 'quota', hurry: 1 } });
    // which of them end before it gives up is left to chance
    expect((await reviewing(handle)).review?.waiting).toBeGreaterThan(0);
    expect(await tell(handle, { 0: 'accept', 1: 'accept', 2: 'accept' })).toMatchObject({ waiting: 0 });
    await handle.result();
    expect(delivered).toMatchObject([{ end: 'done' }]);
  });

  test('does not wait where K pass, or for near-duplicates of those that pass', async () => {
    const { activities, delivered } = scoring((candidate) => ({
      pixelSha256: candidate < 4 ? 'same' : `p${candidate}`,
    }));
    bench.use(activities);
    await (await bench.start(asked)).result();
    await (await bench.start({ ...asked, deliver: 1 })).result();
    expect(delivered.map(({ stop }) => stop)).toEqual(['cap', 'cap']);
  });

  test('the same decision twice is one; another one, a candidate that cannot be, and a word too late are refused', async () => {
    const { activities, delivered } = scoring();
    let begin = (): void => undefined;
    let end = (): void => undefined;
    const choosing = new Promise<void>((resolve) => (begin = resolve));
    const held = new Promise<void>((resolve) => (end = resolve));
    bench.use({
      ...activities,
      deliver: async (ask) => {
        begin();
        await held;
        return activities.deliver(ask);
      },
    });
    const handle = await bench.start(asked);
    await reviewing(handle);
    await tell(handle, { 1: 'accept' });
    expect(await tell(handle, { 1: 'accept' })).toMatchObject({ counted: 2 });
    expect(await refusalOf(tell(handle, { 1: 'reject' }))).toBe('REVIEW_DECIDED');
    expect(await refusalOf(tell(handle, { 5: 'accept' }))).toBe('REVIEW_REFUSED');
    await tell(handle, { 2: 'accept' });
    await choosing;
    expect(await refusalOf(tell(handle, { 3: 'accept' }))).toBe('REVIEW_CLOSED');
    end();
    await handle.result();
    expect(delivered).toHaveLength(1);
  });

  test('goes on waiting in a new history where one is full, and forgets no decision', async () => {
    const [deliver, candidates] = [80, 460];
    const { activities, delivered } = scoring();
    bench.use({
      ...activities,
      score: ({ candidate }) =>
        Promise.resolve({ pass: false, failed: ['g'], band: 'review', quality: 50, pixelSha256: `p${candidate}` }),
    });
    const handle = await bench.start({ ...asked, deliver, candidates });
    await reviewing(handle);
    for (let candidate = 0; candidate < deliver; candidate++)
      expect(await tell(handle, { [candidate]: 'accept' })).toMatchObject({ counted: candidate + 1 });
    await handle.result();
    expect(delivered).toMatchObject([{ launched: candidates, stop: 'quota' }]);
    const lengths: number[] = [];
    for await (const run of bench.client.workflow.list({ query: `WorkflowId = "${handle.workflowId}"` })) {
      const history = await bench.client.workflow.getHandle(handle.workflowId, run.runId).fetchHistory();
      lengths.push(history.events?.length ?? 0);
    }
    expect(lengths.length).toBeGreaterThan(1);
    expect(Math.max(...lengths)).toBeLessThan(4_000);
  });

  test('cancelling ends the wait', async () => {
    const { activities, delivered } = scoring();
    bench.use(activities);
    const handle = await bench.start(asked);
    await reviewing(handle);
    await handle.cancel();
    await expect(handle.result()).resolves.toMatchObject({ state: 'cancelled' });
    expect(delivered).toMatchObject([{ end: 'cancelled' }]);
  });

  test('what was decided before it ran again is known', async () => {
    const { activities, delivered } = scoring();
    bench.use({
      ...activities,
      prepare: async (ref) => ({
        ...(await activities.prepare(ref)),
        again: true,
        decisions: { 1: 'accept', 2: 'accept' },
      }),
    });
    await (await bench.start(asked)).result();
    // it did not wait for a word on those
    expect(delivered).toMatchObject([{ end: 'done', stop: 'cap' }]);
  });
});

describe('decisions while it draws', () => {
  test('a word that comes before the score counts, and saves what would have been drawn', async () => {
    const { activities, delivered } = scoring();
    let release = (): void => undefined;
    let begin = (): void => undefined;
    const told = new Promise<void>((resolve) => (release = resolve));
    const drawing = new Promise<void>((resolve) => (begin = resolve));
    bench.use({
      ...activities,
      score: async (ref) => {
        if (ref.candidate === 0) return activities.score(ref);
        begin();
        await told;
        return activities.score(ref);
      },
    });
    const handle = await bench.start({
      ...asked,
      review: undefined,
      candidates: 64,
      stopping: { mode: 'quota', hurry: 0 },
    });
    await drawing;
    await tell(handle, { 1: 'accept', 2: 'accept' });
    release();
    await handle.result();
    expect(delivered).toMatchObject([{ launched: 3, stop: 'quota' }]);
  });
});

test('the K-th that a person accepts ends the request at once, whatever is being drawn', async () => {
  const { activities, delivered } = scoring();
  bench.use({
    ...activities,
    // all but two stand until they are taken off
    generate: async (ref) => {
      if (ref.candidate < 2) return activities.generate(ref);
      const context = Context.current();
      const timer = setInterval(() => context.heartbeat(), 100);
      return context.cancelled.finally(() => clearInterval(timer));
    },
  });
  const stopping = { mode: 'quota', hurry: 0 } as const;
  const handle = await bench.start({ ...asked, review: undefined, deliver: 2, candidates: 64, stopping });
  while ((await progressOf(handle)).state.launched < 3);
  await tell(handle, { 1: 'accept' });
  await handle.result();
  expect(delivered).toMatchObject([{ launched: 3, stop: 'quota' }]);
});

test('a request that ended is delivered again without drawing', async () => {
  const { activities, delivered, drawn } = scoring();
  bench.use(activities);
  const carried: BestOfNState = {
    launched: 5,
    drawn: 5,
    scored: 5,
    passed: 1,
    rejected: 4,
    lost: 0,
    cancelled: 0,
    gates: {},
    startedAt: 1,
    firstPassAt: 2,
    queue: '',
    again: true,
    stop: 'cap',
  };
  await (await bench.start({ ...asked, review: undefined, carried })).result();
  expect(drawn).toEqual([]);
  expect(delivered).toMatchObject([{ end: 'done', launched: 5, startedAt: 1, firstPassAt: 2, stop: 'cap' }]);
});
