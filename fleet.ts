/** One loop per ComfyUI: wait until it is healthy, run its Worker, stop that when it is not. */
import { hostname } from 'node:os';
import { setTimeout as wait } from 'node:timers/promises';
import { NativeConnection, Worker } from '@temporalio/worker';
import { createGenerateActivities } from './activities/generate.js';
import type { TemporalTarget } from './client/temporal.js';
import type { Config } from './config.js';
import { messageOf } from './errors.js';
import { createComfyProvider, hostId } from './providers/comfyui/index.js';
import type { Health, Provider } from './providers/provider.js';
import { keys } from './storage/keys.js';
import type { Storage } from './storage/storage.js';
import type { Logger } from './telemetry/log.js';
import { DEFAULT_POOL, gpuQueue, type HostDoc } from './workflows/contract.js';

/** One candidate draws, one waits inside ComfyUI, so that the GPU does not idle while bytes move. */
const SLOTS = 2;
const HEALTH_EVERY_MS = 2_000;
/** So many unanswered health checks in a row stop the Worker; one can be a hiccup. */
const FAILURES_BEFORE_STOP = 3;
const GRACE = '10s';

export interface ComfyService {
  url: string;
  /** All ComfyUIs known here: a candidate may have been submitted to another one before. */
  peers: string[];
  config: Config;
  target: TemporalTarget;
  storage: Storage;
  log: Logger;
  signal: AbortSignal;
}

/** Serves one ComfyUI until `signal` aborts. What it sees is kept in storage (`_registry/hosts`), where a waiting request finds the reason. */
export async function serveComfy(service: ComfyService): Promise<void> {
  const { url, peers, config, storage, signal } = service;
  const host = { id: hostId(url), url };
  const log = service.log.child({ host: host.id });
  const provider = createComfyProvider({
    host,
    peers: peers.map((peer) => ({ id: hostId(peer), url: peer })),
    usdPerHour: config.comfyUsdPerHour,
    timeouts: { giveUpMs: config.comfyGiveUpMs },
  });
  let last = '';
  const report = async (state: HostDoc['state'], reason: string | null) => {
    if (last === `${state} ${reason}`) return;
    last = `${state} ${reason}`;
    log[state === 'unhealthy' ? 'warn' : 'info']({ reason }, state);
    const doc: HostDoc = { host: host.id, url, state, reason, at: new Date().toISOString() };
    await storage.put(keys.host(host.id), JSON.stringify(doc)).catch((error: unknown) => log.error(messageOf(error)));
  };
  try {
    while (!signal.aborted) {
      const health = await provider.health();
      if (!health.ok) {
        await report('unhealthy', health.reason ?? 'no answer');
        await wait(HEALTH_EVERY_MS, undefined, { signal }).catch(() => undefined);
        continue;
      }
      await report('serving', null);
      await serveWhileHealthy(service, { provider, host: host.id, report }).catch(async (error: unknown) => {
        log.error({ error: messageOf(error) }, 'its Worker ended');
        await wait(HEALTH_EVERY_MS, undefined, { signal }).catch(() => undefined);
      });
    }
    await report('stopped', null);
  } finally {
    await provider.close();
  }
}

async function serveWhileHealthy(
  { target, storage, config, signal }: ComfyService,
  of: { provider: Provider; host: string; report: (state: HostDoc['state'], reason: string | null) => Promise<void> },
): Promise<void> {
  // Workers of one queue in one process each need a connection of their own.
  const connection = await NativeConnection.connect(target.connectionOptions);
  try {
    const worker = await Worker.create({
      connection,
      namespace: target.namespace,
      taskQueue: gpuQueue(DEFAULT_POOL),
      identity: `${hostname()}/${of.host}`,
      activities: createGenerateActivities({ storage, provider: of.provider, usdPerHour: config.comfyUsdPerHour }),
      maxConcurrentActivityTaskExecutions: SLOTS,
      // A cancellation arrives with the answer to a heartbeat.
      maxHeartbeatThrottleInterval: '1s',
      defaultHeartbeatThrottleInterval: '1s',
      shutdownGraceTime: GRACE,
    });
    const stop = new AbortController();
    const running = worker.run().finally(() => stop.abort());
    const shutdown = () => worker.getState() === 'RUNNING' && worker.shutdown();
    const ended = AbortSignal.any([signal, stop.signal]);
    ended.addEventListener('abort', shutdown, { once: true });
    if (ended.aborted) shutdown();
    const sick = await untilSick(of.provider, ended);
    if (sick) await of.report('unhealthy', sick.reason ?? 'no answer');
    shutdown();
    await running;
  } finally {
    await connection.close();
  }
}

/** The health that made it sick, or undefined once `signal` aborts. */
async function untilSick(provider: Provider, signal: AbortSignal): Promise<Health | undefined> {
  for (let failures = 0; ;) {
    await wait(HEALTH_EVERY_MS, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return undefined;
    const health = await provider.health();
    failures = health.ok ? 0 : failures + 1;
    if (failures >= FAILURES_BEFORE_STOP) return health;
  }
}
