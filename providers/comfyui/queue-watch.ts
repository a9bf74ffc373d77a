import type { QueueItem } from './endpoints/queue.js';
import { isLoaderClass } from './loaders.js';

/** A worker thread that lives takes the next prompt within milliseconds. */
const IDLE_MS = 15_000;
/** A prompt that runs while nobody here hears of it. */
const RUNNING_MS = 50_000;
/** The same where it may be loading a model. */
const LOADING_MS = 300_000;
/** No prompt that is well runs so long. */
const SURE_MS = 1_200_000;

export interface Stuck {
  /** What does not move, for people. */
  reason: string;
  /** False if it may be a job of somebody else's that takes long. */
  isSure: boolean;
}

/**
 * Whether the queue of a ComfyUI moves, from what `/queue` shows over time. Pure: told everything, asks nobody.
 *
 * New prompts are no movement, nor are those that somebody takes away: only a worker that takes the next one is.
 */
export class QueueWatch {
  #running: Pick<QueueItem, 'promptId' | 'graph'>[] = [];
  #pending = 0;
  #since = 0;

  /** @param now milliseconds of a monotonic clock */
  saw(queue: { running: Pick<QueueItem, 'promptId' | 'graph'>[]; pending: number }, now: number): void {
    const ids = (items: typeof queue.running): string => items.map(({ promptId }) => promptId).join();
    const isIdle = queue.running.length === 0 && queue.pending === 0;
    const wasIdle = this.#running.length === 0 && this.#pending === 0;
    if (isIdle || wasIdle || ids(queue.running) !== ids(this.#running)) this.#since = now;
    this.#running = queue.running;
    this.#pending = queue.pending;
  }

  /**
   * @param about.isOwn prompts that somebody here waits for and hears of; they are not judged here
   * @param about.givenUp a prompt of ours that was cancelled because nobody worked on it, and did not end
   */
  stuck(now: number, about: { isOwn: (promptId: string) => boolean; givenUp?: string | undefined }): Stuck | undefined {
    const { isOwn, givenUp } = about;
    const took = now - this.#since;
    const [running] = this.#running;
    if (!running) {
      if (this.#pending === 0 || took < IDLE_MS) return undefined;
      return { reason: `takes none of the ${this.#pending} prompts that wait`, isSure: true };
    }
    if (this.#running.some(({ promptId }) => promptId === givenUp))
      return { reason: `prompt ${running.promptId} was given up and does not end`, isSure: true };
    if (this.#running.some(({ promptId }) => isOwn(promptId))) return undefined;
    if (isPoison(running.graph)) {
      if (took < IDLE_MS) return undefined;
      return {
        reason: `prompt ${running.promptId} of somebody else has stopped it (a node without inputs)`,
        isSure: true,
      };
    }
    const mayLoad = Object.values(running.graph).some(({ class_type }) => isLoaderClass(class_type));
    if (took < (mayLoad ? LOADING_MS : RUNNING_MS)) return undefined;
    const seconds = Math.round(took / 1000);
    return { reason: `prompt ${running.promptId} has run for ${seconds} s`, isSure: took >= SURE_MS };
  }
}

/** The prompt that passes validation and ends the worker thread: see poison.ts. */
const isPoison = (graph: QueueItem['graph']): boolean =>
  Object.values<Partial<QueueItem['graph'][string]>>(graph).some(({ inputs }) => typeof inputs !== 'object');
