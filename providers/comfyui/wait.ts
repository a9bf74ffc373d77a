import type { Graph } from '../../templates/types.js';
import type { Progress } from '../provider.js';
import { Bell } from './bell.js';
import { giveUp } from './expiry.js';
import type { Host } from './host.js';
import type { Job } from './job.js';
import { isLoaderCategory, isLoaderClass } from './loaders.js';
import { patiently, type PatienceOptions } from './patience.js';
import { Watch, type QueueLook, type WaitLimits } from './watch.js';

export interface WaitOptions {
  patience: PatienceOptions;
  limits: WaitLimits;
  /** Milliseconds between polls while news arrive; a quarter of it where none can. @default 2_000 */
  pollMs?: number;
  signal: AbortSignal;
  /** The client id the prompt was submitted with; undefined where another process submitted it. */
  clientId?: string;
  /** What was submitted: tells which nodes load models, and their names for people. */
  graph: Graph;
  onProgress(progress: Progress): void;
}

/** The first poll comes soon: a prompt that was answered from the cache ends at once. */
const FIRST_POLL_MS = 250;
const FIRST_BLIND_POLL_MS = 50;
/** ComfyUI says "ended" a moment before its history has the prompt. */
const AFTER_END_MS = 25;
/** "Ended" can be about an earlier prompt of the same id: no tight loop for ever. */
const BELIEVE_END_MS = 2_000;
/** Once is not enough: a prompt may be just on its way from the queue to the history. */
const UNKNOWN_TIMES = 3;
const UNKNOWN_MS = 100;
const QUEUE_LOOK_MS = 10_000;
/** An answer that took longer says nothing about the prompt meanwhile. */
const SLOW_ANSWER_MS = 1_000;

/** Our own and monotonic: the host's clock, and ours when somebody sets it, may be wrong by any amount. */
const now = (): number => performance.now();

/**
 * Waits until a prompt has ended. Events wake, the poll decides.
 *
 * @returns the job; `unknown` if ComfyUI has forgotten it (a restart, or somebody took it out of the queue)
 * @throws CullError COMFY_STALLED or COMFY_WORKER_DEAD after cancelling it, COMFY_UNREACHABLE; the signal's reason
 */
export async function waitForEnd(host: Host, promptId: string, options: WaitOptions): Promise<Job> {
  const { client, events } = host;
  const { signal, clientId, limits, graph, pollMs = 2_000 } = options;
  const slowLoaders = new Set<string>();
  const isLoader = (node: string): boolean => {
    const name = classOf(node, graph);
    return isLoaderClass(name) || slowLoaders.has(name);
  };
  const watch = new Watch(limits, { isLoader, now: now() });
  const bell = new Bell();
  let endedAt: number | undefined;
  const stopListening = events.listen(promptId, (event) => {
    watch.heard(event, now());
    if (event.type === 'ended') {
      endedAt = now();
      bell.ring();
    } else if (event.type === 'progress' && (event.node !== undefined || event.step !== undefined)) {
      const { type: _, ...progress } = event;
      options.onProgress(progress);
    }
  });
  const hears = (): boolean => clientId !== undefined && events.hears(clientId);
  const ask = async <T>(question: () => Promise<T>): Promise<T> => {
    const asked = now();
    const answer = await patiently(question, { ...options.patience, signal });
    const took = now() - asked;
    if (took > SLOW_ANSWER_MS) watch.excuse(took);
    return answer;
  };

  let unknowns = 0;
  let delay = Math.min(pollMs, hears() ? FIRST_POLL_MS : FIRST_BLIND_POLL_MS);
  const lookMs = Math.min(QUEUE_LOOK_MS, limits.workerDeadMs / 4, limits.queueStallMs / 4);
  let lookedAt = now();
  try {
    for (;;) {
      if (endedAt !== undefined && now() - endedAt > BELIEVE_END_MS) endedAt = undefined;
      await bell.wait(unknowns > 0 ? UNKNOWN_MS : endedAt === undefined ? delay : AFTER_END_MS, signal);
      delay = Math.min(hears() ? pollMs : pollMs / 4, delay * 1.5);
      const job = await ask(() => client.job(promptId, { signal }));
      if (job.state === 'unknown') {
        if (++unknowns === UNKNOWN_TIMES) return job;
        continue;
      }
      unknowns = 0;
      if (job.state !== 'pending' && job.state !== 'running') return job;
      watch.saw(job.state, now());
      if (job.state === 'pending' && now() - lookedAt >= lookMs) {
        watch.sawQueue(await ask(() => lookAtQueue(host, promptId, signal)), now());
        lookedAt = now();
      }
      const expiry = watch.expired(now(), hears());
      if (!expiry) continue;
      // A loader may not be named like one: its category is asked for once it matters.
      if (expiry.limit === 'noProgressMs' && expiry.node !== undefined) {
        const name = classOf(expiry.node, graph);
        if (!slowLoaders.has(name) && (await isLoaderOn(host, name, signal))) {
          slowLoaders.add(name);
          continue;
        }
      }
      return await giveUp(host, promptId, { expiry, graph });
    }
  } finally {
    stopListening();
  }
}

const classOf = (node: string, graph: Graph): string =>
  Object.hasOwn(graph, node) ? (graph[node]?.class_type ?? '') : '';

async function lookAtQueue(host: Host, promptId: string, signal: AbortSignal): Promise<QueueLook> {
  const { running, pending } = await host.client.queue({ signal });
  const ids = pending.map((item) => item.promptId);
  const at = ids.indexOf(promptId);
  // Not there: it has just been taken, the next poll will tell.
  return { running: running.map((item) => item.promptId), ahead: at < 0 ? ids.length : at };
}

async function isLoaderOn(host: Host, className: string, signal: AbortSignal): Promise<boolean> {
  if (className === '') return false;
  try {
    return isLoaderCategory((await host.client.objectInfo(className, { signal }))?.category ?? '');
  } catch {
    signal.throwIfAborted();
    return false;
  }
}
