/** Runs the real workflow on the real server with activities of the test's own. */
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import {
  bundleWorkflowCode,
  DefaultLogger,
  NativeConnection,
  Runtime,
  Worker,
  type WorkflowBundleWithSourceMap,
} from '@temporalio/worker';
import type { AcceptedActivities } from '../../activities/accepted.js';
import type { BatchActivities } from '../../activities/batch.js';
import type { DeliverActivities } from '../../activities/deliver.js';
import type { GenerateActivities } from '../../activities/generate.js';
import type { PrepareActivities } from '../../activities/prepare.js';
import type { ScoreActivities } from '../../activities/score.js';
import type { WebhookActivities } from '../../activities/webhooks.js';
import { ORCHESTRATE_QUEUE, SCORE_QUEUE, type BestOfNArgs } from '../../workflows/contract.js';
import { WEBHOOK_QUEUE } from '../../workflows/webhook-contract.js';

export type Activities = PrepareActivities &
  GenerateActivities &
  ScoreActivities &
  DeliverActivities &
  Partial<AcceptedActivities> &
  Partial<BatchActivities> &
  Partial<WebhookActivities>;

const noBatch = (): never => {
  throw new Error('this test has no batch');
};

const GPU_QUEUE = 'gpu';

/** Activities that do nothing but answer: every candidate is drawn, and those of `passes` pass. */
export const answering = (passes: (candidate: number) => boolean = () => true): Activities => ({
  prepare: () => Promise.resolve({ queue: GPU_QUEUE, again: false }),
  generate: ({ candidate }) => Promise.resolve({ image: `images/${candidate}.png` }),
  score: ({ candidate }) =>
    Promise.resolve(passes(candidate) ? { pass: true, failed: [] } : { pass: false, failed: ['sharpness.tileP90'] }),
  lose: () => Promise.resolve({}),
  deliver: ({ end, launched }) =>
    Promise.resolve({ state: end === 'done' ? 'delivered' : end, delivered: launched, wanted: 1 }),
});

let bundle: Promise<WorkflowBundleWithSourceMap> | undefined;
export const workflowBundle = (): Promise<WorkflowBundleWithSourceMap> =>
  (bundle ??= bundleWorkflowCode({
    workflowsPath: fileURLToPath(new URL('../../workflows/index.ts', import.meta.url)),
    workflowInterceptorModules: [fileURLToPath(new URL('../../workflows/traces.ts', import.meta.url))],
    logger: new DefaultLogger('ERROR'),
  }));

export interface WorkflowBench {
  client: Client;
  /** A new request's name and workflow id, with the arguments' defaults. */
  start(args?: Partial<BestOfNArgs>): ReturnType<Client['workflow']['start']>;
  /** Replaces the activities from now on. */
  use(activities: Activities): void;
  close(): Promise<void>;
}

/** Four Workers (orchestrate, score, gpu, webhooks) on the server at `address`, whose activities can be swapped by each test. */
export async function openBench(address: string): Promise<WorkflowBench> {
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  // A namespace of its own would take seconds to be known everywhere; unique queues are not possible, they are part of the contract.
  let current = answering();
  const activities: Activities = {
    prepare: (ref) => current.prepare(ref),
    generate: (ref) => current.generate(ref),
    score: (ref) => current.score(ref),
    lose: (ref) => current.lose(ref),
    deliver: (ask) => current.deliver(ask),
    announceAccepted: (ref) => current.announceAccepted?.(ref) ?? Promise.resolve(),
    admitPart: (ref) => (current.admitPart ?? noBatch)(ref),
    recordPart: (ask) => (current.recordPart ?? noBatch)(ask),
    closeBatch: (ask) => (current.closeBatch ?? noBatch)(ask),
    postWebhook: (args) => current.postWebhook?.(args) ?? Promise.resolve({ state: 'delivered', tries: 1 }),
  };
  const connection = await NativeConnection.connect({ address });
  const common = { connection, activities, maxConcurrentActivityTaskExecutions: 100 };
  const workers = await Promise.all([
    Worker.create({ ...common, taskQueue: ORCHESTRATE_QUEUE, workflowBundle: await workflowBundle() }),
    Worker.create({ ...common, taskQueue: SCORE_QUEUE }),
    Worker.create({ ...common, taskQueue: WEBHOOK_QUEUE }),
    Worker.create({
      ...common,
      taskQueue: GPU_QUEUE,
      maxHeartbeatThrottleInterval: '1s',
      defaultHeartbeatThrottleInterval: '1s',
    }),
  ]);
  const running = workers.map((worker) => worker.run());
  const client = new Client({ connection: await Connection.connect({ address }) });
  return {
    client,
    start: (args = {}) =>
      client.workflow.start('bestOfN', {
        workflowId: `cull/test/${randomUUID()}`,
        taskQueue: ORCHESTRATE_QUEUE,
        args: [{ tenant: 'test', request: 'r1', deliver: 2, candidates: 6, ...args }],
      }),
    use: (next) => (current = next),
    async close() {
      for (const worker of workers) worker.shutdown();
      await Promise.all(running);
      await client.connection.close();
      await connection.close();
    },
  };
}
