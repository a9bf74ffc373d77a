/** Inputs that no request needs any more. They lie under their content hash, so several requests may share one. */
import { isPast } from '../selection/retention.js';
import { keys } from '../storage/keys.js';
import type { Storage, StoredObject } from '../storage/storage.js';
import type { SweptCounts } from '../workflows/sweep-contract.js';
import { remove } from './sweep-request.js';

const HASH = /[0-9a-f]{64}/g;

/**
 * An input goes when it was uploaded longer ago than its age, and every request that names it ended longer ago than that. A request counts that is
 * open, that stands as a dead letter, or that a line of an open batch will become.
 *
 * Whoever uploads an old input again renews it (`Cull.putInput`), and the newest requests are read last, just before anything goes: a request that is
 * made with an upload of its own is never too late.
 */
export async function sweepInputs(
  storage: Storage,
  sweep: { tenant: string; now: number; days: number | undefined; dryRun: boolean; onLook: () => void },
): Promise<SweptCounts> {
  const { tenant, now, days, onLook } = sweep;
  const old: StoredObject[] = [];
  if (days === undefined) return {};
  for await (const object of storage.list(keys.inputs(tenant)))
    if (isPast(object.modifiedAt, { days, now })) old.push(object);
  if (old.length === 0) return {};
  const needed = new Set<string>();
  const need = async (key: string): Promise<void> => {
    const object = await storage.get(key);
    for (const [hash] of object?.body.toString('utf8').matchAll(HASH) ?? []) needed.add(hash);
    onLook();
  };
  for await (const batch of storage.folders(keys.batches(tenant)))
    if (!(await storage.head(keys.batchResult(tenant, batch))))
      for await (const { key } of storage.list(keys.batchParts(tenant, batch))) await need(key);
  for await (const { key } of storage.list(keys.indexes(tenant))) {
    const request = key.slice(key.lastIndexOf('/') + 1).replace(/\.json$/, '');
    const end = await storage.head(keys.result(tenant, request));
    if (!end || !isPast(end.modifiedAt, { days, now }) || (await storage.head(keys.dead(tenant, request))))
      await need(keys.request(tenant, request));
    else onLook();
  }
  const unneeded = old.filter(({ key }) => !needed.has(key.slice(keys.inputs(tenant).length)));
  const still = await Promise.all(unneeded.map(async ({ key, etag }) => (await storage.head(key))?.etag === etag));
  return remove(storage, sweep, { kind: 'inputs', objects: unneeded.filter((_, at) => still[at]) });
}
