/** The ComfyUIs of a pool, as their workers last saw them: `_registry/hosts`. */
import { keys } from '../storage/keys.js';
import type { Storage } from '../storage/storage.js';
import type { HostDoc } from '../workflows/contract.js';
import { readJson } from './documents.js';

/** Those that serve now. */
export async function servingHosts(storage: Storage, pool: string): Promise<HostDoc[]> {
  const reading: Promise<HostDoc | undefined>[] = [];
  for await (const { key } of storage.list(keys.hosts())) reading.push(readJson<HostDoc>(storage, key));
  return (await Promise.all(reading)).filter((doc) => doc?.state === 'serving' && doc.pool === pool) as HostDoc[];
}
