/** Which IP addresses a call may go to. Pure. */
import ipaddr from 'ipaddr.js';
import { CullError } from '../errors.js';

type Address = ipaddr.IPv4 | ipaddr.IPv6;

/** Addresses and names that may be called although they are not public. */
export interface Allowed {
  ranges: readonly (readonly [Address, number])[];
  hosts: ReadonlySet<string>;
}

const HOST = /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/;
/** RFC 6052: what a network with DNS64 answers for a public IPv4 address. Its last 32 bits are that address. */
const NAT64 = ipaddr.IPv6.parseCIDR('64:ff9b::/96');
/** RFC 4291: the only block of global unicast addresses that is handed out. */
const GLOBAL = ipaddr.IPv6.parseCIDR('2000::/3');

/**
 * What a list allows; of a list with an item that is no address, no range in CIDR notation and no host name, that item.
 *
 * @example
 * parseAllowed(['10.2.0.0/16', 'hooks.internal']);
 */
export function parseAllowed(items: readonly string[]): { allowed: Allowed } | { wrong: string } {
  const ranges: [Address, number][] = [];
  const hosts = new Set<string>();
  for (const item of items) {
    if (ipaddr.isValidCIDR(item)) ranges.push(ipaddr.parseCIDR(item));
    else if (isAddress(item)) ranges.push(wholeOf(ipaddr.parse(item)));
    else if (HOST.test(item.toLowerCase()) && !/^[\d.]+$/.test(item)) hosts.add(item.toLowerCase());
    else return { wrong: item };
  }
  return { allowed: { ranges, hosts } };
}

/** The same for a list that was checked before. @throws CullError CONFIG_INVALID */
export function allowedOf(items: readonly string[]): Allowed {
  const parsed = parseAllowed(items);
  if ('allowed' in parsed) return parsed.allowed;
  throw new CullError('CONFIG_INVALID', `"${parsed.wrong}" is no address, range (10.2.0.0/16) or host name`);
}

/** Nothing but what is public. */
export const NOTHING_MORE: Allowed = { ranges: [], hosts: new Set() };

/** Four numbers, or IPv6 without a zone: `127.1` and `0x7f.0.0.1` are no addresses here. */
export const isAddress = (text: string): boolean =>
  ipaddr.IPv4.isValidFourPartDecimal(text) || (ipaddr.IPv6.isValid(text) && !text.includes('%'));

/**
 * Why an address may not be called, in one word (`loopback`, `private`, `linkLocal`, `carrierGradeNat`, `multicast`, …), or undefined where it may.
 * An address that carries an IPv4 address is what that one is; forms that no receiver has (6to4, Teredo) are refused whatever they carry.
 *
 * @example
 * whyRefused('::ffff:127.0.0.1', NOTHING_MORE); // 'loopback'
 */
export function whyRefused(text: string, allowed: Allowed): string | undefined {
  if (!isAddress(text)) return 'unreadable';
  if (isNamed(text, allowed)) return undefined;
  const address = carriedBy(ipaddr.parse(text));
  const range = address.range();
  if (range !== 'unicast') return range;
  return address.kind() === 'ipv6' && !address.match(...GLOBAL) ? 'reserved' : undefined;
}

/**
 * Whether an address is one of those named, or within a range of them.
 *
 * @example
 * isNamed('10.2.7.1', allowedOf(['10.2.0.0/16'])); // true
 */
export function isNamed(text: string, { ranges }: Pick<Allowed, 'ranges'>): boolean {
  if (!isAddress(text)) return false;
  const address = carriedBy(ipaddr.parse(text));
  return ranges.some(([start, bits]) => address.kind() === start.kind() && address.match(start, bits));
}

/** An address as it is written without the detour: `::ffff:10.0.0.1` is `10.0.0.1`. What is none stays as it is. */
export const plainAddress = (text: string): string =>
  isAddress(text) ? carriedBy(ipaddr.parse(text)).toString() : text;

/** The IPv4 address within, where there is one. */
function carriedBy(address: Address): Address {
  if (!(address instanceof ipaddr.IPv6)) return address;
  if (address.isIPv4MappedAddress()) return address.toIPv4Address();
  return address.match(NAT64[0], NAT64[1]) ? new ipaddr.IPv4(address.toByteArray().slice(12)) : address;
}

const wholeOf = (address: Address): [Address, number] => {
  const carried = carriedBy(address);
  return [carried, carried.kind() === 'ipv4' ? 32 : 128];
};
