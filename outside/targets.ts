/** From a URL that somebody wrote to the addresses it may be reached at. */
import { lookup } from 'node:dns/promises';
import { CullError, messageOf } from '../errors.js';
import { isAddress, whyRefused, type Allowed } from './addresses.js';

/** The addresses of a name. @default the system's resolver, with its hosts file */
export type Resolve = (host: string) => Promise<string[]>;

export interface Target {
  url: URL;
  /** Each may be called. At least one. */
  addresses: string[];
}

export interface TargetOptions {
  allowed: Allowed;
  resolve?: Resolve;
}

const MAX_URL = 2_000;

const resolveBySystem: Resolve = async (host) =>
  (await lookup(host, { all: true, verbatim: true })).map(({ address }) => address);

/**
 * Checks a URL and resolves its name, once. Whoever calls it connects to these addresses and to no others: a name that answers otherwise a
 * moment later changes nothing. One address that is refused refuses the name.
 *
 * @throws CullError OUTSIDE_REFUSED for a URL or an address that is not allowed; OUTSIDE_FAILED where the name has no address
 * @example
 * const { url, addresses } = await findTarget('https://example.com/hook', { allowed: NOTHING_MORE });
 */
export async function findTarget(text: string, { allowed, resolve = resolveBySystem }: TargetOptions): Promise<Target> {
  const url = parseTarget(text);
  // the name's last dot and an address' brackets are spelling
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1').replace(/\.$/, '');
  const addresses = isAddress(host) ? [host] : await resolved(host, resolve);
  if (allowed.hosts.has(host)) return { url, addresses };
  for (const address of addresses) {
    const why = whyRefused(address, allowed);
    if (why !== undefined)
      throw new CullError('OUTSIDE_REFUSED', `${url.host} is at ${address}, which is not public (${why})`, {
        hint: 'use a public address, or let the operator allow it by CULL_OUTSIDE_ALLOW',
      });
  }
  return { url, addresses };
}

/** What can be said of a URL without asking anybody. @throws CullError OUTSIDE_REFUSED */
export function parseTarget(text: string): URL {
  const url = URL.canParse(text) && text.length <= MAX_URL ? new URL(text) : undefined;
  if (url?.protocol !== 'https:' && url?.protocol !== 'http:')
    throw new CullError('OUTSIDE_REFUSED', `"${text.slice(0, 200)}" is not an http:// or https:// address`);
  if (url.username !== '' || url.password !== '')
    throw new CullError('OUTSIDE_REFUSED', `the address of ${url.host} carries a user name or a password`, {
      hint: 'leave them out; a webhook is known by its signature',
    });
  return url;
}

async function resolved(host: string, resolve: Resolve): Promise<string[]> {
  let reason = 'it has no address';
  try {
    const addresses = await resolve(host);
    if (addresses.length > 0) return addresses;
  } catch (error) {
    reason = messageOf(error);
  }
  throw new CullError('OUTSIDE_FAILED', `the name ${host} cannot be resolved: ${reason}`);
}
