/** Requests that have ended, one at a time from storage, for those who look back: replay, export. */
import { pMapIterable } from 'p-map';
import { messageOf } from '../errors.js';
import { keys } from '../storage/keys.js';
import type { Storage } from '../storage/storage.js';
import type { CandidateRecord, PlanDoc, RequestDoc, ResultDoc } from '../workflows/contract.js';

export interface FinishedRequest {
  asked: RequestDoc;
  result: ResultDoc;
  /** Absent where it failed before there was one. */
  plan: PlanDoc | undefined;
  records: CandidateRecord[];
}

export interface Looking {
  tenant: string;
  /** ISO 8601: made since then. */
  since: string;
  /** `sha256:…`, or how it starts. @default any */
  release?: string | undefined;
  /** Told of what cannot be read: a line, a document. The rest goes on. */
  onProblem: (problem: string) => void;
}

/**
 * The names of requests that were made since a day, in the order of the days.
 *
 * @param since ISO 8601; a request is taken if its day is not before
 */
export async function requestsSince(
  storage: Storage,
  { tenant, since }: { tenant: string; since: string },
): Promise<string[]> {
  const requests: string[] = [];
  for await (const { key } of storage.list(keys.indexes(tenant))) {
    const [day = '', name = ''] = key.slice(keys.indexes(tenant).length).split('/');
    if (day >= since.slice(0, 10)) requests.push(name.replace(/\.json$/, ''));
  }
  return requests;
}

/** Files are read while the requests before are looked at; more would only cost memory. */
const READ_AHEAD = 3;

/**
 * Those of some requests that have ended, each whole, one parsed in memory at a time.
 *
 * @example
 * const requests = await requestsSince(storage, looking);
 * for await (const { asked, records } of finishedRequests(storage, requests, looking)) console.log(asked.request, records.length);
 */
export async function* finishedRequests(
  storage: Storage,
  requests: Iterable<string>,
  { tenant, since, release = '', onProblem }: Looking,
): AsyncGenerator<FinishedRequest> {
  const read = async <T>(key: string, isOne: (value: unknown) => boolean): Promise<T | undefined> => {
    const object = await storage.get(key);
    try {
      if (!object) return undefined;
      const value: unknown = JSON.parse(object.body.toString('utf8'));
      if (isOne(value)) return value as T;
      throw new Error('it is JSON, and not what Cull writes there');
    } catch (error) {
      onProblem(`${key} cannot be read: ${messageOf(error)}`);
      return undefined;
    }
  };
  const wanted = release === '' || release.startsWith('sha256:') ? release : `sha256:${release}`;
  const fetched = pMapIterable(
    requests,
    async (request) => {
      const asked = await read<RequestDoc>(keys.request(tenant, request), isRequest);
      if (!asked || asked.createdAt < since || !asked.release.startsWith(wanted)) return undefined;
      const key = keys.manifest(tenant, request);
      const [result, plan, manifest] = await Promise.all([
        read<ResultDoc>(keys.result(tenant, request), isResult),
        read<PlanDoc>(keys.plan(tenant, request), isPlan),
        storage.get(key),
      ]);
      if (!result) return undefined;
      if (!manifest) onProblem(`${key} is not there`);
      return manifest && { asked, result, plan, manifest: { key, body: manifest.body } };
    },
    { concurrency: READ_AHEAD },
  );
  for await (const one of fetched) {
    if (!one) continue;
    const { manifest, ...finished } = one;
    yield { ...finished, records: recordsOf(manifest.body, { key: manifest.key, onProblem }) };
  }
}

function recordsOf(body: Buffer, { key, onProblem }: { key: string } & Pick<Looking, 'onProblem'>): CandidateRecord[] {
  const records: CandidateRecord[] = [];
  const lineOf = new Map<number, number>();
  for (const [index, line] of body.toString('utf8').split('\n').entries()) {
    if (line === '') continue;
    try {
      const record = checked(JSON.parse(line));
      const first = lineOf.get(record.candidate);
      // counted twice it would pass, fail and be delivered twice
      if (first !== undefined) throw new Error(`candidate ${record.candidate} is there already, in line ${first}`);
      lineOf.set(record.candidate, index + 1);
      records.push(record);
    } catch (error) {
      onProblem(`${key}:${index + 1} cannot be read: ${messageOf(error)}`);
    }
  }
  return records;
}

const isRequest = (value: unknown): boolean => {
  const { request, createdAt, release } = fieldsOf(value);
  return [request, createdAt, release].every((field) => typeof field === 'string');
};

const isResult = (value: unknown): boolean => {
  const { state, shortfall } = fieldsOf(value);
  return typeof state === 'string' && (shortfall === null || shortfall === undefined || isObject(shortfall));
};

const isPlan = (value: unknown): boolean => {
  const { policy, deliver, candidates } = fieldsOf(value);
  const { gates, rank, diversity, params } = fieldsOf(policy);
  return (
    [deliver, candidates].every(Number.isSafeInteger) &&
    Array.isArray(gates) &&
    [...(gates as unknown[]), rank, diversity, params].every(isObject)
  );
};

/** What those who look back rely on. One damaged line must not end the look at all others. */
function checked(line: unknown): CandidateRecord {
  const { candidate, seed, scores, verdict, timing } = fieldsOf(line) as Partial<CandidateRecord>;
  const isRecord =
    isCount(candidate) &&
    isCount(seed) &&
    isObject(timing) &&
    isObject(scores) &&
    Object.values(scores).every(isScore) &&
    (verdict === null || (isObject(verdict) && Array.isArray(verdict.failed) && verdict.failed.every(isObject)));
  if (isRecord) return line as CandidateRecord;
  throw new Error('it is no record of a candidate');
}

const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const fieldsOf = (value: unknown): Record<string, unknown> =>
  isObject(value) ? (value as Record<string, unknown>) : {};

const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && Number(value) >= 0;
/** JSON has no NaN. */
const isNumberOrNull = (value: unknown): boolean => value === null || typeof value === 'number';

/** Asked a million times in a long look back: nothing is made here. */
function isScore(value: unknown): boolean {
  const { status, scorer, raw, quality } = fieldsOf(value);
  if (typeof scorer !== 'string' || typeof status !== 'string') return false;
  return status !== 'ok' || (isNumberOrNull(raw) && isNumberOrNull(quality));
}
