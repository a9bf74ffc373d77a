/** Lines that name a request in objects which others share: labels, lines and results of batches. */
import { createHash } from 'node:crypto';
import type { Label } from '../selection/tuning/labels.js';
import { keys } from '../storage/keys.js';
import type { Storage } from '../storage/storage.js';
import type { BatchLine, BatchRow } from '../workflows/batch-contract.js';
import type { CandidateRecord } from '../workflows/contract.js';
import { readRecords } from './documents.js';
import type { ErasePlace, Found, RequestName } from './erase.js';
import { putIfAbsent } from './store.js';

/** Lines of an NDJSON object, as they are stored. `name`: its key. */
export type FoundLines = Found & { lines: string[] };

interface LinesOptions {
  kind: string;
  /** Where the objects are named after their content: the key of another content. */
  keyOf?: (sha256: string) => string;
}

/** Labels of its candidates, however they name the picture: by request, key or hash. A file of somebody's own cannot be told. */
export function labelsOf(storage: Storage, of: RequestName): ErasePlace<FoundLines> {
  const { tenant, request } = of;
  const folder = keys.requestDir(tenant, request);
  return linesPlace(
    storage,
    { kind: 'labels', keyOf: (sha256) => keys.labelBatch(tenant, sha256) },
    async function* () {
      const hashes = await hashesOf(storage, of);
      const isOf = ({ picture, job }: Label): boolean =>
        job === request ||
        (picture.startsWith(`${request}/`) && /^\d+$/.test(picture.slice(request.length + 1))) ||
        picture.startsWith(folder) ||
        hashes.has(picture);
      for await (const { key } of storage.list(keys.labels(tenant)))
        yield { key, isOf: (text) => isOf(JSON.parse(text) as Label) };
    },
  );
}

/** Of its pictures: candidates' records may have been swept before the manifest. */
async function hashesOf(storage: Storage, of: RequestName): Promise<Set<string>> {
  const manifest = await linesOf(storage, keys.manifest(of.tenant, of.request));
  const records = manifest.map((line) => JSON.parse(line) as CandidateRecord);
  return new Set(
    [...records, ...(await readRecords(storage, of))].flatMap(({ image, delivered }) =>
      [image?.sha256, image?.pixelSha256, delivered?.sha256].filter((sha256) => typeof sha256 === 'string'),
    ),
  );
}

/** What a batch keeps of it: the line that asked for it, and its result. A batch's name is the beginning of its requests' names. */
export function batchLinesOf(storage: Storage, { tenant, request }: RequestName): ErasePlace<FoundLines> {
  const isOf = (text: string): boolean => {
    const line = JSON.parse(text) as BatchLine | BatchRow;
    return request === ('doc' in line ? line.doc.request : 'request' in line ? line.request : null);
  };
  return linesPlace(storage, { kind: 'lines of batches' }, async function* () {
    for (const batch of batchesOf(request))
      for await (const { key } of storage.list(keys.batchDir(tenant, batch)))
        if (key.endsWith('.ndjson')) yield { key, isOf };
  });
}

/** The names that the batch of a request can have: it ends before one of the dots. */
export const batchesOf = (request: string): string[] =>
  [...request.matchAll(/\./g)].map(({ index }) => request.slice(0, index)).filter((batch) => batch !== '');

export async function linesOf(storage: Storage, key: string): Promise<string[]> {
  const object = await storage.get(key);
  return (object?.body.toString('utf8').split('\n') ?? []).filter((line) => line !== '');
}

/** @param objects those that may hold such lines */
function linesPlace(
  storage: Storage,
  { kind, keyOf }: LinesOptions,
  objects: () => AsyncGenerator<{ key: string; isOf: (text: string) => boolean }>,
): ErasePlace<FoundLines> {
  return {
    name: 'storage',
    async *find() {
      for await (const { key, isOf } of objects()) {
        const lines = (await linesOf(storage, key)).filter(isOf);
        if (lines.length > 0) yield { kind, name: key, count: lines.length, lines };
      }
    },
    async remove(found) {
      await Promise.all(found.map(({ name, lines }) => rewrite(storage, name, { gone: new Set(lines), keyOf })));
    },
  };
}

/** Writes the object anew without these lines; one in which nothing is left is deleted. */
async function rewrite(
  storage: Storage,
  key: string,
  { gone, keyOf }: { gone: ReadonlySet<string>; keyOf: LinesOptions['keyOf'] },
): Promise<void> {
  const object = await storage.get(key);
  if (!object) return;
  const lines = object.body.toString('utf8').split('\n');
  const kept = lines.filter((line) => line !== '' && !gone.has(line));
  const body = kept.map((line) => `${line}\n`).join('');
  if (kept.length === 0) return storage.delete(key);
  if (!keyOf) {
    await storage.put(key, body, { contentType: 'application/x-ndjson', ifMatch: object.etag });
    return;
  }
  // First the new one: after a crash in between a line is there twice, and counts once.
  await putIfAbsent(storage, keyOf(createHash('sha256').update(body).digest('hex')), body);
  await storage.delete(key);
}
