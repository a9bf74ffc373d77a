import { CullError } from '../../errors.js';
import type { GenerationJob, Handle, Provider, Quote } from '../provider.js';
import { adopt, type Adoption } from './adopt.js';
import type { Graph } from '../../templates/types.js';
import { cancelPrompt } from './cancel.js';
import type { ComfyClient } from './client.js';
import type { ClientTimeouts } from './endpoints/server.js';
import type { ExpiryDetails } from './expiry.js';
import { HealthCheck } from './health.js';
import { createHost, type Host, type HostAddress } from './host.js';
import type { Mark } from './mark.js';
import { warmUp } from './prewarm.js';
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
export { leftFiles, removeLeft, type HostFolders, type LeftFile } from './folders.js';
export type { HostAddress } from './host.js';
export type { ExpiryDetails } from './expiry.js';
export { hostId } from './host-id.js';
export type { Answer } from './http.js';
export type { FileRef, ImageRef, Job, JobError, JobState } from './job.js';
export type { Adoption } from './adopt.js';
export { leftovers, removeLeftovers, type Leftover, type RemovedLeftovers } from './leftovers.js';
export type { Mark } from './mark.js';
export type * from './messages.js';
export { parseMessage } from './messages.js';
export { markOf } from './mark.js';
export { promptIdOf } from './prompt-id.js';
export { WAIT_LIMITS, type WaitLimits } from './watch.js';
export type {
  FileKind,
  Generation,
  GenerationJob,
  Handle,
  Health,
  InputFile,
  OutputFile,
  Progress,
  Provider,
  Quote,
} from '../provider.js';

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
  readonly client: ComfyClient;
  /** Looks through what a dead predecessor left there: see `adopt`. @throws CullError COMFY_* */
  adopt(who: { pool: string; wants: (mark: Mark) => Promise<boolean> }): Promise<Adoption>;
  /** Runs a tiny graph that loads models, unless anything waits or runs there. @returns whether they are loaded @throws CullError COMFY_* */
  warmUp(graph: Graph, signal: AbortSignal): Promise<boolean>;
  /** Gives up everything that is drawn on this ComfyUI: cancelled there by id, and thrown to whoever waits. */
  fail(error: CullError): void;
  /** Ends the connection and everything under way; prompts that run go on in ComfyUI, for others to attach to. */
  close(): Promise<void>;
}

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

  const runs = new Map<AbortController, { drawing: Promise<unknown>; handle?: Handle }>();
  let closed = false;
  /** Seconds that a candidate takes here, smoothed; null before the first. */
  let seconds: number | null = null;
  const isOwn = (promptId: string): boolean => [...runs.values()].some(({ handle }) => handle?.promptId === promptId);
  const health = new HealthCheck(own.client, { isOwn });

  const generate: Provider['generate'] = async (job: GenerationJob, run) => {
    if (closed) throw closedError();
    const leave = new AbortController();
    const state: { drawing: Promise<unknown>; handle?: Handle } = { drawing: Promise.resolve() };
    const drawing = drawCandidate(job, {
      own,
      hostOf,
      timeouts,
      leave: leave.signal,
      signal: run.signal,
      ...(run.resume ? { resume: run.resume } : {}),
      onSubmitted: (handle) => {
        state.handle = handle;
        return run.onSubmitted(handle);
      },
      onProgress: (progress) => run.onProgress(progress),
    });
    state.drawing = drawing;
    if (run.resume) state.handle = run.resume;
    runs.set(leave, state);
    try {
      const generation = await drawing;
      const took = generation.timing.drawMs / 1000;
      seconds = seconds === null ? took : seconds * 0.8 + took * 0.2;
      if (generation.host === own.id) health.proven();
      return generation;
    } catch (error) {
      const given = leave.signal.aborted ? (leave.signal.reason as unknown) : undefined;
      if (given instanceof CullError && !run.signal.aborted) {
        if (state.handle?.host === own.id) await cancelPrompt(own.client, state.handle.promptId);
        throw given;
      }
      if (error instanceof CullError && error.code === 'COMFY_WORKER_DEAD')
        health.suspect((error.details as ExpiryDetails).promptId);
      throw error;
    } finally {
      runs.delete(leave);
    }
  };

  const quote = (): Quote => {
    const { usdPerHour } = options;
    return { seconds, usd: usdPerHour === undefined || seconds === null ? null : (usdPerHour * seconds) / 3600 };
  };

  return {
    id: 'comfyui',
    client: own.client,
    host: own.id,
    supports: { graph: true, seed: true, cancel: true, referenceImages: true },
    health: () => health.check(),
    quote,
    generate,
    adopt: (who) => adopt(own.client, { host: own.id, ...who }),
    warmUp: (graph, signal) => warmUp(own.client, { graph, signal }),
    fail(error) {
      for (const [leave, { handle }] of runs) if (handle === undefined || handle.host === own.id) leave.abort(error);
    },
    async close() {
      closed = true;
      const ending = [...runs.values()].map(({ drawing }) => drawing);
      for (const leave of runs.keys()) leave.abort(closedError());
      await Promise.allSettled(ending);
      for (const host of hosts.values()) host.events.close();
    },
  };
}

const closedError = (): Error => new Error('the provider is closed');
