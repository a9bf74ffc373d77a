import { CullError, messageOf } from '../../errors.js';
import type { GenerationJob, Health, Provider, Quote } from '../provider.js';
import type { ClientTimeouts } from './endpoints/server.js';
import { createHost, type Host, type HostAddress } from './host.js';
import { drawCandidate } from './run.js';
import { WAIT_LIMITS, type WaitLimits } from './watch.js';

export type { Address, AddressOptions } from './address.js';
export { ComfyClient } from './client.js';
export type { ComfyClientOptions, ComfyInfo } from './client-info.js';
export type { Cancelled, CancelledMany } from './endpoints/cancel.js';
export type { ClientTimeouts, With } from './endpoints/server.js';
export type { HistoryEntry, HistoryPage } from './endpoints/history.js';
export type { Device, Features, FreeOptions, SystemStats } from './endpoints/info.js';
export type { JobsPage, JobsQuery, JobSummary } from './endpoints/jobs.js';
export type { NodeClass, NodeInput } from './endpoints/object-info.js';
export type { Prompt, QueueItem, QueueView } from './endpoints/queue.js';
export type { MaskUpload, Upload } from './endpoints/upload.js';
export type { Supports } from './endpoints/version.js';
export type { ViewOptions, ViewStream } from './endpoints/view.js';
export {
  ComfyEvents,
  type ComfyEvent,
  type ConnectionEvent,
  type EventsOptions,
  type PromptEvent,
  type PromptListener,
  type SubscribeOptions,
} from './events.js';
export type { NodeProblem } from './errors.js';
export {
  parseFrame,
  type ComfyFrame,
  type PreviewFrame,
  type TextFrame,
  type UnencodedPreviewFrame,
} from './frames.js';
export type { HostAddress } from './host.js';
export type { ExpiryDetails } from './expiry.js';
export { hostId } from './host-id.js';
export type { Answer } from './http.js';
export type { FileRef, ImageRef, Job, JobError, JobState } from './job.js';
export type * from './messages.js';
export { parseMessage } from './messages.js';
export { promptIdOf } from './prompt-id.js';
export { WAIT_LIMITS, type WaitLimits } from './watch.js';
export type { Generation, GenerationJob, Handle, Health, Progress, Provider, Quote } from '../provider.js';

/** Milliseconds. */
export interface ComfyTimeouts extends ClientTimeouts, Partial<WaitLimits> {
  /** A ComfyUI that does not answer for so long is given up. @default 60_000 */
  giveUpMs?: number;
  /** The same where connections are refused: the process is gone, and its queue with it. @default 5_000, at most giveUpMs */
  refusedMs?: number;
  /** Between polls while news arrive; a quarter of it where none can. @default 2_000 */
  pollMs?: number;
}

export interface ComfyProviderOptions {
  /** The ComfyUI that draws; its id is `hostId(url)`. */
  host: HostAddress;
  /** Others, where an earlier try of a candidate may be; a function where they come and go. */
  peers?: HostAddress[] | (() => HostAddress[]);
  timeouts?: ComfyTimeouts;
  /** Price of the host, for quotes; left out, quotes name no price. */
  usdPerHour?: number | undefined;
}

/** A Provider that holds a connection. */
export interface ComfyProvider extends Provider {
  /** Ends the connection and everything under way; prompts that run go on in ComfyUI, for others to attach to. */
  close(): Promise<void>;
}

const HEALTH_MS = 3_000;

/**
 * Draws on one ComfyUI.
 *
 * @throws CullError CONFIG_INVALID if an address is not one
 * @example
 * const url = 'http://127.0.0.1:8188';
 * const provider = createComfyProvider({ host: { id: hostId(url), url } });
 * const { bytes } = await provider.generate(job, { signal, onSubmitted: async () => {}, onProgress: () => {} });
 * await provider.close();
 */
export function createComfyProvider(options: ComfyProviderOptions): ComfyProvider {
  const { giveUpMs = 60_000, refusedMs = 5_000, pollMs = 2_000, ...others } = options.timeouts ?? {};
  const limits = { ...WAIT_LIMITS, ...others };
  const timeouts = { giveUpMs, refusedMs: Math.min(refusedMs, giveUpMs), pollMs, limits };
  const open = (address: HostAddress): Host => createHost(address, others);

  const own = open(options.host);
  const hosts = new Map<string, Host>([[own.id, own]]);
  const hostOf = (id: string): Host | undefined => {
    const known = hosts.get(id);
    if (known) return known;
    const peers = typeof options.peers === 'function' ? options.peers() : options.peers;
    const peer = peers?.find((one) => one.id === id);
    if (peer) hosts.set(id, open(peer));
    return hosts.get(id);
  };

  const runs = new Map<AbortController, Promise<unknown>>();
  let closed = false;
  /** Seconds that a candidate takes here, smoothed; null before the first. */
  let seconds: number | null = null;
  /** How many prompts it held when one stalled; a number that stays says that its worker is dead. */
  let stalledAt: number | undefined;

  const generate: Provider['generate'] = async (job: GenerationJob, run) => {
    if (closed) throw closedError();
    const leave = new AbortController();
    const drawing = drawCandidate(job, {
      own,
      hostOf,
      timeouts,
      leave: leave.signal,
      signal: run.signal,
      ...(run.resume ? { resume: run.resume } : {}),
      onSubmitted: (handle) => run.onSubmitted(handle),
      onProgress: (progress) => run.onProgress(progress),
    });
    runs.set(leave, drawing);
    try {
      const generation = await drawing;
      const took = generation.timing.drawMs / 1000;
      seconds = seconds === null ? took : seconds * 0.8 + took * 0.2;
      stalledAt = undefined;
      return generation;
    } catch (error) {
      if (error instanceof CullError && /^COMFY_(STALLED|WORKER_DEAD)$/.test(error.code)) {
        stalledAt = await own.client.queueDepth({ timeoutMs: HEALTH_MS }).catch(() => undefined);
      }
      throw error;
    } finally {
      runs.delete(leave);
    }
  };

  const health = async (): Promise<Health> => {
    try {
      const queueDepth = await own.client.queueDepth({ timeoutMs: HEALTH_MS });
      if (stalledAt !== undefined && queueDepth === stalledAt && queueDepth > 0) {
        const reason = `ComfyUI at ${own.url} answers but does not move its ${queueDepth} prompts: restart it`;
        return { ok: false, reason, queueDepth };
      }
      stalledAt = undefined;
      return { ok: true, queueDepth };
    } catch (error) {
      return { ok: false, reason: messageOf(error) };
    }
  };

  const quote = (): Quote => {
    const { usdPerHour } = options;
    return { seconds, usd: usdPerHour === undefined || seconds === null ? null : (usdPerHour * seconds) / 3600 };
  };

  return {
    id: 'comfyui',
    host: own.id,
    supports: { graph: true, seed: true, cancel: true, referenceImages: true },
    health,
    quote,
    generate,
    async close() {
      closed = true;
      const ending = [...runs.values()];
      for (const leave of runs.keys()) leave.abort(closedError());
      await Promise.allSettled(ending);
      for (const host of hosts.values()) host.events.close();
    },
  };
}

const closedError = (): Error => new Error('the provider is closed');
