import type { ComfyEvent } from './events.js';

/** What nobody needs once so many newer ones wait: messages that no prompt depends on. */
const MAX_ASIDES = 1_000;

/**
 * What waits for one consumer. Taking messages in never waits for it, so a consumer that is slow, or stands still, holds up
 * nobody; what is kept for it stays bounded:
 *
 * - pictures: the newest `maxPreviews`, older ones are dropped;
 * - progress and status: the newest of each node, prompt and kind, for it replaces the ones before;
 * - asides (log lines, asset scans, types we do not know): the newest 1,000;
 * - what happened to prompts and to the connection: everything, in order.
 */
export class Inbox implements AsyncIterableIterator<ComfyEvent, undefined> {
  /** In the order of arrival; a Map, so that any of them can be taken out again. */
  readonly #waiting = new Map<string, ComfyEvent>();
  readonly #previews = new Set<string>();
  readonly #asides = new Set<string>();
  readonly #readers: ((result: IteratorResult<ComfyEvent, undefined>) => void)[] = [];
  readonly #maxPreviews: number;
  readonly #onEnd: () => void;
  #serial = 0;
  #ended = false;

  constructor(options: { maxPreviews: number; onEnd: () => void }) {
    this.#maxPreviews = options.maxPreviews;
    this.#onEnd = options.onEnd;
  }

  put(event: ComfyEvent): void {
    if (this.#ended) return;
    const reader = this.#readers.shift();
    if (reader) {
      reader({ value: event, done: false });
      return;
    }
    const key = supersededBy(event) ?? String(this.#serial++);
    this.#waiting.delete(key);
    this.#waiting.set(key, event);
    if (isPicture(event)) this.#keepNewest(this.#previews, key, this.#maxPreviews);
    else if (isAside(event)) this.#keepNewest(this.#asides, key, MAX_ASIDES);
  }

  next(): Promise<IteratorResult<ComfyEvent, undefined>> {
    for (const [key, event] of this.#waiting) {
      this.#waiting.delete(key);
      this.#previews.delete(key);
      this.#asides.delete(key);
      return Promise.resolve({ value: event, done: false });
    }
    if (this.#ended) return Promise.resolve({ value: undefined, done: true });
    return new Promise((resolve) => this.#readers.push(resolve));
  }

  /** No more will come; what waits can still be read. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    for (const reader of this.#readers.splice(0)) reader({ value: undefined, done: true });
    this.#onEnd();
  }

  /** The consumer leaves: `break` in a `for await`. */
  return(): Promise<IteratorResult<ComfyEvent, undefined>> {
    this.end();
    this.#waiting.clear();
    return Promise.resolve({ value: undefined, done: true });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #keepNewest(keys: Set<string>, key: string, most: number): void {
    keys.add(key);
    for (const oldest of keys) {
      if (keys.size <= most) return;
      keys.delete(oldest);
      this.#waiting.delete(oldest);
    }
  }
}

/** A name that this message shares with those it makes worthless; undefined for messages that each count. */
function supersededBy(event: ComfyEvent): string | undefined {
  switch (event.type) {
    case 'status':
      return 'status';
    case 'progress':
      return `progress ${event.promptId ?? ''} ${event.node ?? ''}`;
    case 'progress_state':
      return `progress_state ${event.promptId}`;
    default:
      return undefined;
  }
}

const isPicture = ({ type }: ComfyEvent): boolean => type === 'preview' || type === 'unencoded_preview';
const isAside = ({ type }: ComfyEvent): boolean =>
  type === 'unknown' || type === 'logs' || type === 'assets' || type === 'text';
