import type { PromptEvent } from './events.js';

/**
 * How long a prompt may take, in milliseconds. A limit that is passed ends the wait: the prompt is cancelled by its id.
 *
 * Progress is what the websocket tells; the first two, and the last for a running prompt, count only while it does.
 */
export interface WaitLimits {
  /** A node that runs without progress. @default 60_000 */
  noProgressMs: number;
  /** The same for a node that loads a model. @default 300_000 */
  loaderMs: number;
  /** From the start of the prompt to its end. @default 1_200_000 */
  executionMs: number;
  /** A waiting prompt while nothing moves before it. @default 1_800_000 */
  queueStallMs: number;
  /** Nobody works: a prompt waits while none runs, or runs while not even its first node begins. @default 45_000 */
  workerDeadMs: number;
}

export const WAIT_LIMITS: WaitLimits = {
  noProgressMs: 60_000,
  loaderMs: 300_000,
  executionMs: 1_200_000,
  queueStallMs: 1_800_000,
  workerDeadMs: 45_000,
};

/** A limit that was passed. */
export interface Expiry {
  limit: keyof WaitLimits;
  /** The limit itself, in milliseconds. */
  ms: number;
  state: 'pending' | 'running';
  /** The node of the graph that runs, if it is known. */
  node?: string;
}

/** What the queue looks like from a waiting prompt. */
export interface QueueLook {
  /** Ids of prompts that run. */
  running: string[];
  /** Prompts that run before ours. */
  ahead: number;
}

/**
 * What is known of one prompt's progress, and which limit it has passed. Pure: told everything, asks nobody.
 *
 * All times are of our own monotonic clock: the host's clock can be wrong by any amount.
 */
export class Watch {
  readonly #limits: WaitLimits;
  readonly #isLoader: (node: string) => boolean;
  #state: 'pending' | 'running' | undefined;
  #node: string | undefined;
  /** When something of the prompt was last heard, or its state changed. */
  #newsAt: number;
  #runningSince = 0;
  #queue = '';
  #queueMovedAt: number;
  /** Since when we wait although nothing runs. */
  #idleSince: number | undefined;

  constructor(limits: WaitLimits, options: { isLoader: (node: string) => boolean; now: number }) {
    this.#limits = limits;
    this.#isLoader = options.isLoader;
    this.#newsAt = options.now;
    this.#queueMovedAt = options.now;
  }

  /** The websocket said something about the prompt. */
  heard(event: PromptEvent, now: number): void {
    this.#newsAt = now;
    if (event.type === 'ended') return;
    this.#run(now);
    if (event.type === 'progress' && event.node !== undefined) this.#node = event.node;
  }

  /** The answer to a poll. */
  saw(state: 'pending' | 'running', now: number): void {
    if (state === this.#state) return;
    this.#newsAt = now;
    if (state === 'running') this.#run(now);
    else this.#wait(now);
  }

  sawQueue(look: QueueLook, now: number): void {
    const queue = `${look.ahead} ${look.running.join()}`;
    if (queue !== this.#queue) this.#queueMovedAt = now;
    this.#queue = queue;
    this.#idleSince = look.running.length > 0 ? undefined : (this.#idleSince ?? now);
  }

  /** Time that the host did not answer does not count against the prompt. */
  excuse(ms: number): void {
    this.#newsAt += ms;
    this.#runningSince += ms;
    this.#queueMovedAt += ms;
    if (this.#idleSince !== undefined) this.#idleSince += ms;
  }

  /** @param hears whether news of the prompt would arrive; without, a silence says nothing */
  expired(now: number, hears: boolean): Expiry | undefined {
    const passed = (limit: keyof WaitLimits, since: number): Expiry | undefined => {
      const ms = this.#limits[limit];
      if (this.#state === undefined || now - since < ms) return undefined;
      const node = this.#state === 'running' && this.#node !== undefined ? { node: this.#node } : {};
      return { limit, ms, state: this.#state, ...node };
    };
    if (this.#state === 'pending') {
      const idle = this.#idleSince === undefined ? undefined : passed('workerDeadMs', this.#idleSince);
      return idle ?? passed('queueStallMs', this.#queueMovedAt);
    }
    const silence = hears ? passed(this.#silenceLimit(), this.#newsAt) : undefined;
    return silence ?? passed('executionMs', this.#runningSince);
  }

  #silenceLimit(): keyof WaitLimits {
    if (this.#node === undefined) return 'workerDeadMs';
    return this.#isLoader(this.#node) ? 'loaderMs' : 'noProgressMs';
  }

  #run(now: number): void {
    if (this.#state === 'running') return;
    this.#state = 'running';
    this.#runningSince = now;
    this.#node = undefined;
  }

  #wait(now: number): void {
    this.#state = 'pending';
    this.#queueMovedAt = now;
    this.#idleSince = undefined;
  }
}
