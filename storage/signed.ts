/** Signed URLs of files that Cull serves itself: `<base>/files/<key>?expires=<seconds>&signature=<base64url>`. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { CullError } from '../errors.js';

/** Whether a request may read what it asks for. `expiresAt`: milliseconds since the epoch. */
export type UrlVerdict = { ok: true; expiresAt: number } | { ok: false; reason: 'unsigned' | 'forged' | 'expired' };

/** A signed URL lives at most so long: S3's signatures know no more. */
export const LONGEST_URL_SECONDS = 7 * 24 * 3600;

/** Reading is one right: a signature for GET is good for HEAD too, and for nothing else. */
const READS = new Set(['GET', 'HEAD']);
/** Changes if what is signed changes, so that no old signature means something new. */
const VERSION = 'cull-file-1';

/**
 * A URL that lets its bearer read one object until `expiresAt`. Pure: the clock and the secret are given.
 *
 * @param options.base public address of the service, with or without a path
 * @param options.expiresAt milliseconds since the epoch, rounded up to whole seconds
 * @param options.secret at least 32 random bytes
 * @example
 * signUrl('acme/requests/r1/candidates/0001.png', { base: 'https://cull.example.com', expiresAt: Date.now() + 60_000, secret });
 */
export function signUrl(
  key: string,
  { base, expiresAt, secret }: { base: string; expiresAt: number; secret: Uint8Array },
): string {
  const expires = String(Math.ceil(expiresAt / 1000));
  const query = new URLSearchParams({ expires, signature: signatureOf(key, expires, secret).toString('base64url') });
  const path = key.split('/').map(encodeURIComponent).join('/');
  return `${base.replace(/\/+$/, '')}/files/${path}?${query.toString()}`;
}

/**
 * Judges the query of a signed URL. Pure, and the signature is compared in constant time.
 *
 * @param ask.key the key as the path names it, decoded
 * @param ask.now milliseconds since the epoch
 * @example
 * const url = new URL(request.url);
 * verifyUrl({ method: request.method, key, query: url.searchParams, now: Date.now(), secret }); // { ok: true, expiresAt: … }
 */
export function verifyUrl(ask: {
  method: string;
  key: string;
  query: URLSearchParams;
  now: number;
  secret: Uint8Array;
}): UrlVerdict {
  const expires = ask.query.get('expires');
  const signature = ask.query.get('signature');
  if (expires === null || signature === null) return { ok: false, reason: 'unsigned' };
  const given = Buffer.from(signature, 'base64url');
  const right = signatureOf(ask.key, expires, ask.secret);
  const isGenuine = given.length === right.length && timingSafeEqual(given, right);
  // base64url decodes leniently: only the very text that was given out is good.
  if (!isGenuine || signature !== right.toString('base64url') || !READS.has(ask.method) || !/^\d{1,12}$/.test(expires))
    return { ok: false, reason: 'forged' };
  const expiresAt = Number(expires) * 1000;
  return ask.now < expiresAt ? { ok: true, expiresAt } : { ok: false, reason: 'expired' };
}

/** Refuses an expiry that a signed URL cannot have. @throws CullError REQUEST_INVALID */
export function checkExpiry(seconds: number): number {
  if (Number.isInteger(seconds) && seconds >= 1 && seconds <= LONGEST_URL_SECONDS) return seconds;
  throw new CullError('REQUEST_INVALID', `a signed URL cannot live for ${seconds} seconds`, {
    hint: `use a whole number from 1 to ${LONGEST_URL_SECONDS} (7 days, the most that S3 signs)`,
  });
}

// A length before the key: no other key and expiry can be written as the same text.
const signatureOf = (key: string, expires: string, secret: Uint8Array): Buffer =>
  createHmac('sha256', secret)
    .update(`${VERSION}\n${Buffer.byteLength(key)}\n${key}\n${expires}`)
    .digest();
