import { ComfyClient } from './client.js';
import type { ClientTimeouts } from './endpoints/server.js';
import { ComfyEvents } from './events.js';
import { Uploads } from './uploads.js';

/** One ComfyUI as everything here sees it. */
export interface Host {
  id: string;
  url: string;
  client: ComfyClient;
  events: ComfyEvents;
  uploads: Uploads;
}

export interface HostAddress {
  /** `hostId(url)`. */
  id: string;
  url: string;
  headers?: Record<string, string>;
  /** A private certificate authority: PEM text, or the path of a PEM file. */
  ca?: string | undefined;
}

/** Opens nothing yet: the websocket comes with the first prompt. */
export function createHost(address: HostAddress, timeouts: ClientTimeouts): Host {
  const client = new ComfyClient({ ...address, timeouts });
  const events = new ComfyEvents({ address: client.address });
  return { id: address.id, url: client.address.base, client, events, uploads: new Uploads(client) };
}
