import { ComfyClient } from './client.js';
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
export function createHost(address: HostAddress, timeouts: { requestMs: number; transferMs: number }): Host {
  const client = new ComfyClient({
    url: address.url,
    ...(address.headers ? { headers: address.headers } : {}),
    ...(address.ca === undefined ? {} : { ca: address.ca }),
    timeouts: { requestMs: timeouts.requestMs, downloadMs: timeouts.transferMs, uploadMs: timeouts.transferMs },
  });
  const events = new ComfyEvents({ address: client.address });
  return { id: address.id, url: client.address.base, client, events, uploads: new Uploads(client) };
}
