import { randomUUID } from 'node:crypto';
import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import { due, type Faults } from './faults.js';
import { isDict, type Dict } from './graph.js';

/** Big-endian type of a binary frame that holds an image, and the image formats in it. */
const PREVIEW_IMAGE = 1;
const PREVIEW_IMAGE_WITH_METADATA = 4;
const FORMAT_PNG = 2;

export const SERVER_FEATURES: Dict = {
  supports_preview_metadata: true,
  supports_model_type_tags: true,
  max_upload_size: 104857600,
  extension: { manager: { supports_v4: true } },
  node_replacements: true,
  assets: false,
};

function u32(...values: number[]): Buffer {
  const out = Buffer.alloc(values.length * 4);
  values.forEach((v, i) => out.writeUInt32BE(v, i * 4));
  return out;
}

interface Client {
  readonly socket: WebSocket;
  /** The connection below the websocket. */
  readonly wire: Duplex;
}

interface Connected extends Client {
  /** The connection is cut before the event that brings this to 0. */
  eventsLeft: number;
}

/** The websockets by client id, and who is told what. Nothing is kept for clients that are away. */
export class EventHub {
  private readonly sockets = new Map<string, Connected>();
  private readonly metadata = new Set<string>();

  constructor(private readonly faults: Faults) {}

  /** Takes a new connection. `greet` is what a client that just connected hears. */
  attach(client: Client, { clientId, greet }: { clientId: string; greet: (sid: string) => void }): void {
    const { socket } = client;
    const sid = clientId === '' ? randomUUID().replaceAll('-', '') : clientId;
    this.sockets.set(sid, { ...client, eventsLeft: this.faults.dropAtEvent || Infinity });
    this.metadata.delete(sid);
    greet(sid);
    let first = true;
    socket.on('message', (data, binary) => {
      if (binary || !first) return;
      let message: unknown;
      try {
        message = JSON.parse((data as Buffer).toString('utf8'));
      } catch {
        return; // not JSON: does not count as the first message
      }
      first = false;
      if (!isDict(message) || message.type !== 'feature_flags') return;
      if (isDict(message.data) && message.data.supports_preview_metadata === true) this.metadata.add(sid);
      this.send('feature_flags', SERVER_FEATURES, sid);
    });
    socket.on('error', () => undefined);
    // As on the real server: whoever is registered under the id goes, even a newer connection of the same client.
    socket.on('close', () => {
      this.sockets.delete(sid);
      this.metadata.delete(sid);
    });
  }

  /** To one client, or with null to all. */
  send(type: string, data: Dict, sid: string | null): void {
    const heard = sid === null ? this.sockets.size > 0 : this.sockets.has(sid);
    if (!heard || (type !== 'status' && due(this.faults, 'loseEvents'))) return;
    this.write(JSON.stringify({ type, data }), sid);
  }

  /** A PNG as a binary frame, with or without metadata as the client asked when it connected. */
  sendImage(png: Buffer, { sid, about }: { sid: string | null; about: Dict }): void {
    if (sid !== null && this.metadata.has(sid)) {
      const text = Buffer.from(JSON.stringify({ ...about, image_type: 'image/png' }));
      this.write(Buffer.concat([u32(PREVIEW_IMAGE_WITH_METADATA, text.length), text, png]), sid);
    } else {
      this.write(Buffer.concat([u32(PREVIEW_IMAGE, FORMAT_PNG), png]), sid);
    }
  }

  /** Cuts all connections. */
  drop(): void {
    for (const { socket } of this.sockets.values()) socket.terminate();
  }

  /** Cuts every open connection before its n-th event from now on. */
  dropAt(n: number): void {
    for (const client of this.sockets.values()) client.eventsLeft = n || Infinity;
  }

  private write(message: string | Buffer, sid: string | null): void {
    const one = sid === null ? undefined : this.sockets.get(sid);
    for (const client of sid === null ? this.sockets.values() : one ? [one] : []) {
      if (typeof message === 'string' && --client.eventsLeft === 0) this.cut(client);
      else {
        gather(client.wire);
        client.socket.send(message);
      }
    }
  }

  /** Cuts one connection; those that open from now on are left alone. */
  private cut({ socket, wire }: Connected): void {
    this.faults.dropAtEvent = 0;
    wire.uncork();
    socket.terminate();
  }
}

/** Holds what is written in one turn of the event loop together: one system call for a burst of events. */
function gather(wire: Duplex): void {
  if (wire.writableCorked > 0) return;
  wire.cork();
  setImmediate(() => wire.uncork());
}
