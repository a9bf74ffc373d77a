/** The composition root: config -> adapters -> Temporal Workers, by role. Started as a process, or by `comfy-cull worker`. */
import { existsSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { hostname, setPriority } from 'node:os';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { Client, Connection } from '@temporalio/client';
import {
  DefaultLogger,
  NativeConnection,
  Runtime,
  Worker,
  type WorkerInterceptors,
  type WorkerOptions,
} from '@temporalio/worker';
import { createAcceptedActivities } from './activities/accepted.js';
import { createBatchActivities } from './activities/batch.js';
import { createDeliverActivities } from './activities/deliver.js';
import { createPrepareActivities } from './activities/prepare.js';
import { createScoreActivities } from './activities/score.js';
import { createSweepActivities } from './activities/sweep.js';
import { activityInSpan, traceSinks } from './activities/traces.js';
import { createWebhookActivities } from './activities/webhooks.js';
import { createScorePool } from './activities/scoring/pool.js';
import { readJson } from './client/documents.js';
import { storedLabels } from './client/labels.js';
import { listQuarantined } from './client/quarantine.js';
import { ensureSweepSchedule } from './client/sweep.js';
import { backlogOf, embeddedTarget, temporalTarget, type TemporalTarget } from './client/temporal.js';
import { modelOptionsOf, type Config } from './config.js';
import { CullError, messageOf } from './errors.js';
import { serveFleet } from './fleet/index.js';
import { Queues } from './fleet/queues.js';
import { allowedOf } from './outside/addresses.js';
import { loadScorers } from './scorers/registry.js';
import { openStorage, type Storage } from './storage/index.js';
import { keys } from './storage/keys.js';
import { createLog, type Logger } from './telemetry/log.js';
import { createMetrics, type MetricsBook } from './telemetry/metrics.js';
import { serveMetrics } from './telemetry/serve-metrics.js';
import { startTraces } from './telemetry/traces.js';
import { ORCHESTRATE_QUEUE, SCORE_QUEUE } from './workflows/contract.js';
import type { SweepDoc } from './workflows/sweep-contract.js';
import { WEBHOOK_QUEUE } from './workflows/webhook-contract.js';

export const ROLES = ['orchestrate', 'score', 'gpu'] as const;
export type Role = (typeof ROLES)[number];

/** Histories stay small, so many fit; each keeps a few hundred KB. */
const CACHED_WORKFLOWS = 200;
/** A receiver that hangs holds one of these for 15 s. */
const WEBHOOKS_AT_ONCE = 32;
/** A score in work beyond the threads keeps them busy while bytes are read and records written. */
const SCORES_BEYOND_THREADS = 2;
/**
 * By how much a heap may grow between two collections of its old objects. Left to itself, V8 lets it triple on a machine with much memory, and
 * keeps the pictures' bytes that dead objects hold: 100 MiB more after 1,000 candidates.
 */
const HEAP_GROWING_PERCENT = 30;
/** Below normal: a ComfyUI or a Temporal server on the same machine goes first. A score may wait a moment, a GPU may not. */
const NICE = 5;

/**
 * Runs the Workers of the given roles until `signal` aborts, then drains them.
 *
 * @throws CullError if the configuration cannot be served (an unknown scorer, a storage that cannot be opened)
 * @example
 * await runWorker({ config: readConfig(process.env), env: process.env, roles: ['orchestrate', 'score', 'gpu'], signal });
 */
export async function runWorker(options: {
  config: Config;
  env: Record<string, string | undefined>;
  roles: readonly Role[];
  signal: AbortSignal;
}): Promise<void> {
  const { config, roles, signal } = options;
  setPriority(NICE);
  setFlagsFromString(`--heap-growing-percent=${HEAP_GROWING_PERCENT}`);
  const log = createLog({ level: config.logLevel, name: 'worker' });
  const target = temporalTarget(options.env) ?? embeddedTarget('127.0.0.1:7233');
  const traces = await startTraces(options.env, { service: 'cull-worker', log });
  installRuntime(log, config.metrics);
  const metrics = createMetrics();
  const telemetry = { log, metrics };
  const storage = openStorage(config.storage);
  const scorers = await loadScorers(config.scorers);
  const connection = await connectPatiently(target, log, signal);
  const queues = new Queues({ storage, target, log, metrics, coldAfterMs: config.coldQueueMs });
  const jobs: Promise<void>[] = [];
  const ends: (() => Promise<void>)[] = [() => traces.close(), () => connection.close()];
  if (config.metrics.port !== undefined) {
    const { host, port } = config.metrics;
    const server = await serveMetrics(metrics, { host, port });
    ends.push(() => server.close());
    log.info({ url: server.url }, 'metrics');
  }
  gaugeFolder(metrics, config.storage.where);
  const common = {
    connection,
    namespace: target.namespace,
    shutdownGraceTime: config.graceMs,
    interceptors: { activity: [activityInSpan] },
  };

  if (roles.includes('orchestrate')) {
    const activities = {
      ...createPrepareActivities({
        storage,
        scorers,
        allowNodes: config.allowNodes,
        usdPerHour: config.comfyUsdPerHour,
        onQueue: (queue) => queues.announce(queue),
        telemetry,
      }),
      ...createDeliverActivities({ storage, telemetry }),
      ...createAcceptedActivities({ storage, telemetry }),
      ...createBatchActivities({ storage, telemetry }),
      ...createSweepActivities({
        storage,
        retention: config.retention,
        labels: (tenant) => storedLabels(storage, tenant),
        telemetry,
      }),
    };
    const worker = await Worker.create({
      ...common,
      ...workflowSource(common.interceptors),
      sinks: traceSinks(traces),
      activities,
      taskQueue: ORCHESTRATE_QUEUE,
      identity: `${hostname()}/orchestrate`,
      maxCachedWorkflows: CACHED_WORKFLOWS,
    });
    const webhooks = await Worker.create({
      ...common,
      activities: createWebhookActivities({ storage, allowed: allowedOf(config.outsideAllow), telemetry }),
      taskQueue: WEBHOOK_QUEUE,
      identity: `${hostname()}/webhooks`,
      maxConcurrentActivityTaskExecutions: WEBHOOKS_AT_ONCE,
    });
    jobs.push(runUntil(worker, signal), runUntil(webhooks, signal));
    await scheduleSweep(target, log);
    gaugeSweep(metrics, storage);
    gaugeQueue(metrics, { connection, target, queue: ORCHESTRATE_QUEUE, types: ['workflow', 'activity'] });
    gaugeQueue(metrics, { connection, target, queue: WEBHOOK_QUEUE, types: ['activity'] });
    metrics.beforeRead(async () =>
      metrics.set('cull_quarantined_releases', {}, (await listQuarantined(storage)).length),
    );
  }
  if (roles.includes('score')) {
    const pool = await createScorePool({
      threads: config.scoreThreads,
      scorerModules: config.scorers,
      ...(config.vlm && { vlm: config.vlm }),
      models: modelOptionsOf(config),
      recycling: { aboveMb: config.scoreMemoryMb },
    });
    ends.push(() => pool.close());
    const worker = await Worker.create({
      ...common,
      activities: createScoreActivities({ storage, pool, telemetry }),
      taskQueue: SCORE_QUEUE,
      identity: `${hostname()}/score`,
      maxConcurrentActivityTaskExecutions: config.scoreThreads + SCORES_BEYOND_THREADS,
    });
    jobs.push(runUntil(worker, signal));
    gaugeQueue(metrics, { connection, target, queue: SCORE_QUEUE, types: ['activity'] });
  }
  if (roles.includes('gpu')) jobs.push(serveFleet({ config, target, storage, log, metrics, queues, signal }));

  log.info(
    { roles, comfyui: config.comfyUrls.length, storage: storage.description, temporal: target.address },
    'serving',
  );
  try {
    await Promise.all(jobs);
  } finally {
    for (const end of ends.reverse()) await end();
    log.info('ended');
  }
}

/** A package carries the workflows bundled beforehand; a checkout bundles them at the start (about 2 s). */
function workflowSource(
  interceptors: WorkerInterceptors,
): Pick<WorkerOptions, 'workflowBundle' | 'workflowsPath' | 'interceptors'> {
  const codePath = fileURLToPath(new URL('./workflow-bundle.js', import.meta.url));
  if (existsSync(codePath)) return { workflowBundle: { codePath } };
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const path = (name: string): string => fileURLToPath(new URL(`./workflows/${name}.${extension}`, import.meta.url));
  return { workflowsPath: path('index'), interceptors: { ...interceptors, workflowModules: [path('traces')] } };
}

async function runUntil(worker: Worker, signal: AbortSignal): Promise<void> {
  const shutdown = () => worker.getState() === 'RUNNING' && worker.shutdown();
  signal.addEventListener('abort', shutdown, { once: true });
  const running = worker.run();
  if (signal.aborted) shutdown();
  await running;
}

/** A worker that starts before its server waits for it. */
async function connectPatiently(target: TemporalTarget, log: Logger, signal: AbortSignal): Promise<NativeConnection> {
  for (let delay = 250; ; delay = Math.min(delay * 2, 10_000)) {
    try {
      return await NativeConnection.connect(target.connectionOptions);
    } catch (error) {
      if (signal.aborted) throw error;
      log.warn({ temporal: target.address, error: String(error) }, 'Temporal does not answer; trying again');
      await new Promise((resolve) => setTimeout(resolve, delay));
    }
  }
}

/** The queue of a role, looked at when somebody reads the metrics. */
function gaugeQueue(
  metrics: MetricsBook,
  {
    connection,
    target: { namespace },
    queue,
    types,
  }: {
    connection: NativeConnection;
    target: TemporalTarget;
    queue: string;
    types: readonly ('workflow' | 'activity')[];
  },
): void {
  for (const type of types)
    metrics.beforeRead(async () => {
      const { count, ageSeconds } = await backlogOf(connection.workflowService, { namespace, queue, type });
      metrics.set('cull_queue_depth', { queue, type }, count);
      metrics.set('cull_queue_age_seconds', { queue, type }, ageSeconds);
    });
}

/** One of several workers makes it. Without it nothing is swept, and all else goes on. */
async function scheduleSweep({ connectionOptions, namespace }: TemporalTarget, log: Logger): Promise<void> {
  try {
    const connection = await Connection.connect(connectionOptions);
    try {
      if (await ensureSweepSchedule(new Client({ connection, namespace }))) log.info('sweeps every 6 h from now on');
    } finally {
      await connection.close();
    }
  } catch (error) {
    log.warn({ error: messageOf(error) }, 'the schedule of the sweep could not be made');
  }
}

/** When the last sweep ended, whichever worker it was. */
function gaugeSweep(metrics: MetricsBook, storage: Storage): void {
  metrics.beforeRead(async () => {
    const last = await readJson<SweepDoc>(storage, keys.sweep());
    metrics.set('cull_sweep_last_success_timestamp_seconds', {}, last && Date.parse(last.at) / 1_000);
  });
}

/** The disk of a storage folder; a bucket has none. */
function gaugeFolder(metrics: MetricsBook, where: string): void {
  const folder = where.replace(/^fs:/, '');
  if (/^[a-z0-9]+:/.test(folder)) return;
  metrics.beforeRead(async () => {
    const { bsize, blocks, bavail } = await statfs(folder);
    metrics.set('cull_storage_size_bytes', {}, bsize * blocks);
    metrics.set('cull_storage_free_bytes', {}, bsize * bavail);
  });
}

/** Temporal's warnings and errors go into our log, its metrics onto a port of their own. Once per process. */
function installRuntime(log: Logger, { host, temporalPort }: Config['metrics']): void {
  const child = log.child({ part: 'temporal' });
  const logger = new DefaultLogger('WARN', ({ level, message, meta }) => {
    // A Worker of activities alone is what we want; the SDK warns of it at every start.
    if (message.startsWith('No workflows registered')) return;
    child[level === 'ERROR' ? 'error' : 'warn'](meta ?? {}, message);
  });
  const logging = { forward: {}, filter: { core: 'WARN', other: 'ERROR' } } as const;
  const bindAddress = `${host.includes(':') ? `[${host}]` : host}:${temporalPort}`;
  const metrics = temporalPort !== undefined && { metrics: { prometheus: { bindAddress } } };
  try {
    Runtime.install({ shutdownSignals: [], logger, telemetryOptions: { logging, ...metrics } });
  } catch (error) {
    if (!metrics) throw error;
    throw new CullError(
      'CONFIG_INVALID',
      `Temporal's metrics cannot be served on ${bindAddress}: ${messageOf(error)}`,
      {
        hint: 'CULL_METRICS_HOST is to be an IP address, and CULL_TEMPORAL_METRICS_PORT free',
      },
    );
  }
}
