/** Draws on one healthy ComfyUI: opens the queue that `chooseQueue` says, and goes to another when it says so. */
import { setTimeout as wait } from 'node:timers/promises';
import { messageOf } from '../errors.js';
import type { ComfyProvider } from '../providers/comfyui/index.js';
import { gpuQueue } from '../workflows/contract.js';
import { withAdopted } from './adopted.js';
import { chooseQueue, mustUnload } from './affinity.js';
import type { Fuse } from './fuse.js';
import { gaugeSlots } from './gauges.js';
import type { ComfyService } from './serve.js';
import { runGpuWorker } from './worker.js';

/** So long an open queue without candidates is no hiccup: time to load its models. */
const WARM_UP_AFTER_MS = 1_000;
const QUIET_MS = 500;
const QUIET_STEP_MS = 10;
const STATS_MS = 1_000;

interface Open {
  queue: string;
  stop: AbortController;
  done: Promise<void>;
  since: number;
  isWarmed: boolean;
}

export class QueueRunner {
  readonly #service: ComfyService;
  readonly #provider: ComfyProvider;
  readonly #fuse: Fuse;
  readonly #signals: { stop: AbortSignal; leave: AbortSignal };
  /** The Worker that polls; others that were closed may still end what they have. */
  #open: Open | undefined;
  readonly #ending = new Set<Promise<void>>();
  /** The queue whose models are loaded. */
  #loaded: string | null = null;
  /** Bytes that were taken on the card after a queue's models had been loaded. */
  readonly #memory = new Map<string, number>();
  #memoryTotal = 0;
  #failure: unknown;
  #isOver = false;
  #ring: () => void = () => undefined;

  constructor(
    service: ComfyService,
    of: { provider: ComfyProvider; fuse: Fuse; stop: AbortSignal; leave: AbortSignal },
  ) {
    this.#service = service;
    this.#provider = of.provider;
    this.#fuse = of.fuse;
    this.#signals = { stop: of.stop, leave: of.leave };
  }

  /** Until `stop` aborts and everything here has ended. @throws whatever ended a Worker */
  async run(): Promise<void> {
    const { member, queues } = this.#service;
    const { stop } = this.#signals;
    const unwatch = queues.watch(() => this.#ring());
    const rung = () => this.#ring();
    stop.addEventListener('abort', rung);
    try {
      while (!stop.aborted && this.#failure === undefined) {
        const bell = new Promise<void>((resolve) => (this.#ring = resolve));
        this.#tell();
        const next = chooseQueue(member.id, queues.facts(member.pool)) ?? gpuQueue(member.pool);
        if (next !== this.#open?.queue) await this.#switchTo(next);
        else this.#warmUp(this.#open);
        await bell;
      }
    } finally {
      unwatch();
      stop.removeEventListener('abort', rung);
      this.#isOver = true;
      queues.tell(member.id, undefined);
      void this.#service.report.tell({ queue: null });
      this.#open?.stop.abort();
      await Promise.allSettled([...this.#ending]);
    }
    if (this.#failure !== undefined) throw this.#failure as Error;
  }

  #tell(): void {
    if (this.#isOver) return;
    const { member, metrics, queues, report } = this.#service;
    const { id: host, pool, slots } = member;
    gaugeSlots(metrics, host, { slots, used: this.#fuse.permit.used });
    const queue = this.#open?.queue ?? null;
    const loaded = this.#loaded;
    queues.tell(host, { host, pool, slots, queue, loaded, isIdle: this.#fuse.permit.used < slots });
    void report.tell({ queue, loaded });
  }

  async #switchTo(queue: string): Promise<void> {
    const { log, member, queues } = this.#service;
    const before = this.#open;
    if (before) {
      log.info({ from: before.queue, to: queue }, 'opens another queue');
      await this.#makeRoom(before.queue, queue);
    }
    const stop = new AbortController();
    const done = runGpuWorker({
      ...this.#service,
      provider: withAdopted(this.#fuse.provider, this.#service.adopted),
      permit: this.#fuse.permit,
      queue,
      poolSlots: () => queues.slots(member.pool),
      onChange: () => {
        if (this.#fuse.permit.used > 0 && this.#open?.queue === queue) {
          this.#loaded = queue;
          this.#service.queues.began(queue);
        }
        this.#tell();
      },
      stop: AbortSignal.any([this.#signals.stop, stop.signal]),
      leave: this.#signals.leave,
    }).catch((error: unknown) => {
      this.#failure ??= error;
      this.#ring();
    });
    this.#ending.add(done);
    void done.then(() => this.#ending.delete(done));
    this.#open = { queue, stop, done, since: performance.now(), isWarmed: false };
    this.#tell();
    if (before) await this.#close(before);
  }

  /**
   * Closes a queue, if candidates wait there, while no poll for it is under way: with all slots in use nobody asks. A poll that is broken off
   * may lose the candidate that was just being handed out; it would come again only after its heartbeat is missed.
   */
  async #close({ queue, stop }: Open): Promise<void> {
    const { member, queues } = this.#service;
    const waiting = queues.facts(member.pool).queues.find((one) => one.queue === queue)?.backlog ?? 0;
    const deadline = performance.now() + (waiting > 0 ? QUIET_MS : 0);
    while (performance.now() < deadline && this.#fuse.permit.used < member.slots) await wait(QUIET_STEP_MS);
    stop.abort();
  }

  /** Unloads the models of one queue before those of another are loaded, where both together are known not to fit. */
  async #makeRoom(from: string, to: string): Promise<void> {
    if (this.#loaded !== from) return;
    try {
      const [device] = (await this.#provider.client.systemStats({ timeoutMs: STATS_MS })).devices;
      if (device) {
        this.#memory.set(from, device.vramTotal - device.vramFree);
        this.#memoryTotal = device.vramTotal;
      }
      const [now, next] = [this.#memory.get(from), this.#memory.get(to)];
      if (!mustUnload({ total: this.#memoryTotal, now, next })) return;
      this.#service.log.info({ from, to }, 'unloads models to make room');
      await this.#provider.client.free({ unloadModels: true }, { timeoutMs: STATS_MS });
    } catch (error) {
      // ComfyUI makes room itself, a little later.
      this.#service.log.debug({ error: messageOf(error) }, 'no room was made');
    }
  }

  /** Demand has risen, and this ComfyUI has nothing to do yet: its models are loaded meanwhile. */
  #warmUp(open: Open): void {
    const graph = this.#service.queues.doc(open.queue)?.warmUp;
    const isDue = performance.now() - open.since >= WARM_UP_AFTER_MS && this.#fuse.permit.used === 0;
    if (!graph || open.isWarmed || !isDue || this.#loaded === open.queue) return;
    open.isWarmed = true;
    const signal = AbortSignal.any([this.#signals.stop, open.stop.signal]);
    const { log } = this.#service;
    log.info({ queue: open.queue }, 'loads models ahead');
    this.#provider.warmUp(graph, signal).then(
      (isLoaded) => {
        if (!isLoaded || this.#open !== open) return;
        this.#loaded = open.queue;
        this.#tell();
      },
      (error: unknown) => log.debug({ error: messageOf(error) }, 'models were not loaded ahead'),
    );
  }
}
