/** What a candidate is compared with, as the scoring pool takes it: bytes of photos and masks, and expectations. */
import { LRUCache } from 'lru-cache';
import { CullError } from '../errors.js';
import { keys } from '../storage/keys.js';
import type { Storage } from '../storage/storage.js';
import type { CandidateRecord, PlanDoc } from '../workflows/contract.js';
import type { ScoreTask } from './scoring/task.js';

/** Bytes of photos kept: the same few go with every candidate of a request. */
const KEPT_BYTES = 64 * 1024 * 1024;

export type Compared = Pick<ScoreTask, 'references' | 'named' | 'masks' | 'expect'>;

/**
 * Reads what the plan names. Photos are read once per process and kept; a mask is one candidate's own.
 *
 * @throws CullError STORAGE_MISSING
 */
export function createComparedReader(
  storage: Storage,
): (tenant: string, of: { plan: PlanDoc; record: Pick<CandidateRecord, 'files'> }) => Promise<Compared> {
  const photos = new LRUCache<string, Buffer>({ maxSize: KEPT_BYTES, sizeCalculation: (bytes) => bytes.length + 1 });
  const read = async (key: string): Promise<Buffer> => {
    const object = await storage.get(key);
    if (object) return object.body;
    throw new CullError('STORAGE_MISSING', `${key} is not in ${storage.description}`, {
      hint: 'all workers must use the same CULL_STORAGE; if it was deleted, give the image again',
    });
  };
  const photo = async (key: string): Promise<Buffer> => {
    const known = photos.get(key);
    if (known) return known;
    const bytes = await read(key);
    photos.set(key, bytes);
    return bytes;
  };
  const all = async (entries: [string, Promise<Buffer>][]): Promise<Record<string, Buffer>> =>
    Object.fromEntries(await Promise.all(entries.map(async ([name, bytes]) => [name, await bytes] as const)));

  return async (tenant, { plan, record }) => {
    const { references = [], named = {}, expect } = plan;
    const masks = (record.files ?? []).flatMap(({ mask, key }): [string, string][] => (mask ? [[mask, key]] : []));
    return {
      references: await Promise.all(references.map((sha256) => photo(keys.input(tenant, sha256)))),
      named: await all(Object.entries(named).map(([name, sha256]) => [name, photo(keys.input(tenant, sha256))])),
      masks: await all(masks.map(([name, key]) => [name, read(key)])),
      ...(expect && { expect }),
    };
  };
}
