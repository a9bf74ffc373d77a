/** What of one request is past its age, and how it goes. Can be done twice, and cut off anywhere: the next sweep goes on. */
import { expired, type Aging, type Retention } from '../selection/retention.js';
import { waitsForReview } from '../selection/review.js';
import { pictureName } from '../selection/tuning/labels.js';
import { keys } from '../storage/keys.js';
import type { Storage, StoredObject } from '../storage/storage.js';
import { updateJson } from '../storage/update.js';
import type { CandidateRecord, ReviewsDoc, SweptDoc } from '../workflows/contract.js';
import { addSwept, type SweptCounts, type SweptKind } from '../workflows/sweep-contract.js';
import { readJson } from './documents.js';

/** What people have said of pictures: all that are named, and those with a word on the picture as a whole. */
export interface Labelled {
  any: ReadonlySet<string>;
  whole: ReadonlySet<string>;
}

export interface RequestSweep {
  tenant: string;
  request: string;
  /** Its entry in the index. */
  entry: StoredObject;
  /** Milliseconds since the epoch. */
  now: number;
  retention: Retention;
  labelled: () => Promise<Labelled>;
  dryRun: boolean;
}

/** The stem of a candidate's files is its number; its record, its embedding and what it was varied with are no pictures. */
const FILE = /^(\d+)\.(.+)$/;
const RECORDS = new Set(['json', 'vary.json', 'f32']);

export async function sweepRequest(storage: Storage, sweep: RequestSweep): Promise<SweptCounts> {
  const { tenant, request, entry } = sweep;
  const end = await storage.head(keys.result(tenant, request));
  if (!end) {
    // Who deleted it was cut off before the index; a request that is there is open.
    if (await storage.head(keys.request(tenant, request))) return {};
    return sweepAll(storage, sweep, entry);
  }
  if (isYoung(end.modifiedAt, sweep)) return {};
  const pictures = await storedPictures(storage, sweep);
  const candidates = await agingOf(storage, sweep, [...pictures.keys()]);
  const gone = expired(candidates, { endedAt: end.modifiedAt, ...sweep });
  // Somebody may be about to try it again.
  if (gone.records && !(await storage.head(keys.dead(tenant, request)))) return sweepAll(storage, sweep, entry);
  if (gone.pictures.length === 0) return {};
  if (!sweep.dryRun) {
    await markSwept(storage, sweep, gone.pictures);
    // Resumed meanwhile, or delivered again after a review.
    if ((await storage.head(keys.result(tenant, request)))?.etag !== end.etag) return {};
  }
  return remove(storage, sweep, { kind: 'pictures', objects: gone.pictures.flatMap((one) => pictures.get(one) ?? []) });
}

/** Nothing that is set can be over yet. */
const isYoung = (endedAt: number, { now, retention }: Pick<RequestSweep, 'now' | 'retention'>): boolean => {
  const { rejected, passed, delivered, review, labelled, records } = retention;
  const ages = [rejected, passed, delivered, review, labelled, records].flatMap((days) => days ?? []);
  return now - endedAt < Math.min(...ages) * 86_400_000;
};

async function storedPictures(
  storage: Storage,
  { tenant, request }: RequestSweep,
): Promise<Map<number, StoredObject[]>> {
  const pictures = new Map<number, StoredObject[]>();
  for (const folder of [keys.candidates(tenant, request), keys.deliveredDir(tenant, request)])
    for await (const object of storage.list(folder)) {
      const [, digits, rest = ''] = FILE.exec(object.key.slice(folder.length)) ?? [];
      if (digits === undefined || RECORDS.has(rest)) continue;
      const candidate = Number(digits);
      pictures.set(candidate, [...(pictures.get(candidate) ?? []), object]);
    }
  return pictures;
}

async function agingOf(storage: Storage, sweep: RequestSweep, candidates: readonly number[]): Promise<Aging[]> {
  if (candidates.length === 0) return [];
  const { tenant, request } = sweep;
  const [manifest, reviews, labelled] = await Promise.all([
    storage.get(keys.manifest(tenant, request)),
    readJson<ReviewsDoc>(storage, keys.reviews(tenant, request)),
    sweep.labelled(),
  ]);
  const lines = manifest?.body.toString('utf8').split('\n') ?? [];
  const records = lines.flatMap((line) => (line === '' ? [] : [JSON.parse(line) as CandidateRecord]));
  const byCandidate = new Map(records.map((record) => [record.candidate, record]));
  return candidates.map((candidate) => {
    const record = byCandidate.get(candidate);
    const picture = pictureName(request, candidate);
    const inReview =
      !!record?.verdict && waitsForReview(record.verdict) && !record.review && !reviews?.decisions[candidate];
    return {
      candidate,
      state: record?.state ?? 'cancelled',
      waits: inReview || (record?.audit !== undefined && !labelled.whole.has(picture)),
      labelled: labelled.any.has(picture),
    };
  });
}

/** Before the pictures go: who misses one finds why. */
async function markSwept(
  storage: Storage,
  { tenant, request, now }: RequestSweep,
  candidates: readonly number[],
): Promise<void> {
  const at = new Date(now).toISOString();
  await updateJson<SweptDoc>(storage, keys.swept(tenant, request), (doc) => {
    const pictures = { ...Object.fromEntries(candidates.map((candidate) => [candidate, at])), ...doc?.pictures };
    return Object.keys(pictures).length === Object.keys(doc?.pictures ?? {}).length ? undefined : { pictures };
  });
}

/** The whole request. What names it goes last, so that one that was cut off is found again; without request.json it is gone for everybody. */
async function sweepAll(storage: Storage, sweep: RequestSweep, entry: StoredObject): Promise<SweptCounts> {
  const { tenant, request } = sweep;
  const late = [keys.request(tenant, request), keys.result(tenant, request)];
  const pictures: StoredObject[] = [];
  const records: StoredObject[] = [];
  const last: StoredObject[] = [];
  for await (const object of storage.list(keys.requestDir(tenant, request)))
    if (late.includes(object.key)) last.push(object);
    else (isPicture(object.key) ? pictures : records).push(object);
  return addSwept(
    await remove(storage, sweep, { kind: 'pictures', objects: pictures }),
    await remove(storage, sweep, { kind: 'records', objects: [...records, ...last, entry] }),
  );
}

const isPicture = (key: string): boolean => {
  const [, folder, , rest = ''] = /\/(candidates|delivered)\/(\d+)\.(.+)$/.exec(key) ?? [];
  return folder !== undefined && !RECORDS.has(rest);
};

/** One after the other, in this order. */
export async function remove(
  storage: Storage,
  { dryRun }: { dryRun: boolean },
  { kind, objects }: { kind: SweptKind; objects: readonly Pick<StoredObject, 'key' | 'size'>[] },
): Promise<SweptCounts> {
  if (objects.length === 0) return {};
  if (!dryRun) for (const { key } of objects) await storage.delete(key);
  return { [kind]: { objects: objects.length, bytes: objects.reduce((sum, { size }) => sum + size, 0) } };
}
