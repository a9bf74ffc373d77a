/** What storage holds of a tenant: all below its own folder, what the registry has of it, its API keys. */
import { posix } from 'node:path';
import { keys } from '../storage/keys.js';
import type { Storage } from '../storage/storage.js';
import { readJson } from './documents.js';
import type { ErasePlace, Found } from './erase.js';
import { quarantineRows } from './erase-quarantine.js';

/** Settings and webhook endpoints: what tells others of the tenant. It goes first, so that nobody is told that requests end. */
export const tenantRegistry = (storage: Storage, tenant: string): ErasePlace =>
  below(storage, keys.tenantRegistry(tenant), () => 'settings, webhook endpoints');

/**
 * The tenant's folder, what names it beside releases, then its API keys.
 *
 * @example
 * await erase(tenantStorage(storage, 'acme'));
 */
export const tenantStorage = (storage: Storage, tenant: string): ErasePlace[] => [
  below(storage, keys.tenantDir(tenant), kindOfKey),
  quarantineRows(storage, { tenant }),
  {
    name: 'storage',
    async *find() {
      for await (const { key } of storage.list(keys.apiKeys()))
        if ((await readJson<{ tenant: string }>(storage, key))?.tenant === tenant)
          yield { kind: 'API keys', name: key };
    },
    remove: (found) => deleteAll(storage, found),
  },
];

/** Every object below a prefix. */
export const below = (storage: Storage, prefix: string, kindOf: (key: string) => string): ErasePlace => ({
  name: 'storage',
  async *find() {
    for await (const { key } of storage.list(prefix)) yield { kind: kindOf(key), name: key };
  },
  remove: (found) => deleteAll(storage, found),
});

export async function deleteAll(storage: Storage, found: readonly Found[]): Promise<void> {
  await Promise.all(found.map(({ name }) => storage.delete(name)));
}

/** Folder of a tenant -> what lies there. */
const FOLDERS: Record<string, string> = {
  index: 'list entries',
  'batch-index': 'list entries',
  dead: 'list entries',
  inputs: 'inputs',
  labels: 'labels',
  batches: 'batches',
  webhooks: 'webhook messages',
};

/** What a key below a tenant's folder holds, for people. */
export function kindOfKey(key: string): string {
  const [, folder = '', , sub] = key.split('/');
  if (folder !== 'requests') return FOLDERS[folder] ?? 'other documents';
  const extension = posix.extname(key);
  if (extension === '.f32') return 'embeddings';
  if (sub === 'candidates' && extension === '.json') return 'scores';
  return sub === 'candidates' || sub === 'delivered' ? 'images' : 'request documents';
}
