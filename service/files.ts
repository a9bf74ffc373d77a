/** Files by signed URL, for a storage whose URLs lead to the service: a folder with a public address. */
import { Readable } from 'node:stream';
import { CullError } from '../errors.js';
import { contentTypeOf } from '../storage/content-type.js';
import type { ByteRange, Storage, StoredObject } from '../storage/storage.js';
import { HttpError } from './problem.js';

type Body = ConstructorParameters<typeof Response>[0];

/** A cache may keep a file no longer than its URL is good, and at most so long: what is erased is to go. */
const LONGEST_CACHE_SECONDS = 24 * 3600;
/** A file that is written anew while it is being opened is looked at again. */
const TRIES = 3;

/**
 * Answers `GET` and `HEAD` of `…/files/<key>?expires=…&signature=…` as RFC 9110 says: one range at a time (206, 416), `If-None-Match`
 * (304), `If-Range`. Needs no key of the API: the signature is the right to read this one object.
 *
 * @throws CullError URL_REFUSED if it is forged, expired or unsigned; FILE_NOT_FOUND; METHOD_NOT_ALLOWED; STORAGE_*
 * @example
 * const files = createFileServer(storage);
 * app.get('/files/*', (c) => files(c.req.raw));
 */
export function createFileServer(
  storage: Storage,
  clock: () => number = Date.now,
): (request: Request) => Promise<Response> {
  return async (request) => {
    if (request.method !== 'GET' && request.method !== 'HEAD')
      throw new HttpError('METHOD_NOT_ALLOWED', `a file does not take ${request.method}`, { allow: 'GET, HEAD' });
    const now = clock();
    const { key, expiresAt } = await admitted(storage, request, now);
    for (let tries = 1; ; tries++) {
      const about = await storage.head(key);
      if (!about) throw notFound(key);
      const answer = await answerWith(storage, request, { about, seconds: (expiresAt - now) / 1000 });
      if (answer) return answer;
      if (tries === TRIES)
        throw new CullError('STORAGE_CONFLICT', `${key} is written anew all the time`, { hint: 'read it again' });
    }
  };
}

/** The key that the URL lets its bearer read. */
async function admitted(storage: Storage, request: Request, now: number): Promise<{ key: string; expiresAt: number }> {
  const { pathname, searchParams: query } = new URL(request.url);
  const key = keyIn(pathname);
  if (!storage.verifyUrl) throw notFound('a file');
  const verdict = await storage.verifyUrl({ method: request.method, key, query, now });
  if (verdict.ok) return { key, expiresAt: verdict.expiresAt };
  const why = { unsigned: 'it carries no signature', forged: 'its signature is not ours', expired: 'it has expired' };
  throw new CullError('URL_REFUSED', `this URL lets nobody read the file: ${why[verdict.reason]}`, {
    hint: 'ask for the request again: its answer has fresh URLs',
  });
}

function keyIn(pathname: string): string {
  try {
    return pathname
      .slice(pathname.indexOf('/files/') + '/files/'.length)
      .split('/')
      .map(decodeURIComponent)
      .join('/');
  } catch {
    // A broken escape: no URL of ours.
    return '';
  }
}

/** The answer, or undefined if the object is no longer the one of `about`. */
async function answerWith(
  storage: Storage,
  request: Request,
  { about, seconds }: { about: StoredObject; seconds: number },
): Promise<Response | undefined> {
  const { key, size } = about;
  const etag = `"${about.etag.replaceAll('"', '')}"`;
  const headers = new Headers({
    etag,
    'accept-ranges': 'bytes',
    'cache-control': `private, max-age=${Math.floor(Math.min(seconds, LONGEST_CACHE_SECONDS))}`,
    'x-content-type-options': 'nosniff',
  });
  if (isNamed(request.headers.get('if-none-match'), etag)) return new Response(null, { status: 304, headers });

  headers.set('content-type', contentTypeOf(key));
  if (request.method === 'HEAD') {
    headers.set('content-length', String(size));
    return new Response(null, { headers });
  }
  const condition = request.headers.get('if-range');
  const asked = condition === null || condition === etag ? request.headers.get('range') : null;
  const range = asked === null ? undefined : rangeIn(asked, size);
  if (range === 'unsatisfiable') {
    headers.delete('content-type');
    headers.set('content-range', `bytes */${size}`);
    return new Response(null, { status: 416, headers });
  }
  const object = await storage.getStream(key, range);
  if (!object || object.etag !== about.etag) {
    object?.body.destroy();
    return undefined;
  }
  headers.set('content-length', String(range ? range.end - range.start + 1 : size));
  if (range) headers.set('content-range', `bytes ${range.start}-${range.end}/${size}`);
  return new Response(Readable.toWeb(object.body) as Body, { status: range ? 206 : 200, headers });
}

/** `If-None-Match` compares weakly. */
const isNamed = (header: string | null, etag: string): boolean =>
  header !== null && header.split(',').some((one) => one.trim() === '*' || one.trim().replace(/^W\//, '') === etag);

/**
 * The one range of a `Range` header, cut to the object; undefined where it is to be ignored: another unit, several ranges, nonsense.
 *
 * @example
 * rangeIn('bytes=-100', 1000); // { start: 900, end: 999 }
 */
export function rangeIn(header: string, size: number): Required<ByteRange> | 'unsatisfiable' | undefined {
  const [, first = '', last = ''] = /^bytes=(\d*)-(\d*)$/i.exec(header.replace(/\s/g, '')) ?? [];
  if (first === '' && last === '') return undefined;
  if (first === '') {
    const count = Math.min(Number(last), size);
    return count === 0 ? 'unsatisfiable' : { start: size - count, end: size - 1 };
  }
  const start = Number(first);
  if (last !== '' && Number(last) < start) return undefined;
  if (start >= size) return 'unsatisfiable';
  return { start, end: last === '' ? size - 1 : Math.min(Number(last), size - 1) };
}

const notFound = (key: string): CullError =>
  new CullError('FILE_NOT_FOUND', `${key} is not here`, {
    hint: 'it expired (docs/retention.md), was erased, or never was',
  });
