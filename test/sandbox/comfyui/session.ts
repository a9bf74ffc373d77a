import { once } from 'node:events';
import WebSocket from 'ws';

export interface Exchange {
  readonly request: { method: string; path: string; body?: unknown };
  readonly response: { status: number; headers: Record<string, string>; body: unknown };
}

export interface Event {
  readonly type: string;
  readonly data: Record<string, unknown>;
}

/** What one scenario saw: HTTP exchanges in order, and the websocket messages of each client. */
export interface Transcript {
  readonly http: Exchange[];
  readonly ws: Record<string, Event[]>;
}

const KEPT_HEADERS = [
  'content-type',
  'content-disposition',
  'x-content-type-options',
  'content-range',
  'accept-ranges',
];

interface Client {
  readonly socket: WebSocket;
  readonly events: Event[];
}

/** Talks to a ComfyUI server, real or simulated, and writes down all that is said. */
export class Session {
  readonly transcript: Transcript = { http: [], ws: {} };
  private readonly clients = new Map<string, Client>();
  private readonly waiting = new Set<() => void>();

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
    const socket = new WebSocket(`${this.url.replace('http', 'ws')}/ws?clientId=${clientId}`, { maxPayload: 0 });
    const events: Event[] = [];
    this.transcript.ws[clientId] = events;
    this.clients.set(clientId, { socket, events });
    socket.on('message', (data: Buffer, binary) => {
      if (binary) events.push({ type: 'binary', data: { kind: data.readUInt32BE(0), second: data.readUInt32BE(4) } });
      else events.push(parsed(data.toString('utf8')));
      for (const check of [...this.waiting]) check();
    });
    await once(socket, 'open');
    await this.until(clientId, () => events.length > 0);
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
  async closed(clientId: string): Promise<void> {
    const socket = this.socketOf(clientId);
    if (socket.readyState !== WebSocket.CLOSED) await once(socket, 'close');
  }

  /** Waits until the client's messages fulfil a condition. */
  async until(clientId: string, met: (events: readonly Event[]) => boolean): Promise<void> {
    const events = this.clients.get(clientId)!.events;
    if (met(events)) return;
    await new Promise<void>((done) => {
      const check = (): void => {
        if (!met(events)) return;
        this.waiting.delete(check);
        done();
      };
      this.waiting.add(check);
    });
  }

  /** Waits until the worker is done with a prompt. */
  ended(clientId: string, promptId: string): Promise<void> {
    return this.until(clientId, (events) =>
      events.some((e) => e.type === 'executing' && e.data.node === null && e.data.prompt_id === promptId),
    );
  }

  /** Waits until a node of a prompt is at work. */
  executing(clientId: string, ask: { promptId: string; node: string }): Promise<void> {
    return this.until(clientId, (events) =>
      events.some((e) => e.type === 'executing' && e.data.node === ask.node && e.data.prompt_id === ask.promptId),
    );
  }

  get(path: string, headers: Record<string, string> = {}): Promise<unknown> {
    return this.exchange({ method: 'GET', path }, { headers });
  }

  post(path: string, body: unknown): Promise<unknown> {
    return this.exchange({ method: 'POST', path, body }, { body: JSON.stringify(body) });
  }

  /** Posts a form; a field that is an array is a file: name and content. */
  upload(
    path: string,
    fields: Record<string, string | readonly [name: string, content: string | Buffer]>,
  ): Promise<unknown> {
    const form = new FormData();
    const shown: Record<string, unknown> = {};
    for (const [name, value] of Object.entries(fields)) {
      if (typeof value === 'string') form.append(name, value);
      else form.append(name, new Blob([new Uint8Array(Buffer.from(value[1]))]), value[0]);
      shown[name] = typeof value === 'string' ? value : [value[0], `${Buffer.from(value[1]).length} bytes`];
    }
    return this.exchange({ method: 'POST', path, body: shown }, { body: form });
  }

  async close(): Promise<void> {
    for (const { socket } of this.clients.values()) {
      socket.close();
      if (socket.readyState !== WebSocket.CLOSED) await once(socket, 'close');
    }
  }

  private async exchange(
    request: Exchange['request'],
    init: { body?: string | FormData; headers?: Record<string, string> },
  ): Promise<unknown> {
    const answer = await fetch(this.url + request.path, { method: request.method, ...init });
    const headers: Record<string, string> = {};
    for (const name of KEPT_HEADERS) {
      const value = answer.headers.get(name);
      if (value !== null) headers[name] = value.replace(/\/\d+$/, '/size');
    }
    const bytes = Buffer.from(await answer.arrayBuffer());
    const type = headers['content-type'] ?? '';
    let body: unknown = bytes.toString('utf8');
    if (type.startsWith('application/json')) body = JSON.parse(bytes.toString('utf8'));
    else if (type.startsWith('image/')) body = 'image bytes';
    this.transcript.http.push({ request, response: { status: answer.status, headers, body } });
    return body;
  }
}

/** A message; one that is no JSON (NaN in it) by its type alone. */
function parsed(text: string): Event {
  try {
    return JSON.parse(text) as Event;
  } catch {
    return { type: 'not JSON', data: {} };
  }
}
