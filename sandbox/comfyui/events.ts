import { randomUUID } from 'node:crypto';
import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import { due, type Faults } from './faults.js';
import { pictureFrame, pictureFrameWithMetadata, textFrame, type Preview } from './frames.js';
import { isDict, type Dict } from './graph.js';
import { encodeJson } from './json.js';
import type { Profile } from './profile.js';

/** Bytes that may wait for a client before the server waits for it. */
const HIGH_WATER = 64 * 1024;

interface Client {
  readonly socket: WebSocket;
  /** The connection below the websocket. */
  readonly wire: Duplex;
}

interface Connected extends Client {
  /** The connection is cut before the event that brings this to 0. */
  eventsLeft: number;
}

/** A message in line: for one client, or with null for all that are connected when its turn comes. */
interface Parcel {
  readonly message: string | Buffer;
  readonly sid: string | null;
  /** Who has still to get it, once its turn has come. */
  to?: Connected[];
}

/**
 * The websockets by client id, and who is told what. Nothing is kept for clients that are away. As on the real server one
 * loop sends everything in order and waits for each connection to take it: one client that does not read holds up all.
 */
export class EventHub {
  private readonly sockets = new Map<string, Connected>();
  private readonly metadata = new Set<string>();
  private readonly line: Parcel[] = [];
  private stalled = false;

  constructor(
    private readonly faults: Faults,
    private readonly profile: Profile,
  ) {}

  /** Takes a new connection. `greeting` is what a client that just connected hears, past the line. */
  attach(client: Client, { clientId, greeting }: { clientId: string; greeting: (sid: string) => Message[] }): void {
    const { socket } = client;
    const sid = clientId === '' ? randomUUID().replaceAll('-', '') : clientId;
    const connected: Connected = { ...client, eventsLeft: this.faults.dropAtEvent || Infinity };
    this.sockets.set(sid, connected);
    this.metadata.delete(sid);
    for (const [type, data] of greeting(sid)) this.write(connected, encodeJson({ type, data }));
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
      if (!this.profile.has('featureFlags') || !isDict(message) || message.type !== 'feature_flags') return;
      if (isDict(message.data) && message.data.supports_preview_metadata === true) this.metadata.add(sid);
      this.write(connected, encodeJson({ type: 'feature_flags', data: this.profile.features }));
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
    this.publish(encodeJson({ type, data }), sid);
  }

  /** Whether a client gets pictures with metadata, which takes the place of those without. */
  wantsMetadata(sid: string | null): boolean {
    return sid !== null && this.metadata.has(sid);
  }

  /** A picture as a binary frame, with or without metadata as the client asked when it connected. */
  sendPicture(picture: Preview, { sid, about }: { sid: string | null; about: Dict }): void {
    this.publish(this.wantsMetadata(sid) ? pictureFrameWithMetadata(picture, about) : pictureFrame(picture), sid);
  }

  /** A text of a node as a binary frame: to all, whoever's prompt it is. */
  sendText(nodeId: string, text: string): void {
    this.publish(textFrame(nodeId, text), null);
  }

  /** Cuts all connections. */
  drop(): void {
    for (const { socket } of this.sockets.values()) socket.terminate();
  }

  /** Cuts every open connection before its n-th event from now on. */
  dropAt(n: number): void {
    for (const client of this.sockets.values()) client.eventsLeft = n || Infinity;
  }

  private publish(message: string | Buffer, sid: string | null): void {
    this.line.push({ message, sid });
    if (!this.stalled) this.pump();
  }

  /** Sends what is in line until it is empty, or until a client does not take what it was sent. */
  private pump(): void {
    for (let parcel = this.line[0]; parcel; parcel = this.line[0]) {
      const to = (parcel.to ??= this.recipients(parcel.sid));
      for (let client = to.shift(); client; client = to.shift()) {
        this.write(client, parcel.message);
        if (this.waitsFor(client.wire)) return;
      }
      this.line.shift();
    }
  }

  private recipients(sid: string | null): Connected[] {
    if (sid === null) return [...this.sockets.values()];
    const one = this.sockets.get(sid);
    return one ? [one] : [];
  }

  /** Whether so much is under way to a client that the line has to wait; it goes on when the client has read or is gone. */
  private waitsFor(wire: Duplex): boolean {
    if (wire.destroyed || !wire.writableNeedDrain || wire.writableLength < HIGH_WATER) return false;
    this.stalled = true;
    const goOn = (): void => {
      wire.off('drain', goOn).off('close', goOn);
      this.stalled = false;
      this.pump();
    };
    wire.on('drain', goOn).on('close', goOn);
    return true;
  }

  private write(client: Connected, message: string | Buffer): void {
    const { socket, wire } = client;
    if (typeof message === 'string' && --client.eventsLeft === 0) {
      // Those that connect from now on are left alone.
      this.faults.dropAtEvent = 0;
      wire.uncork();
      socket.terminate();
    } else if (socket.readyState === socket.OPEN) {
      gather(wire);
      socket.send(message, { compress: false });
    }
  }
}

export type Message = readonly [type: string, data: Dict];

/** Holds what is written in one turn of the event loop together: one system call for a burst of events. */
function gather(wire: Duplex): void {
  if (wire.writableCorked > 0) return;
  wire.cork();
  setImmediate(() => wire.uncork());
}
