/** One loop per ComfyUI: wait until it is healthy, run its Worker, stop that when it is not. */
import { setTimeout as wait } from 'node:timers/promises';
import type { TemporalTarget } from '../client/temporal.js';
import type { Config } from '../config.js';
import { CullError, messageOf } from '../errors.js';
import { createComfyProvider, type ComfyProvider, type HostAddress, type Mark } from '../providers/comfyui/index.js';
import type { Health } from '../providers/provider.js';
import type { Storage } from '../storage/storage.js';
import type { Logger } from '../telemetry/log.js';
import type { Metrics } from '../telemetry/metrics.js';
import { isWanted, type Adopted } from './adopted.js';
import { QueueRunner } from './draw.js';
import { Fuse } from './fuse.js';
import { forgetGauges, gaugeHealth } from './gauges.js';
import type { Member } from './members.js';
import type { Queues } from './queues.js';
import type { HostReport } from './report.js';
import { Restarter } from './restart.js';
import { runSweeper } from './sweeper.js';

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
  metrics: Metrics;
  report: HostReport;
  /** What predecessors left in the ComfyUIs of this worker. */
  adopted: Adopted;
  queues: Queues;
  /** Drains: nothing new is taken, what runs there finishes. */
  stop: AbortSignal;
  /** Ends what still runs here and leaves it in ComfyUI: another worker attaches to it. */
  leave: AbortSignal;
}

/** Serves one ComfyUI until it is drained. */
export async function serveComfy(service: ComfyService): Promise<void> {
  const { member, peers, config, report, stop, log } = service;
  const comfy = createComfyProvider({
    host: { ...member, ca: config.comfyCa },
    peers: () => peers().map((peer) => ({ ...peer, ca: config.comfyCa })),
    usdPerHour: config.comfyUsdPerHour,
    timeouts: config.comfyTimeouts,
  });
  const provider: ComfyProvider = { ...comfy, health: () => healthOf(service, comfy) };
  const restarter = new Restarter({ restart: config.comfyRestart, ...member }, log);
  // Who draws on another ComfyUI meanwhile and wants to know what is here waits for that.
  const first = <T>(look: () => Promise<T>): Promise<T> => service.adopted.during(look());
  const sweeping = runSweeper({ ...service, client: comfy.client });
  const pause = () => wait(HEALTH_EVERY_MS, undefined, { signal: stop }).catch(() => undefined);
  try {
    while (!stop.aborted) {
      const health = await first(() => provider.health());
      if (health.ok) {
        await first(() => takeOver(service, provider));
        await report.tell({ state: 'serving', reason: null, needsRestart: false });
        await serveWhileHealthy(service, provider).catch(async (error: unknown) => {
          log.error({ error: messageOf(error) }, 'its Worker ended');
          await pause();
        });
      } else {
        await tellSick(report, health);
        if (health.restart === 'surely') void restarter.run();
        await pause();
      }
    }
  } finally {
    await sweeping;
    await provider.close();
    forgetGauges(service.metrics, member.id);
  }
}

async function healthOf({ member, metrics }: ComfyService, provider: ComfyProvider): Promise<Health> {
  const health = await provider.health();
  gaugeHealth(metrics, member.id, health);
  return health;
}

/** Finds what a predecessor left there, and clears what nobody wants any more. */
async function takeOver({ member, storage, log, adopted }: ComfyService, provider: ComfyProvider): Promise<void> {
  try {
    const wants = (mark: Mark) => isWanted(storage, mark);
    const { kept, cancelled } = await provider.adopt({ pool: member.pool, wants });
    adopted.keep(kept);
    if (kept.length + cancelled.length > 0)
      log.info({ kept: kept.length, cancelled: cancelled.length }, 'looked through its queue');
  } catch (error) {
    // Nothing is lost by it: attempts with a handle of their own do without.
    log.warn({ error: messageOf(error) }, 'its queue could not be looked through');
  }
}

const tellSick = (report: HostReport, { reason = 'no answer', restart }: Health): Promise<void> =>
  report.tell({ state: 'unhealthy', reason, needsRestart: restart !== undefined });

async function serveWhileHealthy(service: ComfyService, provider: ComfyProvider): Promise<void> {
  const { member, config, report, log } = service;
  const sick = new AbortController();
  const late = new AbortController();
  const ended = new AbortController();
  const fuse = new Fuse({ provider, slots: member.slots, log, report });
  const stop = AbortSignal.any([service.stop, sick.signal]);
  const draining = () => sick.signal.aborted || void report.tell({ state: 'draining', reason: null });
  stop.addEventListener('abort', draining, { once: true, signal: ended.signal });
  const watching = untilSick(provider, ended.signal).then(async (health) => {
    if (!health) return;
    sick.abort();
    await tellSick(report, health);
    // Whoever waits for a dead worker thread waits in vain; one that only does not answer may come back within the grace.
    if (health.restart)
      provider.fail(
        new CullError('COMFY_WORKER_DEAD', `ComfyUI at ${member.url}: ${health.reason ?? 'it does not draw'}`, {
          hint: 'restart that ComfyUI; the candidate is drawn elsewhere',
        }),
      );
    await wait(config.graceMs, undefined, { signal: ended.signal }).catch(() => undefined);
    late.abort();
  });
  try {
    const leave = AbortSignal.any([service.leave, late.signal]);
    await new QueueRunner(service, { provider, fuse, stop, leave }).run();
  } finally {
    ended.abort();
    fuse.close();
    await watching;
  }
}

/** The health that made it sick, or undefined once `signal` aborts. */
async function untilSick(provider: ComfyProvider, signal: AbortSignal): Promise<Health | undefined> {
  for (let failures = 0; ;) {
    await wait(HEALTH_EVERY_MS, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return undefined;
    const health = await provider.health();
    failures = health.ok ? 0 : failures + 1;
    if (failures >= FAILURES_BEFORE_STOP || (health.restart && failures > 0)) return health;
  }
}
