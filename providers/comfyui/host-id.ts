import { createHash } from 'node:crypto';
import { parseAddress } from './address.js';

const MAX = 63;

/**
 * A short, stable name for a ComfyUI, made of its address: letters, digits, `.`, `_`, `-`, fewer than 80 characters. Safe as
 * a part of a storage key. Credentials do not show; names that had to be shortened or changed end in a hash.
 *
 * @throws CullError CONFIG_INVALID if it is not an http(s) URL
 * @example
 * hostId('http://127.0.0.1:8188'); // '127.0.0.1-8188'
 */
export function hostId(url: string): string {
  const { base } = parseAddress(url);
  const address = base.replace(/^https?:\/\//, '').toLowerCase();
  const plain = address.replace(/[^a-z0-9._-]+/g, '-').replace(/^[^a-z0-9]+|-+$/g, '');
  const simple = /^[a-z0-9.-]+(:\d+)?$/.test(address) && base.startsWith('http:');
  if (simple && plain.length <= MAX && !plain.includes('..')) return plain;
  const hash = createHash('sha256').update(base).digest('hex').slice(0, 8);
  return `${plain.replaceAll('..', '.').slice(0, MAX)}-${hash}`;
}
