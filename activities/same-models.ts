/** One request, one set of networks: the candidate that is measured first says which, where no pin does. */
import { LRUCache } from 'lru-cache';
import { CullError } from '../errors.js';
import { short } from '../selection/pins.js';
import { keys } from '../storage/keys.js';
import type { Storage } from '../storage/storage.js';
import { updateJson } from '../storage/update.js';

type Models = Readonly<Record<string, string>>;

/**
 * Notes the networks that measured a candidate, id -> sha256, or the name of one on another machine. Storage is asked again only for networks
 * that were not met before.
 *
 * @returns a function that throws CullError SCORER_VERSION where another candidate of the request was measured with other networks
 */
export function createModelKeeper(
  storage: Storage,
): (ref: { tenant: string; request: string }, used: Models) => Promise<void> {
  const known = new LRUCache<string, Models>({ max: 200 });
  return async ({ tenant, request }, used) => {
    const key = keys.models(tenant, request);
    let first = known.get(key) ?? {};
    const isKnown = (): boolean => Object.keys(used).every((id) => Object.hasOwn(first, id));
    if (!isKnown())
      await updateJson<Models>(storage, key, (stored = {}) => {
        first = { ...used, ...stored };
        return Object.keys(first).length === Object.keys(stored).length ? undefined : first;
      });
    known.set(key, first);
    const other = Object.entries(used).find(([id, made]) => first[id] !== made);
    if (other === undefined) return;
    const [id, made] = other;
    throw new CullError(
      'SCORER_VERSION',
      `the model ${id} is ${short(made)} here, and others of request ${request} were measured with ${short(first[id])}`,
      { hint: 'give all scoring workers the same models, then `comfy-cull resume`, or make the request again' },
    );
  };
}
