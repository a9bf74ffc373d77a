/** What storage holds of one request: its folder, and what names it elsewhere. Its folder goes last: it says what the rest is. */
import { keys } from '../storage/keys.js';
import type { Storage } from '../storage/storage.js';
import { webhookDay, type WebhookPayload } from '../workflows/webhook-contract.js';
import { inputsOnlyOf } from './erase-inputs.js';
import { batchLinesOf, labelsOf } from './erase-lines.js';
import { quarantineRows } from './erase-quarantine.js';
import { below, deleteAll, kindOfKey } from './erase-tenant.js';
import type { ErasePlace, Found, RequestName } from './erase.js';
import { webhookLog } from './webhook-log.js';

/** A message about the request, to one endpoint. */
export type FoundMessage = Found & { message: string; endpoint: string };

/**
 * In the order in which it may be removed: whatever is left after a crash is found again.
 *
 * @example
 * await erase(requestStorage(storage, { tenant: 'acme', request: 'r1' }));
 */
export function requestStorage(storage: Storage, of: RequestName): ErasePlace[] {
  const { tenant, request } = of;
  const document = keys.request(tenant, request);
  const folder = below(storage, keys.requestDir(tenant, request), kindOfKey);
  return [
    labelsOf(storage, of),
    batchLinesOf(storage, of),
    quarantineRows(storage, of),
    { name: 'storage', find: () => messagesOf(storage, of), remove: (found) => deleteAll(storage, found) },
    inputsOnlyOf(storage, of),
    { name: 'storage', find: () => listEntriesOf(storage, of), remove: (found) => deleteAll(storage, found) },
    { ...folder, find: () => without(folder.find(), document) },
    below(storage, document, kindOfKey),
  ];
}

/** Webhook messages that tell of the request. */
export async function* messagesOf(storage: Storage, { tenant, request }: RequestName): AsyncGenerator<FoundMessage> {
  for await (const { message, endpoint, body } of webhookLog({ storage, tenant })) {
    const { data } = JSON.parse(body) as WebhookPayload;
    if (!('request' in data) || data.request !== request) continue;
    const name = keys.webhookLog(tenant, { day: webhookDay(message), message, endpoint });
    yield { kind: 'webhook messages', name, message, endpoint };
  }
}

/** Their day is in the request's documents, which may be gone: all days are looked through. */
async function* listEntriesOf(storage: Storage, { tenant, request }: RequestName): AsyncGenerator<Found> {
  for (const folder of [keys.indexes(tenant), keys.deadIndexes(tenant)])
    for await (const { key } of storage.list(folder))
      if (key.endsWith(`/${request}.json`)) yield { kind: 'list entries', name: key };
}

async function* without(found: AsyncIterable<Found>, name: string): AsyncGenerator<Found> {
  for await (const one of found) if (one.name !== name) yield one;
}
