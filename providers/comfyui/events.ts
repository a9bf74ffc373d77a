import { randomUUID } from 'node:crypto';
import type { Address } from './address.js';
import { openConnection, type OpenConnection } from './connection.js';
import type { ComfyFrame } from './frames.js';
import { Inbox } from './inbox.js';
import type { ComfyMessage } from './messages.js';
import { backOff } from './patience.js';

/** Everything that a subscription yields. */
export type ComfyEvent = ComfyMessage | ComfyFrame | ConnectionEvent;

/**
 * The connection came or went. Nothing is sent again: after `disconnected`, ask over HTTP what became of prompts that were
 * submitted under the client id before; their news do not come any more.
 */
export type ConnectionEvent = { type: 'connected'; clientId: string } | { type: 'disconnected' };

/** News of one prompt. Hints only: the truth is asked over HTTP. */
export type PromptEvent =
  | { type: 'started' }
  | {
      type: 'progress';
      /** The node of the graph that runs, where the message names one. */
      node?: string;
      step?: number;
      of?: number;
    }
  /** ComfyUI is done with the prompt, well or badly. */
  | { type: 'ended' };

export type PromptListener = (event: PromptEvent) => void;

export interface EventsOptions {
  address: Address;
  /** Milliseconds before the first reconnect; doubles up to 30 s. @default 250 */
  reconnectMs?: number;
  /** Milliseconds between pings; a connection that is silent from one to the next is given up. @default 30_000 */
  pingMs?: number;
}

export interface SubscribeOptions {
  /** Only what is about this prompt; left out, everything that ComfyUI sends to this connection. */
  promptId?: string;
  /** So many pictures wait for a consumer that is behind; older ones are dropped. @default 16 */
  maxPreviews?: number;
  /** Ends the iteration; what has arrived can still be read. */
  signal?: AbortSignal;
}

const SLOWEST_RECONNECT_MS = 30_000;
/** A connection that is over sooner counts as a failure: the next try waits longer. */
const SHORT_LIFE_MS = 10_000;

/**
 * The websocket of one ComfyUI, shared by all prompts sent there. It opens with the first `ready` or `subscribe`, comes back
 * by itself, and never throws.
 *
 * Every connection has a client id of its own: ComfyUI silences a connection that takes over the id of an older one once
 * that one closes. So a prompt's news stop when the connection breaks; `hears` tells, and polling goes on.
 *
 * @example
 * const events = new ComfyEvents({ address: comfy.address });
 * await events.ready();
 * const news = events.subscribe({ promptId });
 * await comfy.submit({ graph, promptId, clientId: events.clientId });
 * for await (const event of news) {
 *   if (event.type === 'preview') show(event.image);
 *   if (event.type === 'disconnected' || (event.type === 'executing' && event.node === null)) break;
 * }
 * const job = await comfy.job(promptId); // the truth
 * events.close();
 */
export class ComfyEvents {
  readonly #options: EventsOptions;
  readonly #listeners = new Map<string, Set<PromptListener>>();
  readonly #subscriptions = new Map<Inbox, string | undefined>();
  readonly #waiting = new Set<() => void>();
  #connection: OpenConnection | undefined;
  #clientId: string = randomUUID();
  #open = false;
  #closed = false;
  /** Whether the last connection ended without a word. */
  #deaf = false;
  #openedAt = 0;
  /** Connections in a row that were over at once. */
  #failures = 0;
  #retry: NodeJS.Timeout | undefined;

  constructor(options: EventsOptions) {
    this.#options = options;
  }

  /** The client id to submit with. */
  get clientId(): string {
    return this.#clientId;
  }

  /** Whether news of prompts that were submitted under this client id still arrive. */
  hears(clientId: string): boolean {
    return this.#open && clientId === this.#clientId;
  }

