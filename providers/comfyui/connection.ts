import { WebSocket, type RawData } from 'ws';
import { parseFrame, type ComfyFrame } from './frames.js';
import type { Address } from './address.js';
import { parseMessage, type ComfyMessage, type ExecutingMessage, type StartMessage } from './messages.js';

export interface ConnectionOptions {
  address: Address;
  /** Must be new: see ComfyEvents. */
  clientId: string;
  /** Milliseconds between pings. A connection that says nothing from one to the next is dead. */
  pingMs: number;
  /** The first message has arrived: news of prompts under this client id will come. */
  onOpen(): void;
  onMessage(message: ComfyMessage | ComfyFrame): void;
  /** Once, at the end, however it came; `spoke` is false where not a single message had arrived. */
  onClose(spoke: boolean): void;
}

const HANDSHAKE_MS = 5_000;
/** Full-size images come through this connection, and the server knows no limit. */
const MAX_MESSAGE_BYTES = 512 * 1024 * 1024;
const FLAGS = JSON.stringify({ type: 'feature_flags', data: { supports_preview_metadata: true } });

/** Where a prompt is: it started, a node of it began, or (node null) ComfyUI is done with it. */
export type Milestone = StartMessage | ExecutingMessage;

export interface OpenConnection {
  close(): void;
  /** The last milestone of any prompt of this connection. */
  last(): Milestone | undefined;
}

/** One websocket to one ComfyUI, from the handshake to the end. It is read as fast as it delivers, whoever listens. */
export function openConnection(options: ConnectionOptions): OpenConnection {
  const { base, headers, ca } = options.address;
  const url = `${base.replace(/^http/, 'ws')}/ws?clientId=${encodeURIComponent(options.clientId)}`;
  const socket = new WebSocket(url, {
    headers,
    ...(ca === undefined ? {} : { ca }),
    handshakeTimeout: HANDSHAKE_MS,
    maxPayload: MAX_MESSAGE_BYTES,
    perMessageDeflate: false,
  });
  const running = new Running();
  let heard = true;
  const ping = setInterval(() => {
    if (socket.readyState !== WebSocket.OPEN) return;
    if (heard) socket.ping();
    else socket.terminate();
    heard = false;
  }, options.pingMs).unref();
  let spoke = false;
  // ComfyUI reads flags from the first message only, on each connection anew.
  socket.once('open', () => socket.send(FLAGS));
  socket.on('pong', () => {
    heard = true;
  });
  socket.on('message', (data, isBinary) => {
    heard = true;
    if (!spoke) {
      spoke = true;
      options.onOpen();
    }
    const bytes = bytesOf(data);
    options.onMessage(running.complete(isBinary ? parseFrame(bytes) : parseMessage(bytes.toString('utf8'))));
  });
  socket.on('error', () => undefined);
  socket.once('close', () => {
    clearInterval(ping);
    options.onClose(spoke);
  });
  return { close: () => socket.terminate(), last: () => running.last };
}

/**
 * What runs, as far as this connection was told. ComfyUI runs one prompt at a time, so a frame that names none belongs to the
 * prompt of ours that runs; while none of ours runs it is somebody else's.
 */
class Running {
  last: Milestone | undefined;

  complete<T extends ComfyMessage | ComfyFrame>(message: T): T {
    if (message.type === 'execution_start' || (message.type === 'executing' && message.promptId !== undefined)) {
      this.last = message;
    } else if ((message.type === 'preview' || message.type === 'text') && message.promptId === undefined) {
      if (this.last?.promptId === undefined) return message;
      const running = this.last.type === 'executing' ? this.last.node : undefined;
      if (running === null) return message;
      const node = message.node ?? running;
      return { ...message, promptId: this.last.promptId, ...(node === undefined ? {} : { node }) };
    }
    return message;
  }
}

function bytesOf(data: RawData): Buffer {
  if (Array.isArray(data)) return Buffer.concat(data);
  return data instanceof ArrayBuffer ? Buffer.from(data) : data;
}
