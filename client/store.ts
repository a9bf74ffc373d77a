/** What is stored once under a name of its own, by whoever comes first. */
import canonicalize from 'canonicalize';
import { CullError } from '../errors.js';
import { keys } from '../storage/keys.js';
import type { Storage } from '../storage/storage.js';
import type { ReleaseLike } from './request.js';

/** @returns false if somebody was first */
export async function putIfAbsent(storage: Storage, key: string, body: Uint8Array | string): Promise<boolean> {
  try {
    await storage.put(key, body, { ifAbsent: true });
    return true;
  } catch (error) {
    if (error instanceof CullError && error.code === 'STORAGE_CONFLICT') return false;
    throw error;
  }
}

interface Owner {
  storage: Storage;
  tenant: string;
}

/** Whether a request was made under this key: to ask for it again is no new work. */
export const knowsRequest = ({ storage, tenant }: Owner, key: string | undefined): Promise<boolean> =>
  isThere(storage, key && keys.request(tenant, key));

/** Whether a batch was made under this key. */
export const knowsBatch = ({ storage, tenant }: Owner, key: string | undefined): Promise<boolean> =>
  isThere(storage, key && keys.batch(tenant, key));

const isThere = async (storage: Storage, key: string | undefined): Promise<boolean> =>
  key !== undefined && (await storage.head(key)) !== undefined;

/** A release under its hash: workers read it from there. */
export async function storeRelease(storage: Storage, release: ReleaseLike): Promise<void> {
  const { id, graph, bindings, policy } = release;
  const body = canonicalize({ id, graph, bindings, policy }) ?? '';
  await putIfAbsent(storage, keys.release(id.replace('sha256:', '')), body);
}
