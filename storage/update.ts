/** Small JSON documents that several processes change: compare-and-swap. */
import { setTimeout as wait } from 'node:timers/promises';
import { CullError } from '../errors.js';
import type { Storage } from './storage.js';

const TRIES = 20;
/** Who lost waits a random while, longer each time, so that many at once do not meet again. */
const LONGEST_WAIT_MS = 1_000;

/**
 * Changes a JSON document by compare-and-swap, so that two who change it at once both succeed. `next` may be called again, with what the other
 * has written.
 *
 * @param next the document as it is (undefined: there is none) -> as it shall be; undefined: leave it
 * @throws CullError STORAGE_CONFLICT after 20 tries; STORAGE_*
 * @example
 * await updateJson<{ count: number }>(storage, '_registry/x.json', (doc) => ({ count: (doc?.count ?? 0) + 1 }));
 */
export async function updateJson<T>(
  storage: Storage,
  key: string,
  next: (current: T | undefined) => T | undefined | Promise<T | undefined>,
): Promise<void> {
  for (let tries = 1; ; tries++) {
    const object = await storage.get(key);
    const changed = await next(object && (JSON.parse(object.body.toString('utf8')) as T));
    if (changed === undefined) return;
    try {
      await storage.put(key, JSON.stringify(changed), object ? { ifMatch: object.etag } : { ifAbsent: true });
      return;
    } catch (error) {
      if (tries === TRIES || !(error instanceof CullError) || error.code !== 'STORAGE_CONFLICT') throw error;
      await wait(Math.random() * Math.min(LONGEST_WAIT_MS, 2 ** tries));
    }
  }
}
