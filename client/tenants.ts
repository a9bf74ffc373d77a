/** What is set for a tenant, and what it means for its place in the queues. */
import { createHash } from 'node:crypto';
import type { Priority } from '@temporalio/common';
import { LRUCache } from 'lru-cache';
import { CullError } from '../errors.js';
import { AGES, parseRetention, type RetentionSaid } from '../selection/retention.js';
import { checkName, keys } from '../storage/keys.js';
import type { Storage } from '../storage/storage.js';
import { updateJson } from '../storage/update.js';
import { readJson } from './documents.js';

/** `_registry/tenants/<tenant>/settings.json`. */
export interface TenantSettings {
  /** Share of the ComfyUIs beside other tenants that wait too, 0.001 to 1000. @default 1 */
  weight?: number;
  /** Open requests that it may have. @default that of the service */
  openRequests?: number;
  /** Candidates that its open requests may draw, together. @default that of the service */
  openCandidates?: number;
  /** How long what its requests left is kept, where that differs from the installation. */
  retention?: RetentionSaid;
}

/** Temporal's keys: 1 comes first, 3 is the default. Somebody waits for an interactive request; a batch takes what is left. */
const PRIORITY_KEY = { interactive: 2, batch: 4 } as const;
const MAX_FAIRNESS_KEY_BYTES = 64;
const WEIGHT = { min: 0.001, max: 1_000 };
const KNOWN_MS = 10_000;

const known = new WeakMap<Storage, LRUCache<string, Promise<TenantSettings>>>();

/** What is set for a tenant, at most ten seconds old. @throws CullError REQUEST_INVALID for a name that is none */
export function tenantSettings(storage: Storage, tenant: string): Promise<TenantSettings> {
  checkName('tenant', tenant);
  let cache = known.get(storage);
  if (!cache) known.set(storage, (cache = new LRUCache({ max: 1_000, ttl: KNOWN_MS })));
  const before = cache.get(tenant);
  if (before) return before;
  const reading = readJson<TenantSettings>(storage, keys.tenant(tenant)).then((settings) => settings ?? {});
  cache.set(tenant, reading);
  reading.catch(() => cache.delete(tenant));
  return reading;
}

/**
 * Where a workflow and all its candidates stand in the queues: the class first, then the tenants in turn, by weight.
 *
 * @example
 * await priorityOf(storage, 'acme', 'batch'); // { priorityKey: 4, fairnessKey: 'acme' }
 */
export async function priorityOf(storage: Storage, tenant: string, kind: keyof typeof PRIORITY_KEY): Promise<Priority> {
  const { weight } = await tenantSettings(storage, tenant);
  const fairnessKey =
    Buffer.byteLength(tenant) <= MAX_FAIRNESS_KEY_BYTES ? tenant : createHash('sha256').update(tenant).digest('hex');
  return { priorityKey: PRIORITY_KEY[kind], fairnessKey, ...(weight !== undefined && { fairnessWeight: weight }) };
}

/**
 * Sets the weight of a tenant; requests made from then on have it.
 *
 * @throws CullError REQUEST_INVALID
 */
export async function setWeight(storage: Storage, tenant: string, weight: number): Promise<void> {
  if (!(weight >= WEIGHT.min && weight <= WEIGHT.max))
    throw new CullError('REQUEST_INVALID', `the weight is ${weight}; it must be from ${WEIGHT.min} to ${WEIGHT.max}`);
  await change(storage, tenant, { weight });
}

/** How much a tenant may have open at once. */
export type TenantLimits = Pick<TenantSettings, 'openRequests' | 'openCandidates'>;

/**
 * Sets limits of a tenant; services heed them within ten seconds. What is left out stays, `null` is that of the service again.
 *
 * @throws CullError REQUEST_INVALID
 * @example
 * await setLimits(storage, 'acme', { openRequests: 200, openCandidates: null });
 */
export async function setLimits(
  storage: Storage,
  tenant: string,
  limits: { [K in keyof TenantLimits]: number | null },
): Promise<void> {
  for (const [name, value] of Object.entries(limits))
    if (value !== null && !(Number.isSafeInteger(value) && value >= 0))
      throw new CullError('REQUEST_INVALID', `${name} is ${value}; it must be a whole number of at least 0`);
  await change(storage, tenant, limits);
}

async function change(
  storage: Storage,
  tenant: string,
  changes: { [K in keyof TenantSettings]: TenantSettings[K] | null },
): Promise<void> {
  checkName('tenant', tenant);
  if (Object.keys(changes).length === 0) return;
  await updateJson<TenantSettings>(storage, keys.tenant(tenant), (settings) =>
    Object.fromEntries(Object.entries({ ...settings, ...changes }).filter(([, value]) => value !== null)),
  );
  known.get(storage)?.delete(tenant);
}

/**
 * Sets how long what a tenant's requests left is kept; what is not named is as the installation says. An empty text takes the tenant's own word back.
 *
 * @param text `rejected=3d,delivered=never` (docs/retention.md)
 * @returns what is set for it now
 * @throws CullError REQUEST_INVALID naming the word that is wrong
 * @example
 * await setRetention(storage, 'acme', 'rejected=3d,delivered=90d');
 */
export async function setRetention(storage: Storage, tenant: string, text: string): Promise<RetentionSaid> {
  const said = retentionFrom(text);
  await change(storage, tenant, { retention: Object.keys(said).length === 0 ? null : said });
  return said;
}

/** As `parseRetention`. @throws CullError REQUEST_INVALID naming the word that is wrong */
export function retentionFrom(text: string): RetentionSaid {
  const parsed = parseRetention(text);
  if ('said' in parsed) return parsed.said;
  throw new CullError('REQUEST_INVALID', `"${parsed.wrong}" is no age`, {
    hint: `write usual, or ages such as rejected=7d,passed=30d,delivered=never; there are ${AGES.join(', ')}`,
  });
}
