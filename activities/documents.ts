/** Reading and writing the JSON documents of a request (workflows/contract.ts) in storage. */
import { LRUCache } from 'lru-cache';
import { CullError } from '../errors.js';
import { keys } from '../storage/keys.js';
import type { Storage } from '../storage/storage.js';
import type { CandidateRecord, PlanDoc } from '../workflows/contract.js';

export interface CandidateRef {
  tenant: string;
  request: string;
  candidate: number;
}

/** The document under a key, or undefined. Our own writes are whole, so what parses is what was written. */
export async function readJson<T>(storage: Storage, key: string): Promise<T | undefined> {
  const object = await storage.get(key);
  return object === undefined ? undefined : (JSON.parse(object.body.toString('utf8')) as T);
}

export async function writeJson(storage: Storage, key: string, value: unknown): Promise<void> {
  await storage.put(key, JSON.stringify(value), { contentType: 'application/json' });
}

/** The document under a key; its absence is an error of the installation, not of the request. */
export async function requireJson<T>(storage: Storage, key: string): Promise<T> {
  const value = await readJson<T>(storage, key);
  if (value !== undefined) return value;
  throw new CullError('STORAGE_MISSING', `${key} is not in ${storage.description}`, {
    hint: 'client and workers must use the same CULL_STORAGE',
  });
}

/** Plans by request: read once per process and kept, they never change. */
export function createPlanReader(storage: Storage): (ref: { tenant: string; request: string }) => Promise<PlanDoc> {
  const cache = new LRUCache<string, Promise<PlanDoc>>({ max: 200 });
  return ({ tenant, request }) => {
    const key = keys.plan(tenant, request);
    const known = cache.get(key);
    if (known) return known;
    const reading = requireJson<PlanDoc>(storage, key);
    cache.set(key, reading);
    reading.catch(() => cache.delete(key));
    return reading;
  };
}

export const readRecord = (storage: Storage, { tenant, request, candidate }: CandidateRef) =>
  readJson<CandidateRecord>(storage, keys.record(tenant, request, candidate));

export const writeRecord = (storage: Storage, { tenant, request }: CandidateRef, record: CandidateRecord) =>
  writeJson(storage, keys.record(tenant, request, record.candidate), record);

/** A record of a candidate of which nothing is known but its seed, and its group where it has one. */
export function emptyRecord(
  candidate: number,
  seed: number,
  state: CandidateRecord['state'],
  group?: string,
): CandidateRecord {
  return {
    candidate,
    seed,
    state,
    provider: 'comfyui',
    host: null,
    promptId: null,
    image: null,
    scores: {},
    verdict: null,
    notPicked: null,
    timing: { queuedMs: null, drawMs: null, scoreMs: null },
    cost: null,
    error: null,
    ...(group !== undefined && { group }),
  };
}
