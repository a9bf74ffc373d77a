import { describe, expect, test } from 'vitest';
import { allowedOf, NOTHING_MORE, parseAllowed, whyRefused } from '../../outside/addresses.js';

const allowing = (...items: string[]) => allowedOf(items);

describe('which addresses may be called', () => {
  test.each([
    ['8.8.8.8', undefined],
    ['172.15.255.255', undefined],
    ['172.16.0.1', 'private'],
    ['172.31.255.255', 'private'],
    ['172.32.0.1', undefined],
    ['10.255.255.255', 'private'],
    ['192.168.1.1', 'private'],
    ['127.0.0.1', 'loopback'],
    ['127.255.255.254', 'loopback'],
    ['169.254.169.254', 'linkLocal'],
    ['100.64.0.1', 'carrierGradeNat'],
    ['100.127.255.255', 'carrierGradeNat'],
    ['100.128.0.1', undefined],
    ['0.0.0.0', 'unspecified'],
    ['0.1.2.3', 'unspecified'],
    ['224.0.0.1', 'multicast'],
    ['239.255.255.255', 'multicast'],
    ['255.255.255.255', 'broadcast'],
    ['240.0.0.1', 'reserved'],
    ['192.0.0.8', 'reserved'],
    ['192.0.2.1', 'reserved'],
    ['198.18.0.1', 'reserved'],
    ['198.51.100.1', 'reserved'],
    ['203.0.113.1', 'reserved'],
    ['2606:4700:4700::1111', undefined],
    ['::1', 'loopback'],
    ['0:0:0:0:0:0:0:1', 'loopback'],
    ['::', 'unspecified'],
    ['fe80::1', 'linkLocal'],
    ['febf::1', 'linkLocal'],
    ['fc00::1', 'uniqueLocal'],
    ['fdff::1', 'uniqueLocal'],
    ['ff02::1', 'multicast'],
    ['fec0::1', 'deprecatedSiteLocal'],
    ['2001:db8::1', 'reserved'],
    ['4000::1', 'reserved'],
    // an IPv4 address in other clothes
    ['::ffff:127.0.0.1', 'loopback'],
    ['::ffff:7f00:1', 'loopback'],
    ['::ffff:a9fe:a9fe', 'linkLocal'],
    ['::ffff:8.8.8.8', undefined],
    ['64:ff9b::7f00:1', 'loopback'],
    ['64:ff9b::10.0.0.1', 'private'],
    ['64:ff9b::808:808', undefined],
    ['64:ff9b:1::808:808', 'rfc6052'],
    ['2002:7f00:1::', '6to4'],
    ['2002:808:808::', '6to4'],
    ['2001:0:7f00:1::', 'teredo'],
    ['::ffff:0:127.0.0.1', 'rfc6145'],
    // what is no address is refused, not guessed at
    ['2130706433', 'unreadable'],
    ['0177.0.0.1', 'unreadable'],
    ['0x7f.0.0.1', 'unreadable'],
    ['127.1', 'unreadable'],
    ['fe80::1%eth0', 'unreadable'],
    ['', 'unreadable'],
    ['example.com', 'unreadable'],
  ])('%s: %s', (address, why) => {
    expect(whyRefused(address, NOTHING_MORE)).toBe(why);
  });

  test('an IPv4 address written as an IPv6 one without a mark is refused', () => {
    expect(whyRefused('::127.0.0.1', NOTHING_MORE)).toBe('loopback');
    expect(whyRefused('::7f00:1', NOTHING_MORE)).toBe('reserved');
    expect(whyRefused('::808:808', NOTHING_MORE)).toBe('reserved');
  });

  test('what was allowed may be called, in whatever form it comes, and nothing beside it', () => {
    const allowed = allowing('10.2.0.0/16', '127.0.0.1', 'fd00:1::/32');
    expect(whyRefused('10.2.255.1', allowed)).toBeUndefined();
    expect(whyRefused('::ffff:10.2.0.1', allowed)).toBeUndefined();
    expect(whyRefused('10.3.0.1', allowed)).toBe('private');
    expect(whyRefused('127.0.0.1', allowed)).toBeUndefined();
    expect(whyRefused('127.0.0.2', allowed)).toBe('loopback');
    expect(whyRefused('fd00:1::7', allowed)).toBeUndefined();
    expect(whyRefused('fd00:2::7', allowed)).toBe('uniqueLocal');
  });

  test.each(['10.0.0.0/33', 'http://x', '10.0.0', 'a b', '*.internal', ':8080'])('%s cannot be allowed', (item) => {
    expect(parseAllowed(['10.0.0.0/8', item])).toEqual({ wrong: item });
  });
});
