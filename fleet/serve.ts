/** One loop per ComfyUI: wait until it is healthy, run its Worker, stop that when it is not. */
import { setTimeout as wait } from 'node:timers/promises';
import type { TemporalTarget } from '../client/temporal.js';
import type { Config } from '../config.js';
import { messageOf } from '../errors.js';
import { createComfyProvider, type HostAddress } from '../providers/comfyui/index.js';
import type { Health, Provider } from '../providers/provider.js';
import type { Storage } from '../storage/storage.js';
import type { Logger } from '../telemetry/log.js';
import { gpuQueue } from '../workflows/contract.js';
import type { Member } from './members.js';
import type { HostReport } from './report.js';
import { runGpuWorker } from './worker.js';

const HEALTH_EVERY_MS = 2_000;
/** So many unanswered health checks in a row stop the Worker; one can be a hiccup. */
const FAILURES_BEFORE_STOP = 3;

export interface ComfyService {
  member: Member;
  /** The whole fleet as it is now: a candidate may have been submitted to another ComfyUI before. */
  peers: () => HostAddress[];
  config: Config;
  target: TemporalTarget;
  storage: Storage;
  log: Logger;
  report: HostReport;
  /** Drains: nothing new is taken, what runs there finishes. */
  stop: AbortSignal;
  /** Ends what still runs here and leaves it in ComfyUI: another worker attaches to it. */
  leave: AbortSignal;
}

/** Serves one ComfyUI until it is drained. */
export async function serveComfy(service: ComfyService): Promise<void> {
  const { member, peers, config, report, stop } = service;
  const provider = createComfyProvider({
    host: { ...member, ca: config.comfyCa },
    peers: () => peers().map((peer) => ({ ...peer, ca: config.comfyCa })),
    usdPerHour: config.comfyUsdPerHour,
    timeouts: config.comfyTimeouts,
  });
  const pause = () => wait(HEALTH_EVERY_MS, undefined, { signal: stop }).catch(() => undefined);
  try {
    while (!stop.aborted) {
      const health = await provider.health();
      if (health.ok) {
        await report.tell({ state: 'serving', reason: null });
        await serveWhileHealthy(service, provider).catch(async (error: unknown) => {
          service.log.error({ error: messageOf(error) }, 'its Worker ended');
          await pause();
        });
      } else {
        await report.tell({ state: 'unhealthy', reason: health.reason ?? 'no answer' });
        await pause();
      }
    }
  } finally {
    await provider.close();
  }
}

async function serveWhileHealthy(service: ComfyService, provider: Provider): Promise<void> {
  const { member, config, report } = service;
  // A sick ComfyUI gets the same grace as a worker that ends; then its candidates are drawn elsewhere.
  const sick = new AbortController();
  const late = new AbortController();
  const ended = new AbortController();
  const stop = AbortSignal.any([service.stop, sick.signal]);
  stop.addEventListener('abort', () => void report.tell({ state: sick.signal.aborted ? 'unhealthy' : 'draining' }), {
    once: true,
    signal: ended.signal,
  });
  const watching = untilSick(provider, ended.signal).then(async (health) => {
    if (!health) return;
    await report.tell({ state: 'unhealthy', reason: health.reason ?? 'no answer' });
    sick.abort();
    await wait(config.graceMs, undefined, { signal: ended.signal }).catch(() => undefined);
    late.abort();
  });
  try {
    await runGpuWorker({
      ...service,
      provider,
      queue: gpuQueue(member.pool),
      stop,
      leave: AbortSignal.any([service.leave, late.signal]),
    });
  } finally {
    ended.abort();
    await watching;
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
