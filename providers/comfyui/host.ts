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
}

/** Opens nothing yet: the websocket comes with the first prompt. */
export function createHost(address: HostAddress, timeouts: { requestMs: number; transferMs: number }): Host {
  const client = new ComfyClient({
    url: address.url,
    ...(address.headers ? { headers: address.headers } : {}),
    timeoutMs: timeouts.requestMs,
    transferMs: timeouts.transferMs,
  });
  const events = new ComfyEvents({ address: client.address });
  return { id: address.id, url: client.address.base, client, events, uploads: new Uploads(client) };
}
