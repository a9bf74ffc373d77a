import { once } from 'node:events';
import WebSocket from 'ws';

/** A websocket message: JSON as it came; a binary frame as its first two numbers; text that is no JSON as such. */
export interface Event {
  readonly type: string;
  readonly data: Record<string, unknown>;
}

/** How to knock at a server's websocket. */
export interface ListenOptions {
  /** Left out, the server makes one. */
  readonly clientId?: string;
  /** @default '/ws' */
  readonly path?: string;
  readonly headers?: Record<string, string>;
  /** Offer permessage-deflate. @default false */
  readonly deflate?: boolean;
}

/** One websocket connection, and all that was heard on it. */
export class Listener {
  readonly events: Event[] = [];
  /** Binary frames as they came, in order. */
  readonly frames: Buffer[] = [];
  /** Text messages as they came, in order. */
  readonly texts: string[] = [];
  private readonly waiting = new Set<() => void>();

  private constructor(readonly socket: WebSocket) {
    socket.on('message', (data: Buffer, binary) => {
      if (binary) this.frames.push(data);
      else this.texts.push(data.toString('utf8'));
      this.events.push(binary ? head(data) : parsed(data.toString('utf8')));
      for (const check of [...this.waiting]) check();
    });
  }

  /** Connects and waits for the first message. Rejects where the server refuses the upgrade. */
  static async open(url: string, options: ListenOptions = {}): Promise<Listener> {
    const { clientId, path = '/ws', headers = {}, deflate = false } = options;
    const query = clientId === undefined ? '' : `?clientId=${encodeURIComponent(clientId)}`;
    const address = `${url.replace(/^http/, 'ws')}${path}${query}`;
    const socket = new WebSocket(address, { maxPayload: 0, headers, perMessageDeflate: deflate });
    const listener = new Listener(socket);
    await once(socket, 'open');
    await listener.until((events) => events.length > 0);
    return listener;
  }

  /** The id under which the server knows this connection. */
  get sid(): string {
    return String(this.events[0]?.data.sid);
  }

  /** Waits until the messages fulfil a condition. */
  async until(met: (events: readonly Event[]) => boolean): Promise<void> {
    if (met(this.events)) return;
    await new Promise<void>((done) => {
      const check = (): void => {
        if (!met(this.events)) return;
        this.waiting.delete(check);
        done();
      };
      this.waiting.add(check);
    });
  }

  /** Waits until the worker is done with a prompt. */
  ended(promptId: string): Promise<void> {
    return this.until((events) =>
      events.some((e) => e.type === 'executing' && e.data.node === null && e.data.prompt_id === promptId),
    );
  }

  /** Waits until a node of a prompt is at work. */
  executing(promptId: string, node: string): Promise<void> {
    return this.until((events) =>
      events.some((e) => e.type === 'executing' && e.data.node === node && e.data.prompt_id === promptId),
    );
  }

  /** Says something to the server. */
  say(message: unknown): void {
    this.socket.send(typeof message === 'string' ? message : JSON.stringify(message));
  }

  /** Waits until the connection has ended. */
  async closed(): Promise<void> {
    if (this.socket.readyState !== WebSocket.CLOSED) await once(this.socket, 'close');
  }

  /** Ends the connection. */
  async close(): Promise<void> {
    this.socket.close();
    await this.closed();
  }
}

function head(frame: Buffer): Event {
  return { type: 'binary', data: { kind: frame.readUInt32BE(0), second: frame.readUInt32BE(4) } };
}

function parsed(text: string): Event {
  try {
    return JSON.parse(text) as Event;
  } catch {
    return { type: 'no JSON', data: { text } };
  }
}
