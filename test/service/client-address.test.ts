import { expect, test } from 'vitest';
import { allowedOf } from '../../outside/addresses.js';
import { addressOf } from '../../service/client-address.js';

test.each([
  ['nobody is trusted', '10.0.0.2', '198.51.100.9', [], '10.0.0.2'],
  ['the peer is no trusted one', '203.0.113.5', '198.51.100.9', ['10.0.0.0/8'], '203.0.113.5'],
  ['a proxy says it', '10.0.0.2', '198.51.100.9', ['10.0.0.0/8'], '198.51.100.9'],
  ['what the caller made up stands before it', '10.0.0.2', '6.6.6.6, 198.51.100.9', ['10.0.0.0/8'], '198.51.100.9'],
  ['two proxies', '10.0.0.2', '6.6.6.6, 198.51.100.9, 10.0.0.3', ['10.0.0.0/8'], '198.51.100.9'],
  ['all are proxies', '10.0.0.2', '10.0.0.4', ['10.0.0.0/8'], '10.0.0.4'],
  ['the header is missing', '10.0.0.2', undefined, ['10.0.0.0/8'], '10.0.0.2'],
  ['what it says is no address', '10.0.0.2', 'unknown', ['10.0.0.0/8'], '10.0.0.2'],
  ['IPv4 within IPv6, and ports', '::ffff:10.0.0.2', '[2001:db8::7]:4711', ['10.0.0.2'], '2001:db8::7'],
  ['a port behind IPv4', '::1', '198.51.100.9:4711', ['::1'], '198.51.100.9'],
])('%s', (_, peer, forwarded, trusted, address) => {
  expect(addressOf({ peer, forwarded }, allowedOf(trusted))).toBe(address);
});
