import { CullError } from '../../errors.js';
import type { Progress } from '../provider.js';
import { cancelPrompt } from './cancel.js';
import type { Host } from './host.js';
import type { Job } from './job.js';
import { patiently, type PatienceOptions } from './patience.js';

export interface WaitOptions {
  patience: PatienceOptions;
  /** A running prompt without any news for so long has stalled (three times as long where no news can arrive). Milliseconds. */
  stallMs: number;
  /** A waiting prompt while nothing before it moves for so long has stalled. Milliseconds. */
  queueStallMs: number;
  signal: AbortSignal;
  /** The client id the prompt was submitted with; undefined where another process submitted it. */
  clientId?: string;
  onProgress(progress: Progress): void;
}

const FIRST_POLL_MS = 250;
const SLOWEST_POLL_MS = 2_000;
/** Without news the poll is all there is. */
const SLOWEST_BLIND_POLL_MS = 500;
/** ComfyUI says "ended" a moment before its history has the prompt. */
const AFTER_END_MS = 25;
const QUEUE_LOOK_MS = 10_000;

/**
 * Waits until a prompt has ended. Events wake, the poll decides.
 *
 * @returns the job; `unknown` if ComfyUI has forgotten it (a restart, or somebody took it out of the queue)
 * @throws CullError COMFY_STALLED after cancelling it, COMFY_UNREACHABLE; the signal's reason
 */
export async function waitForEnd(host: Host, promptId: string, options: WaitOptions): Promise<Job> {
  const { client, events } = host;
  const { signal, clientId } = options;
  const bell = new Bell();
  const news = { at: Date.now(), ended: false };
  const stopListening = events.listen(promptId, (event) => {
    news.at = Date.now();
    if (event.type === 'ended') {
      news.ended = true;
      bell.ring();
    } else if (event.type === 'progress' && (event.node !== undefined || event.step !== undefined)) {
      const { type: _, ...progress } = event;
      options.onProgress(progress);
    }
  });
  const hears = (): boolean => clientId !== undefined && events.hears(clientId);

  let state: Job['state'] | undefined;
  let unknowns = 0;
  let delay = FIRST_POLL_MS;
  let queue = { depth: -1, at: Date.now() };
  try {
    if (!hears()) delay = 50;
    for (;;) {
      await bell.wait(news.ended ? AFTER_END_MS : delay, signal);
      delay = Math.min(hears() ? SLOWEST_POLL_MS : SLOWEST_BLIND_POLL_MS, delay * 1.5);
      const job = await patiently(() => client.job(promptId, { signal }), { ...options.patience, signal });
      if (job.state === 'succeeded' || job.state === 'failed' || job.state === 'cancelled') return job;
      // Once is not enough: it may be just on its way from the queue to the history.
      unknowns = job.state === 'unknown' ? unknowns + 1 : 0;
      if (unknowns === 3) return job;
      if (unknowns > 0) delay = 100;
      if (job.state !== state) {
        state = job.state;
        news.at = Date.now();
      }
      if (state === 'pending' && Date.now() - queue.at >= QUEUE_LOOK_MS) {
        const depth = await patiently(() => client.queueDepth({ signal }), { ...options.patience, signal });
        if (depth !== queue.depth) news.at = Date.now();
        queue = { depth, at: Date.now() };
      }
      const allowed = state === 'pending' ? options.queueStallMs : options.stallMs * (hears() ? 1 : 3);
      if (Date.now() - news.at >= allowed) throw await stalled(host, promptId, { state, allowed });
      // "Ended" can be about a prompt of the same id that is not ours; do not poll in a tight loop for ever.
      if (news.ended && Date.now() - news.at > 2_000) news.ended = false;
    }
  } finally {
    stopListening();
  }
}

async function stalled(
  host: Host,
  promptId: string,
  how: { state: string | undefined; allowed: number },
): Promise<CullError> {
  await cancelPrompt(host.client, promptId);
  const minutes = Math.round(how.allowed / 6_000) / 10;
  return new CullError(
    'COMFY_STALLED',
    `ComfyUI at ${host.url} made no progress for ${minutes} min (the prompt was ${how.state ?? 'not found'})`,
    { hint: 'restart that ComfyUI: its worker thread may be dead while it still answers', details: { promptId } },
  );
}

/** A wait that can be cut short. A ring while nobody waits counts for the next wait. */
class Bell {
  #rung = false;
  #wake: (() => void) | undefined;

  ring(): void {
    this.#rung = true;
    this.#wake?.();
  }

  async wait(ms: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (!this.#rung) {
      await new Promise<void>((resolve) => {
        const done = (): void => {
          clearTimeout(timer);
          signal.removeEventListener('abort', done);
          this.#wake = undefined;
          resolve();
        };
        const timer = setTimeout(done, ms);
        signal.addEventListener('abort', done, { once: true });
        this.#wake = done;
      });
    }
    this.#rung = false;
    signal.throwIfAborted();
  }
}
