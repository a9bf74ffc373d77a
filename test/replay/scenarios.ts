/** The main paths of `bestOfN`, each a request on a real server whose history is recorded and replayed. */
import { ApplicationFailure, Context } from '@temporalio/activity';
import { REVIEW_UPDATE, type ReviewUpdate } from '../../workflows/contract.js';
import { answering, type WorkflowBench } from '../support/workflow-worker.js';

export interface Scenario {
  name: string;
  /** Runs one request to its end; resolves with the handle of the run to record. */
  run(bench: WorkflowBench): Promise<{ workflowId: string; runId: string }>;
}

const started = (handle: { workflowId: string; firstExecutionRunId?: string }) => ({
  workflowId: handle.workflowId,
  runId: handle.firstExecutionRunId ?? '',
});

const failing = (type: string) => () =>
  Promise.reject(ApplicationFailure.create({ type, message: `${type} happened`, nonRetryable: true }));

/** A person accepts some and rejects one; the third that counts ends it. */
async function decided(bench: WorkflowBench): Promise<{ workflowId: string; runId: string }> {
  const activities = answering();
  let last = (): void => undefined;
  const scored = new Promise<void>((resolve) => (last = resolve));
  bench.use({
    ...activities,
    score: ({ candidate }) => {
      if (candidate === 7) last();
      const told = { quality: 50 + candidate, pixelSha256: `p${candidate}` };
      return Promise.resolve(
        candidate === 0
          ? { pass: true, failed: [], ...told }
          : { pass: false, failed: ['background.tint'], band: 'review', ...told },
      );
    },
  });
  const handle = await bench.start({ candidates: 8, deliver: 3, review: { untilMs: 3_600_000 } });
  await scored;
  const tell = (decisions: ReviewUpdate) => handle.executeUpdate(REVIEW_UPDATE, { args: [decisions] });
  await tell({ 3: 'accept', 4: 'reject' });
  await tell({ 5: 'accept' });
  await handle.result();
  return started(handle);
}

export const scenarios: Scenario[] = [
  {
    name: 'delivered',
    async run(bench) {
      bench.use(answering((candidate) => candidate % 2 === 0));
      const handle = await bench.start({ candidates: 24, deliver: 4 });
      await handle.result();
      return started(handle);
    },
  },
  {
    name: 'quota',
    async run(bench) {
      const activities = answering();
      bench.use({
        ...activities,
        prepare: async (ref) => ({
          ...(await activities.prepare(ref)),
          minDistance: 0.05,
          prior: { passes: 2, fails: 2 },
        }),
        score: ({ candidate }) =>
          Promise.resolve(
            candidate % 2 === 0
              ? { pass: true, failed: [], quality: 50 + candidate, pixelSha256: `p${candidate}` }
              : { pass: false, failed: ['sharpness.tileP90'] },
          ),
        // the last one stands until it is taken off
        generate: async (ref) => {
          if (ref.candidate < 7) return { image: `${ref.candidate}.png` };
          const context = Context.current();
          const timer = setInterval(() => context.heartbeat(), 100);
          return context.cancelled.finally(() => clearInterval(timer));
        },
      });
      const stopping = { mode: 'quota', hurry: 0.6, deadlineMs: 60_000 } as const;
      const handle = await bench.start({ candidates: 64, deliver: 4, stopping });
      await handle.result();
      return started(handle);
    },
  },
  { name: 'review', run: decided },
  // the same, since watchers are told of those that were accepted
  { name: 'accepted', run: decided },
  {
    name: 'varied',
    async run(bench) {
      const activities = answering();
      bench.use({
        ...activities,
        prepare: async (ref) => ({ ...(await activities.prepare(ref)), minDistance: 0.05, minima: [2, 2] }),
        // candidate 1 was drawn with the other value before
        generate: async (ref) => ({
          ...(await activities.generate(ref)),
          ...(ref.vary !== undefined && { vary: ref.candidate === 1 ? 0 : ref.vary }),
        }),
        score: ({ candidate }) => Promise.resolve({ pass: candidate % 3 !== 0, failed: [], quality: candidate }),
      });
      const handle = await bench.start({
        candidates: 64,
        deliver: 4,
        vary: 2,
        stopping: { mode: 'quota', hurry: 0.6 },
      });
      await handle.result();
      return started(handle);
    },
  },
  {
    name: 'webhook',
    async run(bench) {
      const activities = answering();
      bench.use({
        ...activities,
        deliver: async (ask) => ({
          ...(await activities.deliver(ask)),
          news: { message: `msg_20260101_${'0'.repeat(24)}`, endpoints: ['ep_1', 'ep_2'] },
        }),
      });
      const handle = await bench.start({ candidates: 2, deliver: 2 });
      await handle.result();
      return started(handle);
    },
  },
  {
    name: 'lost-candidate',
    async run(bench) {
      const activities = answering();
      bench.use({
        ...activities,
        generate: (ref) => (ref.candidate === 3 ? failing('COMFY_NODE_FAILED')() : activities.generate(ref)),
      });
      const handle = await bench.start({ candidates: 8, deliver: 2 });
      await handle.result();
      return started(handle);
    },
  },
  {
    name: 'failed',
    async run(bench) {
      bench.use({ ...answering(), generate: failing('COMFY_INVALID_GRAPH') });
      const handle = await bench.start({ candidates: 8, deliver: 2 });
      await handle.result();
      return started(handle);
    },
  },
  {
    name: 'not-prepared',
    async run(bench) {
      bench.use({ ...answering(), prepare: failing('NODE_NOT_ALLOWED') });
      const handle = await bench.start();
      await handle.result();
      return started(handle);
    },
  },
  {
    name: 'cancelled',
    async run(bench) {
      let begin = (): void => undefined;
      const drawing = new Promise<void>((resolve) => (begin = resolve));
      bench.use({
        ...answering(),
        generate: async () => {
          const context = Context.current();
          const timer = setInterval(() => context.heartbeat(), 100);
          begin();
          try {
            return await context.cancelled;
          } finally {
            clearInterval(timer);
          }
        },
      });
      const handle = await bench.start({ candidates: 6 });
      await drawing;
      await handle.cancel();
      await handle.result();
      return started(handle);
    },
  },
  {
    name: 'continued-as-new',
    async run(bench) {
      bench.use(answering());
      const handle = await bench.start({ candidates: 1_000, deliver: 4 });
      await handle.result();
      return started(handle);
    },
  },
];
