import { randomUUID } from 'node:crypto';
import { WebSocket, type RawData } from 'ws';
import { parseLoose, type Address } from './http.js';

/** News of one prompt. Hints only: the truth is asked over HTTP. */
export type PromptEvent =
  | { type: 'started' }
  | { type: 'progress'; node?: string; step?: number; of?: number }
  /** ComfyUI is done with the prompt, well or badly. */
  | { type: 'ended' };

export type PromptListener = (event: PromptEvent) => void;

export interface EventsOptions {
  address: Address;
  /** Milliseconds before the first reconnect; doubles up to 10 s. @default 250 */
  reconnectMs?: number;
}

/** ComfyUI sends no heartbeat: a connection that does not answer our ping for this long is dead. */
const PING_MS = 20_000;
const HANDSHAKE_MS = 5_000;
/** Full-size previews come through this connection. */
const MAX_MESSAGE_BYTES = 512 * 1024 * 1024;

/**
 * The websocket of one ComfyUI, shared by all prompts sent there; dispatches by prompt id and never throws.
 *
 * Every connection has a client id of its own: ComfyUI silences a connection that takes over the id of an older one once
 * that one closes. So a prompt's news stop when the connection breaks; `hears` tells, and polling goes on.
 */
export class ComfyEvents {
  readonly #options: EventsOptions;
  readonly #listeners = new Map<string, Set<PromptListener>>();
  #socket: WebSocket | undefined;
  #clientId: string = randomUUID();
  #open = false;
  #closed = false;
  /** Connections in a row that never said anything. */
  #failures = 0;
  #retry: NodeJS.Timeout | undefined;
  readonly #waiting = new Set<() => void>();

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
    if (!this.#socket && !this.#retry && !this.#closed) this.#connect();
    if (this.#open || this.#closed || this.#failures > 0) return;
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

  /** Listens to one prompt. @returns the function that stops it */
  listen(promptId: string, listener: PromptListener): () => void {
    const all = this.#listeners.get(promptId) ?? new Set();
    this.#listeners.set(promptId, all.add(listener));
    return () => {
      all.delete(listener);
      if (all.size === 0) this.#listeners.delete(promptId);
    };
  }

  close(): void {
    this.#closed = true;
    this.#open = false;
    clearTimeout(this.#retry);
    this.#socket?.terminate();
    this.#release();
  }

  #connect(): void {
    this.#retry = undefined;
    this.#clientId = randomUUID();
    const { base, headers } = this.#options.address;
    const url = `${base.replace(/^http/, 'ws')}/ws?clientId=${this.#clientId}`;
    const socket = new WebSocket(url, {
      headers,
      handshakeTimeout: HANDSHAKE_MS,
      maxPayload: MAX_MESSAGE_BYTES,
      perMessageDeflate: false,
    });
    this.#socket = socket;
    let pinged = false;
    const ping = setInterval(() => {
      if (pinged) socket.terminate();
      else if (socket.readyState === WebSocket.OPEN) {
        pinged = true;
        socket.ping();
      }
    }, PING_MS).unref();
    let spoke = false;
    socket.once('message', () => {
      spoke = true;
      this.#open = !this.#closed;
      this.#failures = 0;
      this.#release();
    });
    // Only the first message may carry flags.
    socket.once('open', () =>
      socket.send(JSON.stringify({ type: 'feature_flags', data: { supports_preview_metadata: true } })),
    );
    socket.on('message', (data, isBinary) => {
      pinged = false;
      // Binary frames are previews; nothing here shows them, and reading them keeps the server's one send loop going.
      if (!isBinary) this.#dispatch(data);
    });
    socket.on('pong', () => {
      pinged = false;
    });
    socket.on('error', () => undefined);
    socket.once('close', () => {
      clearInterval(ping);
      this.#open = false;
      this.#socket = undefined;
      if (this.#closed) return;
      const delay = Math.min(10_000, (this.#options.reconnectMs ?? 250) * 2 ** Math.min(this.#failures, 10));
      if (!spoke) {
        this.#failures++;
        this.#release();
      }
      this.#retry = setTimeout(() => this.#connect(), delay * (0.75 + Math.random() / 2)).unref();
    });
  }

  #release(): void {
    for (const done of [...this.#waiting]) done();
  }

  #dispatch(data: RawData): void {
    const message = parseLoose(textOf(data)) as
      { type?: unknown; data?: Record<string, unknown> | null } | null | undefined;
    const fields = message?.data;
    if (typeof message?.type !== 'string' || typeof fields !== 'object' || fields === null) return;
    const listeners = typeof fields.prompt_id === 'string' ? this.#listeners.get(fields.prompt_id) : undefined;
    if (!listeners) return;
    const event = readEvent(message.type, fields);
    if (!event) return;
    for (const listener of [...listeners]) {
      try {
        listener(event);
      } catch {
        // A listener's defect must not take the connection down for the others.
      }
    }
  }
}

function readEvent(type: string, data: Record<string, unknown>): PromptEvent | undefined {
  const node = typeof data.node === 'string' ? { node: data.node } : {};
  switch (type) {
    case 'execution_start':
      return { type: 'started' };
    case 'executing':
      return data.node === null ? { type: 'ended' } : { type: 'progress', ...node };
    case 'execution_interrupted':
      return { type: 'ended' };
    case 'execution_error':
      // A blocked branch is reported as an error although the prompt goes on.
      return data.exception_type === 'ExecutionBlocked' ? undefined : { type: 'ended' };
    case 'progress':
      return { type: 'progress', ...node, ...steps(data) };
    case 'executed':
    case 'execution_cached':
    case 'progress_state':
      return { type: 'progress' };
    default:
      return undefined;
  }
}

function steps(data: Record<string, unknown>): { step?: number; of?: number } {
  const { value, max } = data;
  return typeof value === 'number' && typeof max === 'number' ? { step: value, of: max } : {};
}

function textOf(data: RawData): string {
  if (Array.isArray(data)) return Buffer.concat(data).toString('utf8');
  return (data instanceof ArrayBuffer ? Buffer.from(data) : data).toString('utf8');
}
