/** Webhooks of a tenant: where its news goes, and what became of each message. */
import { randomBytes } from 'node:crypto';
import { CullError } from '../errors.js';
import { NOTHING_MORE, type Allowed } from '../outside/addresses.js';
import { findTarget, type Resolve } from '../outside/targets.js';
import { keys } from '../storage/keys.js';
import type { Storage } from '../storage/storage.js';
import { updateJson } from '../storage/update.js';
import {
  WEBHOOK_EVENTS,
  type WebhookEndpoint,
  type WebhookEvent,
  type WebhooksDoc,
} from '../workflows/webhook-contract.js';
import { readJson } from './documents.js';

/** An endpoint as it may be shown: without its secrets. */
export type ShownEndpoint = Omit<WebhookEndpoint, 'secrets'>;

/** Whose endpoints, and where they are stored. */
export interface TenantStore {
  storage: Storage;
  tenant: string;
}

const MAX_ENDPOINTS = 16;
/** While secrets are rotated, every one signs; a header has room for a few. */
const MAX_SECRETS = 4;
const SECRET_BYTES = 32;

/**
 * Adds an endpoint. Its secret is in the answer, and shown nowhere again.
 *
 * @throws CullError OUTSIDE_REFUSED, OUTSIDE_FAILED (the name has no address), REQUEST_INVALID (an event that there is not, too many endpoints)
 * @example
 * const { secret } = await addWebhook({ storage, tenant: 'acme' }, { url: 'https://example.com/cull' }); // whsec_…
 */
export async function addWebhook(
  { storage, tenant }: TenantStore,
  options: { url: string; events?: readonly string[]; allowed?: Allowed; resolve?: Resolve },
): Promise<{ endpoint: ShownEndpoint; secret: string }> {
  const { allowed = NOTHING_MORE, resolve } = options;
  const events = eventsOf(options.events ?? WEBHOOK_EVENTS);
  const { url } = await findTarget(options.url, { allowed, ...(resolve && { resolve }) });
  const secret = newSecret();
  const endpoint: WebhookEndpoint = {
    id: `ep_${randomBytes(6).toString('hex')}`,
    url: url.href,
    events,
    secrets: [{ secret }],
    createdAt: new Date().toISOString(),
  };
  await updateJson<WebhooksDoc>(storage, keys.webhooks(tenant), (doc = { endpoints: [] }) => {
    if (doc.endpoints.length >= MAX_ENDPOINTS)
      throw new CullError('REQUEST_INVALID', `tenant ${tenant} has ${MAX_ENDPOINTS} webhooks, and that is the most`, {
        hint: 'remove one that nobody needs',
      });
    return { endpoints: [...doc.endpoints, endpoint] };
  });
  return { endpoint: shown(endpoint), secret };
}

/** The oldest first. */
export async function listWebhooks({ storage, tenant }: TenantStore): Promise<ShownEndpoint[]> {
  const doc = await readJson<WebhooksDoc>(storage, keys.webhooks(tenant));
  return (doc?.endpoints ?? []).map(shown);
}

/** One of them. @throws CullError WEBHOOK_NOT_FOUND */
export async function webhookNamed(store: TenantStore, id: string): Promise<ShownEndpoint> {
  const found = (await listWebhooks(store)).find((endpoint) => endpoint.id === id);
  if (found) return found;
  throw unknownWebhook(store, id);
}

/** What still waits for it is given up. @throws CullError WEBHOOK_NOT_FOUND */
export async function removeWebhook(store: TenantStore, id: string): Promise<ShownEndpoint> {
  return change(store, id, () => undefined);
}

/** Sends to it again, after it was disabled. @throws CullError WEBHOOK_NOT_FOUND */
export async function enableWebhook(store: TenantStore, id: string): Promise<ShownEndpoint> {
  return change(store, id, ({ disabled: _disabled, ...endpoint }) => endpoint);
}

/**
 * Gives an endpoint a new secret. The old ones sign too, for `keepMs` more: within it the receiver changes over.
 *
 * @throws CullError WEBHOOK_NOT_FOUND
 * @example
 * const { secret } = await rotateWebhook({ storage, tenant: 'acme' }, 'ep_4f1c09aa12de', { keepMs: 24 * 3_600_000 });
 */
export async function rotateWebhook(
  store: TenantStore,
  id: string,
  { keepMs }: { keepMs: number },
): Promise<{ endpoint: ShownEndpoint; secret: string }> {
  const secret = newSecret();
  const endpoint = await change(store, id, (known) => {
    const now = Date.now();
    const until = new Date(now + keepMs).toISOString();
    const old = known.secrets
      .map((one) => ({ ...one, until: one.until !== undefined && one.until < until ? one.until : until }))
      .filter((one) => Date.parse(one.until) > now);
    return { ...known, secrets: [{ secret }, ...old].slice(0, MAX_SECRETS) };
  });
  return { endpoint, secret };
}

async function change(
  { storage, tenant }: TenantStore,
  id: string,
  next: (endpoint: WebhookEndpoint) => WebhookEndpoint | undefined,
): Promise<ShownEndpoint> {
  let answer: WebhookEndpoint | undefined;
  await updateJson<WebhooksDoc>(storage, keys.webhooks(tenant), (doc) => {
    const known = doc?.endpoints.find((endpoint) => endpoint.id === id);
    if (!doc || !known) throw unknownWebhook({ tenant }, id);
    const changed = next(known);
    answer = changed ?? known;
    return { endpoints: doc.endpoints.flatMap((one) => (one === known ? (changed ?? []) : one)) };
  });
  if (!answer) throw new CullError('INTERNAL', `webhook ${id} was not changed`);
  return shown(answer);
}

const unknownWebhook = ({ tenant }: Pick<TenantStore, 'tenant'>, id: string): CullError =>
  new CullError('WEBHOOK_NOT_FOUND', `tenant ${tenant} has no webhook ${id}`, {
    hint: '`comfy-cull webhooks list` or GET /v1/webhooks shows all',
  });

const newSecret = (): string => `whsec_${randomBytes(SECRET_BYTES).toString('base64')}`;

const shown = ({ secrets: _secrets, ...endpoint }: WebhookEndpoint): ShownEndpoint => endpoint;

function eventsOf(names: readonly string[]): WebhookEvent[] {
  const unknown = names.find((name) => !(WEBHOOK_EVENTS as readonly string[]).includes(name));
  if (unknown !== undefined || names.length === 0)
    throw new CullError('REQUEST_INVALID', unknown === undefined ? 'no event is named' : `no event is "${unknown}"`, {
      hint: `choose from ${WEBHOOK_EVENTS.join(', ')}`,
    });
  return [...new Set(names)] as WebhookEvent[];
}
