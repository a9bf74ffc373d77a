import { CullError } from '../errors.js';

/** Bytes of UTF-8. S3 allows 1024; the rest is for the prefix in its bucket. */
const MAX_KEY = 900;
const MAX_SEGMENT = 200;

/** The folder below the root that belongs to the drivers: temporary files, locks, probes, secrets. No key may start with it. */
export const RESERVED = '.cull-storage';

/**
 * Refuses keys that could leave the root or that no file system and S3 alike can hold.
 *
 * @throws CullError STORAGE_KEY_INVALID
 * @example
 * checkKey('acme/requests/r1/plan.json'); // returns it
 * checkKey('../etc/passwd'); // throws
 */
export function checkKey(key: string): string {
  const reason = keyProblem(key);
  if (reason === undefined) return key;
  throw new CullError('STORAGE_KEY_INVALID', `storage key ${JSON.stringify(key.slice(0, 200))} ${reason}`, {
    hint: 'use a relative path of at most 900 bytes, such as acme/requests/r1/plan.json',
  });
}

/** Whether `checkKey` would let it pass: others may have put their objects into a bucket too. */
export const isKey = (key: string): boolean => keyProblem(key) === undefined;

/** A prefix is a key whose last segment may be unfinished, or nothing at all. */
export function checkPrefix(prefix: string): string {
  const complete = prefix.slice(0, prefix.lastIndexOf('/'));
  const started = prefix.slice(complete.length + 1);
  if (complete !== '') checkKey(complete);
  if (started !== '' && started !== '.' && started !== '..') checkKey(complete === '' ? prefix : `x/${started}`);
  if (prefix.startsWith('/')) checkKey(prefix);
  return prefix;
}

/** A prefix that ends where a segment does. */
export function checkFolder(prefix: string): string {
  if (prefix !== '') checkKey(prefix.replace(/\/$/, ''));
  if (prefix === '' || prefix.endsWith('/')) return prefix;
  throw new CullError('STORAGE_KEY_INVALID', `${JSON.stringify(prefix)} is no folder of keys`, {
    hint: 'end it with "/"',
  });
}

function keyProblem(key: string): string | undefined {
  if (key === '') return 'is empty';
  if (Buffer.byteLength(key) > MAX_KEY) return `has ${Buffer.byteLength(key)} bytes, more than ${MAX_KEY}`;
  // eslint-disable-next-line no-control-regex -- control characters are exactly what is refused
  if (/[\u0000-\u001f\u007f\\]/.test(key)) return 'contains a backslash or a control character';
  if (Buffer.from(key).toString() !== key) return 'is not well-formed Unicode';
  const segments = key.split('/');
  if (segments[0] === RESERVED) return `starts with ${RESERVED}/, which belongs to the storage itself`;
  for (const segment of segments) {
    if (segment === '') return 'starts or ends with "/" or has an empty segment';
    if (segment === '.' || segment === '..') return `has a "${segment}" segment`;
    if (Buffer.byteLength(segment) > MAX_SEGMENT) return `has a segment of more than ${MAX_SEGMENT} bytes`;
  }
  return undefined;
}
