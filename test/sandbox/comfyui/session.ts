import type WebSocket from 'ws';
import { ask, form, type Fields } from './ask.js';
import { Listener, type Event } from './listener.js';

export type { Event } from './listener.js';

export interface Exchange {
  readonly request: { method: string; path: string; body?: unknown };
  readonly response: { status: number; headers: Record<string, string>; body: unknown };
}

/** What one scenario saw: HTTP exchanges in order, and the websocket messages of each client. */
export interface Transcript {
  readonly http: Exchange[];
  readonly ws: Record<string, readonly Event[]>;
}

const KEPT_HEADERS = [
  'content-type',
  'content-disposition',
  'x-content-type-options',
  'content-range',
  'accept-ranges',
];

/** Talks to a ComfyUI server, real or simulated, and writes down all that is said. */
export class Session {
  readonly transcript: Transcript = { http: [], ws: {} };
  private readonly clients = new Map<string, Listener>();

  constructor(
    readonly url: string,
    /** Eight hex digits, part of every file name and id, so that two sessions on one server do not meet. */
    readonly tag: string,
  ) {}

  /** The first client's id, and the second's. */
  get alice(): string {
    return this.id(900);
  }
  get bob(): string {
    return this.id(901);
  }

  /** The id of the session's nth prompt. */
  id(n: number): string {
    return `${this.tag}-0000-4000-8000-${String(n).padStart(12, '0')}`;
  }

  /** Opens a websocket and waits for its first message. */
  async connect(clientId: string): Promise<void> {
    const listener = await Listener.open(this.url, { clientId });
    this.transcript.ws[clientId] = listener.events;
    this.clients.set(clientId, listener);
  }

  /** The client's websocket, as it is now. */
  socketOf(clientId: string): WebSocket {
    return this.clients.get(clientId)!.socket;
  }

  /** Sends a message as the client. */
  say(clientId: string, message: unknown): void {
    this.socketOf(clientId).send(JSON.stringify(message));
  }

  /** Waits until the client's websocket is closed. */
  closed(clientId: string): Promise<void> {
    return this.clients.get(clientId)!.closed();
  }

  /** Waits until the client's messages fulfil a condition. */
  until(clientId: string, met: (events: readonly Event[]) => boolean): Promise<void> {
    return this.clients.get(clientId)!.until(met);
  }

  /** Waits until the worker is done with a prompt. */
  ended(clientId: string, promptId: string): Promise<void> {
    return this.clients.get(clientId)!.ended(promptId);
  }

  /** Waits until a node of a prompt is at work. */
  executing(clientId: string, at: { promptId: string; node: string }): Promise<void> {
    return this.clients.get(clientId)!.executing(at.promptId, at.node);
  }

  get(path: string, headers: Record<string, string> = {}): Promise<unknown> {
    return this.exchange({ method: 'GET', path }, { headers });
  }

  post(path: string, body: unknown): Promise<unknown> {
    return this.exchange({ method: 'POST', path, body }, { body: JSON.stringify(body) });
  }

  /** Posts a form. */
  upload(path: string, fields: Fields): Promise<unknown> {
    const shown = Object.entries(fields).map(([name, value]) => [
      name,
      typeof value === 'string' ? value : [value[0], `${Buffer.from(value[1]).length} bytes`],
    ]);
    return this.exchange({ method: 'POST', path, body: Object.fromEntries(shown) as unknown }, { body: form(fields) });
  }

  async close(): Promise<void> {
    for (const listener of this.clients.values()) await listener.close();
  }

  private async exchange(
    request: Exchange['request'],
    more: { body?: string | FormData; headers?: Record<string, string> },
  ): Promise<unknown> {
    const answer = await ask(this.url, { method: request.method, path: request.path, ...more });
    const headers: Record<string, string> = {};
    for (const name of KEPT_HEADERS) {
      const value = answer.headers.get(name);
      if (value !== null) headers[name] = value.replace(/\/\d+$/, '/size');
    }
    const type = headers['content-type'] ?? '';
    let body: unknown = answer.text;
    if (type.startsWith('application/json')) body = answer.json;
    else if (type.startsWith('image/')) body = 'image bytes';
    this.transcript.http.push({ request, response: { status: answer.status, headers, body } });
    return body;
  }
}
