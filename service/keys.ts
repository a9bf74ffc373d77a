/** API keys: shown once, stored as scrypt hashes, one document each in `_registry/keys/`. */
import { createHash, randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { readJson } from '../client/documents.js';
import { CullError } from '../errors.js';
import { checkName, keys } from '../storage/keys.js';
import type { Storage } from '../storage/storage.js';
import { updateJson } from '../storage/update.js';
import { createShared } from './shared.js';

/** What a key may do: look at its tenant's requests, make and cancel them, decide as a reviewer, say who is told of their ends. */
export const SCOPES = ['read', 'write', 'review', 'webhooks'] as const;
export type Scope = (typeof SCOPES)[number];

/** `_registry/keys/<id>.json`. */
export interface KeyDoc {
  id: string;
  tenant: string;
  scopes: Scope[];
  /** For people: who has it, what it is for. */
  note?: string;
  /** ISO 8601. */
  createdAt: string;
  /** ISO 8601; absent: it does not expire. */
  expiresAt?: string;
  revokedAt?: string;
  /** Requests per second, and as many at once. Absent: the service's own limit. */
  perSecond?: number;
  /** scrypt (RFC 7914), N = 2^15, r = 8, p = 1, 32 bytes; hex. */
  hash: string;
  /** 16 bytes, hex. */
  salt: string;
}

/** Who asks, as the rest of the service knows it. */
export interface Caller {
  tenant: string;
  scopes: readonly Scope[];
  /** Of the key; `open` where the service takes no keys. */
  key: string;
  /** What the key's maker wrote about it. */
  note?: string;
  perSecond?: number;
}

/** OWASP password storage cheat sheet: N = 2^15, r = 8 needs 32 MiB and about 60 ms; the secret has 256 random bits beside it. */
const COST = { N: 2 ** 15, r: 8, p: 1, maxmem: 64 * 2 ** 20 };
const hashOf = promisify<string, Buffer, number, typeof COST, Buffer>(scrypt);
const HASH_BYTES = 32;
/** So long a key that was checked is not checked again; a revoked one is refused after that at the latest. */
export const KEY_KNOWN_MS = 10_000;
const FORM = /^cull_([0-9a-f]{16})_([A-Za-z0-9_-]{43})$/;

/**
 * Makes a key and stores its hash. The key itself is in the answer and nowhere else.
 *
 * @throws CullError REQUEST_INVALID for a tenant's name, no scope, an expiry in the past
 * @example
 * const { key } = await createKey(storage, { tenant: 'acme', scopes: ['read', 'write'] }); // cull_4f…_9d…
 */
export async function createKey(
  storage: Storage,
  options: Pick<KeyDoc, 'tenant' | 'scopes' | 'note' | 'expiresAt' | 'perSecond'>,
): Promise<{ key: string; doc: KeyDoc }> {
  const { tenant, scopes, note, expiresAt, perSecond } = options;
  checkName('tenant', tenant);
  if (scopes.length === 0)
    throw new CullError('REQUEST_INVALID', 'a key without a scope can do nothing', {
      hint: `give it some of ${SCOPES.join(', ')}`,
    });
  if (expiresAt !== undefined && !(Date.parse(expiresAt) > Date.now()))
    throw new CullError('REQUEST_INVALID', `the key would have expired already (${expiresAt})`);
  const id = randomBytes(8).toString('hex');
  const secret = randomBytes(32).toString('base64url');
  const salt = randomBytes(16);
  const doc: KeyDoc = {
    id,
    tenant,
    scopes: SCOPES.filter((scope) => scopes.includes(scope)),
    ...(note !== undefined && { note }),
    createdAt: new Date().toISOString(),
    ...(expiresAt !== undefined && { expiresAt }),
    ...(perSecond !== undefined && { perSecond }),
    hash: (await hashOf(secret, salt, HASH_BYTES, COST)).toString('hex'),
    salt: salt.toString('hex'),
  };
  await storage.put(keys.apiKey(id), JSON.stringify(doc), { ifAbsent: true });
  return { key: `cull_${id}_${secret}`, doc };
}

/** Every key, the oldest first; without a tenant those of all. */
export async function listKeys(storage: Storage, tenant?: string): Promise<KeyDoc[]> {
  const found: KeyDoc[] = [];
  for await (const { key } of storage.list(keys.apiKeys())) {
    const doc = await readJson<KeyDoc>(storage, key);
    if (doc && (tenant === undefined || doc.tenant === tenant)) found.push(doc);
  }
  return found.sort((a, b) => a.createdAt.localeCompare(b.createdAt));
}

/**
 * Takes a key back; running services refuse it within 10 seconds. Its document stays, so that logs can still be read.
 *
 * @throws CullError KEY_NOT_FOUND
 */
export async function revokeKey(storage: Storage, id: string): Promise<KeyDoc> {
  let revoked: KeyDoc | undefined;
  await updateJson<KeyDoc>(storage, keys.apiKey(checkId(id)), (doc) => {
    revoked = doc && { ...doc, revokedAt: doc.revokedAt ?? new Date().toISOString() };
    return revoked;
  });
  if (revoked) return revoked;
  throw unknownKey(id);
}

const unknownKey = (id: string): CullError =>
  new CullError('KEY_NOT_FOUND', `there is no key ${id}`, { hint: '`comfy-cull keys list` shows all' });

/** The id alone, or a whole key that somebody pasted. */
function checkId(id: string): string {
  const found = FORM.exec(id)?.[1] ?? id;
  if (/^[0-9a-f]{16}$/.test(found)) return found;
  throw unknownKey(id);
}

/**
 * Checks keys against storage. A key that was found good, or bad, is not looked up again for ten seconds: scrypt costs what makes it safe.
 *
 * @param beforeCheck asked, with the caller's address, before a key is looked up anew; what it throws refuses the call
 * @returns who asks; undefined for a key that is wrong, unknown, expired or revoked, which look alike and take the same time
 */
export function createKeyChecker(
  storage: Storage,
  beforeCheck: (address: string) => Promise<void> = () => Promise.resolve(),
): (key: string, address?: string) => Promise<Caller | undefined> {
  const known = createShared<Caller | undefined>(KEY_KNOWN_MS);
  return (key, address = '') =>
    known.get(createHash('sha256').update(key).digest('base64'), async () => {
      await beforeCheck(address);
      return check(storage, key);
    });
}

async function check(storage: Storage, key: string): Promise<Caller | undefined> {
  const [, id, secret] = FORM.exec(key) ?? [];
  if (id === undefined || secret === undefined) return undefined;
  const doc = await readJson<KeyDoc>(storage, keys.apiKey(id));
  // An unknown id is hashed too: the time of the answer must not tell whether there is such a key.
  const hash = await hashOf(secret, Buffer.from(doc?.salt ?? '00', 'hex'), HASH_BYTES, COST);
  if (!doc || !timingSafeEqual(hash, Buffer.from(doc.hash, 'hex'))) return undefined;
  if (doc.revokedAt !== undefined || (doc.expiresAt !== undefined && Date.parse(doc.expiresAt) <= Date.now()))
    return undefined;
  const { tenant, scopes, note, perSecond } = doc;
  return {
    tenant,
    scopes,
    key: id,
    ...(note !== undefined && { note }),
    ...(perSecond !== undefined && { perSecond }),
  };
}
