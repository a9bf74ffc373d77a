import { randomUUID } from 'node:crypto';
import { messageOf } from '../../errors.js';
import type { Graph } from '../../templates/types.js';
import type { Health } from '../provider.js';
import { cancelPrompt } from './cancel.js';
import type { ComfyClient } from './client.js';
import type { SystemStats } from './endpoints/info.js';
import { QueueWatch } from './queue-watch.js';

/** A health check must not wait long: the answer is wanted every few seconds. */
const ASK_MS = 3_000;
/** The queue carries every graph along: it is looked at no oftener. */
const QUEUE_EVERY_MS = 5_000;
const STATS_EVERY_MS = 10_000;
/** A card with less free memory than this share while nothing runs draws nothing. */
const LEAST_FREE = 0.01;
const PROBE_MS = 15_000;

/** The smallest job there is: no model, no file, nothing kept. */
const PROBE: Graph = {
  '1': { class_type: 'EmptyImage', inputs: { width: 16, height: 16, batch_size: 1, color: 0 } },
  '2': { class_type: 'PreviewImage', inputs: { images: ['1', 0] } },
};

/**
 * Whether one ComfyUI draws: it answers, its queue moves, its card has memory. HTTP alone does not tell: a ComfyUI whose worker
 * thread is dead answers everything and draws nothing.
 */
export class HealthCheck {
  readonly #client: ComfyClient;
  readonly #isOwn: (promptId: string) => boolean;
  readonly #extraData: Record<string, unknown>;
  readonly #watch = new QueueWatch();
  #queueAt = -Infinity;
  #statsAt = -Infinity;
  #card: Health['memory'];
  #cardAt = -Infinity;
  #memory: string | undefined;
  #isFreed = false;
  /** The prompt of which somebody who waited for it says that nobody works on it. */
  #suspect: string | undefined;

  /** @param options.isOwn prompts that somebody here waits for: whoever waits tells when they do not move */
  constructor(
    client: ComfyClient,
    options: { isOwn: (promptId: string) => boolean; extraData?: Record<string, unknown> },
  ) {
    this.#client = client;
    this.#isOwn = options.isOwn;
    this.#extraData = options.extraData ?? {};
  }

  /** Somebody who waited for a prompt says that nobody works there. It is believed until a job has ended, or another one runs. */
  suspect(promptId: string): void {
    this.#suspect = promptId;
    this.#queueAt = -Infinity;
  }

  /** A job has ended. */
  proven(): void {
    this.#suspect = undefined;
  }

  async check(): Promise<Health> {
    try {
      const queueDepth = await this.#client.queueDepth({ timeoutMs: ASK_MS });
      const sick = (await this.#queueTrouble(queueDepth)) ?? (queueDepth === 0 ? await this.#idleTrouble() : undefined);
      if (queueDepth > 0 && !sick) await this.#lookAtCard();
      const seen = { queueDepth, ...(this.#card && { memory: this.#card }) };
      return sick ? { ok: false, ...seen, ...sick } : { ok: true, ...seen };
    } catch (error) {
      return { ok: false, reason: messageOf(error) };
    }
  }

  async #queueTrouble(depth: number): Promise<Pick<Health, 'reason' | 'restart'> | undefined> {
    const now = performance.now();
    if (depth === 0) {
      this.#watch.saw({ running: [], pending: 0 }, now);
      return undefined;
    }
    if (now - this.#queueAt >= QUEUE_EVERY_MS) {
      this.#queueAt = now;
      const { running, pending } = await this.#client.queue({ timeoutMs: ASK_MS });
      this.#watch.saw({ running, pending: pending.length }, now);
      const isAnother = running.length > 0 && running.every(({ promptId }) => promptId !== this.#suspect);
      if (isAnother) this.#suspect = undefined;
    }
    const stuck = this.#watch.stuck(now, { isOwn: this.#isOwn, givenUp: this.#suspect });
    if (!stuck) return undefined;
    const isSure = stuck.isSure || this.#suspect !== undefined;
    const reason = `it answers, but ${stuck.reason}: ${isSure ? 'its worker thread is dead' : 'its worker thread seems dead'}`;
    return { reason, restart: isSure ? 'surely' : 'perhaps' };
  }

  /** What can be wrong with a ComfyUI that has nothing to do. */
  async #idleTrouble(): Promise<Pick<Health, 'reason' | 'restart'> | undefined> {
    if (this.#suspect !== undefined) {
      if (!(await this.#probe()))
        return { reason: 'it answers, but not even a tiny job ends: its worker thread is dead', restart: 'surely' };
      this.#suspect = undefined;
    }
    const now = performance.now();
    if (now - this.#statsAt >= STATS_EVERY_MS) {
      this.#statsAt = now;
      const before = this.#memory;
      const stats = await this.#client.systemStats({ timeoutMs: ASK_MS });
      this.#saw(stats);
      this.#memory = memoryTrouble(stats);
      if (this.#memory !== undefined && before === undefined && !this.#isFreed) {
        // Models of earlier candidates may fill the card; that is well. Only what stays after they have gone is trouble.
        await this.#client.free({ unloadModels: true }, { timeoutMs: ASK_MS });
        this.#isFreed = true;
        this.#memory = undefined;
      } else this.#isFreed = false;
    }
    return this.#memory === undefined ? undefined : { reason: this.#memory };
  }

  /** How full the card of a ComfyUI that draws is: for people who watch, so it does no harm if it does not say. */
  async #lookAtCard(): Promise<void> {
    if (performance.now() - this.#cardAt < STATS_EVERY_MS) return;
    this.#cardAt = performance.now();
    await this.#client.systemStats({ timeoutMs: ASK_MS }).then(
      (stats) => this.#saw(stats),
      () => undefined,
    );
  }

  #saw({ devices: [device] }: SystemStats): void {
    this.#cardAt = performance.now();
    this.#card =
      device && device.vramTotal > 0 ? { totalBytes: device.vramTotal, freeBytes: device.vramFree } : undefined;
  }

  async #probe(): Promise<boolean> {
    const promptId = randomUUID();
    const signal = AbortSignal.timeout(PROBE_MS);
    try {
      const prompt = { graph: PROBE, promptId, clientId: randomUUID(), extraData: this.#extraData };
      const answer = await this.#client.submit(prompt, { timeoutMs: ASK_MS });
      // A refusal, too, is no sign of a dead worker.
      if (answer.status !== 200) return true;
      while (!signal.aborted) {
        const { state } = await this.#client.job(promptId, { signal });
        if (state !== 'pending' && state !== 'running') return true;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
    await cancelPrompt(this.#client, promptId);
    return false;
  }
}

/**
 * What is wrong with the memory of a ComfyUI that has nothing to do.
 *
 * @returns words for people; undefined where all is well
 */
export function memoryTrouble({ system, devices }: SystemStats): string | undefined {
  const [device] = devices;
  if (!device) return undefined;
  if (device.type === 'cpu') {
    // Without a command line nothing is known of what was wanted.
    const isWanted = system.argv.length === 0 || system.argv.includes('--cpu');
    if (!isWanted) return 'it draws on its CPU, though nobody started it with --cpu: its GPU is gone';
  }
  if (device.vramTotal <= 0 || device.vramFree >= device.vramTotal * LEAST_FREE) return undefined;
  const mib = (bytes: number): number => Math.round(bytes / 2 ** 20);
  return `its ${device.name} has ${mib(device.vramFree)} of ${mib(device.vramTotal)} MiB free while nothing runs: something else fills it`;
}
