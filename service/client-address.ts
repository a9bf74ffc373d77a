/** Where a call comes from: the other end of its connection, or what a proxy that is trusted says of it. */
import type { Context } from 'hono';
import { isAddress, isNamed, plainAddress, type Allowed } from '../outside/addresses.js';

/** Proxies whose word counts. */
export type Trusted = Pick<Allowed, 'ranges'>;

/** What the server on a port hands to the app beside the request. */
interface Bindings {
  incoming?: { socket?: { remoteAddress?: string } };
}

/**
 * The address of a caller: from the other end of the connection backwards through `X-Forwarded-For`, as long as the one who wrote it is trusted. What
 * stands before the first untrusted address was written by the caller, and is worth nothing.
 *
 * @param call.peer the other end of the connection
 * @param call.forwarded the header `X-Forwarded-For`
 * @example
 * addressOf({ peer: '10.0.0.2', forwarded: '6.6.6.6, 198.51.100.9, 10.0.0.3' }, allowedOf(['10.0.0.0/8'])); // '198.51.100.9'
 */
export function addressOf(call: { peer: string; forwarded: string | undefined }, trusted: Trusted): string {
  const hops = (call.forwarded ?? '').split(',').map((hop) => withoutPort(hop.trim()));
  let address = plainAddress(call.peer);
  while (isNamed(address, trusted)) {
    const hop = hops.pop();
    if (hop === undefined || !isAddress(hop)) break;
    address = plainAddress(hop);
  }
  return address;
}

/** `198.51.100.9:4711`, `[2001:db8::1]:4711` and `[2001:db8::1]` without what is no address. */
const withoutPort = (hop: string): string => /^\[(.*)\](:\d+)?$/.exec(hop)?.[1] ?? hop.replace(/^([\d.]+):\d+$/, '$1');

/** The address of a call's caller; `unknown` where the app is asked without a port. */
export const clientOf =
  (trusted: Trusted) =>
  (c: Context): string => {
    const peer = (c.env as Bindings | undefined)?.incoming?.socket?.remoteAddress;
    return peer === undefined ? 'unknown' : addressOf({ peer, forwarded: c.req.header('x-forwarded-for') }, trusted);
  };
