/** The input files that one request uses and no other request of its tenant. */
import pLimit from 'p-limit';
import { keys } from '../storage/keys.js';
import type { Storage } from '../storage/storage.js';
import type { BatchLine } from '../workflows/batch-contract.js';
import type { RequestDoc } from '../workflows/contract.js';
import { readJson } from './documents.js';
import { linesOf } from './erase-lines.js';
import { deleteAll } from './erase-tenant.js';
import { requestsSince } from './finished.js';
import type { ErasePlace, RequestName } from './erase.js';

const READS_AT_ONCE = 16;

/** Remembers what it found: once request.json is gone, nothing else tells what they were. */
export function inputsOnlyOf(storage: Storage, of: RequestName): ErasePlace {
  const known = new Set<string>();
  return {
    name: 'storage',
    async *find() {
      for (const sha256 of await ownInputs(storage, of)) known.add(keys.input(of.tenant, sha256));
      for (const name of known) if (await storage.head(name)) yield { kind: 'inputs', name };
    },
    remove: (found) => deleteAll(storage, found),
  };
}

/** sha256 of each input file that nobody else needs. */
export async function ownInputs(storage: Storage, { tenant, request }: RequestName): Promise<Set<string>> {
  const doc = await readJson<RequestDoc>(storage, keys.request(tenant, request));
  const own = new Set(doc ? filesOf(doc) : []);
  const keep = (other: RequestDoc | undefined): void => {
    if (other && other.request !== request) for (const sha256 of filesOf(other)) own.delete(sha256);
  };
  if (own.size === 0) return own;
  const limit = pLimit(READS_AT_ONCE);
  const others = await requestsSince(storage, { tenant, since: '' });
  await Promise.all(
    others.map((other) => limit(async () => keep(await readJson<RequestDoc>(storage, keys.request(tenant, other))))),
  );
  // Lines that were not admitted yet, or that a retry will read.
  for await (const { key } of storage.list(keys.batches(tenant)))
    if (key.includes('/lines/'))
      for (const text of await linesOf(storage, key)) {
        const line = JSON.parse(text) as BatchLine;
        if ('doc' in line) keep(line.doc);
      }
  return own;
}

const filesOf = ({ inputs }: RequestDoc): string[] =>
  Object.values(inputs).flatMap((value) => (typeof value === 'object' ? [value.image] : []));
