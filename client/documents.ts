/** Reading the JSON documents of a request (workflows/contract.ts). */
import pLimit from 'p-limit';
import { CullError } from '../errors.js';
import { checkName, keys } from '../storage/keys.js';
import type { Storage } from '../storage/storage.js';
import type { CandidateRecord, RequestDoc } from '../workflows/contract.js';

const READS_AT_ONCE = 16;
/** `candidates/0007.json`; what else lies there by that name has a second dot. */
const RECORD = /\/\d+\.json$/;

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

/** The records of the candidates that are there so far, by candidate: with the verdicts of the policy, not yet those of people. */
export async function readRecords(
  storage: Storage,
  { tenant, request }: { tenant: string; request: string },
): Promise<CandidateRecord[]> {
  const limit = pLimit(READS_AT_ONCE);
  const reading: Promise<CandidateRecord | undefined>[] = [];
  for await (const { key } of storage.list(keys.candidates(tenant, request)))
    if (RECORD.test(key)) reading.push(limit(() => readJson<CandidateRecord>(storage, key)));
  const records = (await Promise.all(reading)).flatMap((record) => record ?? []);
  return records.sort((a, b) => a.candidate - b.candidate);
}
