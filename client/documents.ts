/** Reading the JSON documents of a request (workflows/contract.ts). */
import { CullError } from '../errors.js';
import { checkName, keys } from '../storage/keys.js';
import type { Storage } from '../storage/storage.js';
import type { RequestDoc } from '../workflows/contract.js';

/** The document under a key, or undefined. Our own writes are whole, so what parses is what was written. */
export async function readJson<T>(storage: Storage, key: string): Promise<T | undefined> {
  const object = await storage.get(key);
  return object && (JSON.parse(object.body.toString('utf8')) as T);
}

/** request.json. @throws CullError REQUEST_NOT_FOUND */
export async function readRequest(
  storage: Storage,
  { tenant, request }: { tenant: string; request: string },
): Promise<RequestDoc> {
  checkName('request', request);
  const doc = await readJson<RequestDoc>(storage, keys.request(tenant, request));
  if (doc) return doc;
  throw new CullError('REQUEST_NOT_FOUND', `there is no request ${request} of tenant ${tenant}`, {
    hint: '`comfy-cull list` shows all',
  });
}