  /**
   * Resolves when the connection is up, or after `timeoutMs` without one; at once where the last try failed: prompts do not
   * wait for a websocket that is not to be had.
   */
  async ready(timeoutMs = 2_000): Promise<void> {
    this.#start();
    if (this.#open || this.#closed || this.#deaf) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(done);
        resolve();
      };
      const timer = setTimeout(done, timeoutMs);
      this.#waiting.add(done);
    });
  }

  /**
   * Listens to one prompt. Where it is at this moment is told at once: its first news can arrive before the answer to its
   * submit.
   *
   * @returns the function that stops it
   */
  listen(promptId: string, listener: PromptListener): () => void {
    const all = this.#listeners.get(promptId) ?? new Set();
    this.#listeners.set(promptId, all.add(listener));
    const last = this.#connection?.last();
    if (last?.promptId === promptId) tell([listener], newsOf(last));
    return () => {
      all.delete(listener);
      if (all.size === 0 && this.#listeners.get(promptId) === all) this.#listeners.delete(promptId);
    };
  }

  /**
   * Yields what ComfyUI says from now on, and when the connection comes and goes. The consumer may be as slow as it likes:
   * `Inbox` says what is kept for it. Ends with `close`, with the signal, or when the loop is left.
   */
  subscribe(options: SubscribeOptions = {}): AsyncIterableIterator<ComfyEvent, undefined> {
    const { promptId, maxPreviews = 16, signal } = options;
    const inbox = new Inbox({
      maxPreviews,
      onEnd: () => {
        this.#subscriptions.delete(inbox);
        signal?.removeEventListener('abort', end);
      },
    });
    const end = (): void => inbox.end();
    this.#subscriptions.set(inbox, promptId);
    signal?.addEventListener('abort', end, { once: true });
    if (this.#closed || signal?.aborted) end();
    else if (this.#open) inbox.put({ type: 'connected', clientId: this.#clientId });
    else this.#start();
    return inbox;
  }

  close(): void {
    this.#closed = true;
    this.#open = false;
    clearTimeout(this.#retry);
    this.#connection?.close();
    this.#release();
    for (const inbox of [...this.#subscriptions.keys()]) inbox.end();
  }

  #start(): void {
    if (!this.#connection && !this.#retry && !this.#closed) this.#connect();
  }

  #connect(): void {
    this.#retry = undefined;
    this.#openedAt = performance.now();
    this.#connection = openConnection({
      address: this.#options.address,
      clientId: this.#clientId,
      pingMs: this.#options.pingMs ?? 30_000,
      onOpen: () => {
        if (this.#closed) return;
        this.#open = true;
        this.#deaf = false;
        this.#release();
        this.#publish({ type: 'connected', clientId: this.#clientId });
      },
      onMessage: (message) => this.#publish(message),
      onClose: (spoke) => this.#lost(spoke),
    });
  }

  #lost(spoke: boolean): void {
    this.#connection = undefined;
    if (this.#closed) return;
    if (this.#open) this.#publish({ type: 'disconnected' });
    this.#open = false;
    // The id of the next connection, so that prompts submitted meanwhile are heard once it is there.
    this.#clientId = randomUUID();
    this.#failures = performance.now() - this.#openedAt < SHORT_LIFE_MS ? this.#failures + 1 : 1;
    this.#deaf = !spoke;
    if (this.#deaf) this.#release();
    const delay = backOff(this.#failures - 1, this.#options.reconnectMs ?? 250, SLOWEST_RECONNECT_MS);
    this.#retry = setTimeout(() => this.#connect(), delay).unref();
  }

  #release(): void {
    for (const done of [...this.#waiting]) done();
  }

  #publish(event: ComfyEvent): void {
    if (this.#closed) return;
    const about = 'promptId' in event ? event.promptId : undefined;
    const always = event.type === 'connected' || event.type === 'disconnected';
    for (const [inbox, wanted] of this.#subscriptions) {
      if (always || wanted === undefined || wanted === about) inbox.put(event);
    }
    const listeners = about === undefined ? undefined : this.#listeners.get(about);
    if (listeners) tell([...listeners], newsOf(event));
  }
}

function tell(listeners: PromptListener[], news: PromptEvent | undefined): void {
  if (!news) return;
  for (const listener of listeners) {
    try {
      listener(news);
    } catch {
      // A listener's defect must not take the connection down for the others.
    }
  }
}

function newsOf(event: ComfyEvent): PromptEvent | undefined {
  switch (event.type) {
    case 'execution_start':
      return { type: 'started' };
    case 'executing':
      return event.node === null ? { type: 'ended' } : { type: 'progress', node: event.displayNode ?? event.node };
    case 'execution_interrupted':
      return { type: 'ended' };
    case 'execution_error':
      return event.final ? { type: 'ended' } : undefined;
    case 'progress':
      return {
        type: 'progress',
        ...(event.node === undefined ? {} : { node: event.node }),
        step: event.value,
        of: event.max,
      };
    case 'execution_cached':
    case 'execution_success':
    case 'executed':
    case 'preview':
    case 'progress_state':
    case 'text':
      return { type: 'progress' };
    default:
      return undefined;
  }
}
