import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { allowedOf, NOTHING_MORE } from '../../outside/addresses.js';
import { callOutside, type OutsideCall } from '../../outside/http.js';
import { findTarget } from '../../outside/targets.js';

const open: Server[] = [];
afterEach(() => {
  for (const server of open.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function serve(host: string, answer: (response: ServerResponse) => void, port = 0) {
  const hosts: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    hosts.push(request.headers.host);
    answer(response);
  });
  open.push(server);
  await new Promise<void>((resolve) => server.listen(port, host, resolve));
  return { port: (server.address() as AddressInfo).port, hosts };
}

const allowing = (...items: string[]) => allowedOf(items);
const LOCAL = allowing('127.0.0.1');
const call = (url: string, options: Partial<OutsideCall> = {}) =>
  callOutside(url, { method: 'GET', allowed: NOTHING_MORE, timeoutMs: 10_000, maxBytes: 1_000, ...options });
const at = (...addresses: string[]) => ({ resolve: () => Promise.resolve(addresses) });

describe('callOutside', () => {
  test.each([
    'http://127.0.0.1',
    'http://127.1',
    'http://2130706433',
    'http://0177.0.0.1',
    'http://0x7f.0.0.1',
    'http://①②⑦.0.0.1',
    'http://[::1]',
    'http://[::ffff:127.0.0.1]',
    'http://[::ffff:7f00:1]',
    'http://0.0.0.0',
    'http://0',
    'http://localhost',
    'http://localhost.',
  ])('%s is refused, and nothing reaches the server there', async (url) => {
    const { port, hosts } = await serve('127.0.0.1', (response) => response.end('secret'));
    await expect(call(`${url}:${port}/`)).rejects.toMatchObject({ code: 'OUTSIDE_REFUSED' });
    expect(hosts).toEqual([]);
  });

  test.each([
    'ftp://example.com/',
    'file:///etc/passwd',
    'https://user:secret@example.com/',
    'https://user@example.com/',
    'example.com/hook',
    'http://[fe80::1%25lo]/',
    '',
  ])('%s is no address to call', async (url) => {
    const resolve = vi.fn(() => Promise.resolve(['93.184.216.34']));
    await expect(call(url, { resolve })).rejects.toMatchObject({ code: 'OUTSIDE_REFUSED' });
    expect(resolve).not.toHaveBeenCalled();
  });

  test('a name is resolved once, and what it answers later changes nothing', async () => {
    const public_ = await serve('127.0.0.1', (response) => response.end('hello'));
    const inside = await serve('127.0.0.2', (response) => response.end('secret'), public_.port);
    const answers = ['127.0.0.1', '127.0.0.2'];
    const resolve = vi.fn(() => Promise.resolve(answers.splice(0, 1)));
    const answer = await call(`http://hooks.test:${public_.port}/`, { allowed: LOCAL, resolve });
    expect(answer).toMatchObject({ status: 200, body: Buffer.from('hello') });
    expect(public_.hosts).toEqual([`hooks.test:${public_.port}`]);
    expect(resolve).toHaveBeenCalledTimes(1);
    await expect(call(`http://hooks.test:${public_.port}/`, { allowed: LOCAL, resolve })).rejects.toMatchObject({
      code: 'OUTSIDE_REFUSED',
    });
    expect(inside.hosts).toEqual([]);
  });

  test('one private address among public ones refuses the name', async () => {
    const found = findTarget('https://hooks.test/', { allowed: NOTHING_MORE, ...at('93.184.216.34', '10.0.0.1') });
    await expect(found).rejects.toThrow('hooks.test is at 10.0.0.1, which is not public (private)');
    const good = await findTarget('https://hooks.test/', { allowed: NOTHING_MORE, ...at('93.184.216.34') });
    expect(good.addresses).toEqual(['93.184.216.34']);
  });

  test('a name that was allowed may be anywhere; another one may not', async () => {
    const allowed = allowing('hooks.internal');
    expect(await findTarget('http://HOOKS.internal./x', { allowed, ...at('10.0.0.1') })).toMatchObject({
      addresses: ['10.0.0.1'],
    });
    await expect(findTarget('http://a.hooks.internal/', { allowed, ...at('10.0.0.1') })).rejects.toMatchObject({
      code: 'OUTSIDE_REFUSED',
    });
  });

  test('a redirect is not followed', async () => {
    const inside = await serve('127.0.0.2', (response) => response.end('secret'));
    const { port } = await serve('127.0.0.1', (response) =>
      response.writeHead(302, { location: `http://127.0.0.2:${inside.port}/` }).end(),
    );
    expect(await call(`http://127.0.0.1:${port}/`, { allowed: LOCAL })).toMatchObject({ status: 302 });
    expect(inside.hosts).toEqual([]);
  });

  test('a long answer is cut off, or refused where all of it is wanted', async () => {
    const { port } = await serve('127.0.0.1', (response) => response.end('x'.repeat(200_000)));
    const url = `http://127.0.0.1:${port}/`;
    expect((await call(url, { allowed: LOCAL })).body).toHaveLength(1_000);
    await expect(call(url, { allowed: LOCAL, whole: true })).rejects.toMatchObject({ code: 'BODY_TOO_LARGE' });
  });

  test.each([
    ['never answers', () => undefined],
    ['never ends', (response: ServerResponse) => response.write('x')],
  ])('a server that %s is given up', async (_, answer) => {
    const { port } = await serve('127.0.0.1', answer);
    await expect(call(`http://127.0.0.1:${port}/`, { allowed: LOCAL, timeoutMs: 200 })).rejects.toMatchObject({
      code: 'OUTSIDE_FAILED',
      message: expect.stringContaining('did not answer within 0.2 s') as string,
    });
  });

  test('a resolver that hangs, a name that is not there and a port that is closed are failures', async () => {
    const hanging = call('http://hooks.test/', { resolve: () => new Promise(() => undefined), timeoutMs: 100 });
    await expect(hanging).rejects.toMatchObject({ code: 'OUTSIDE_FAILED' });
    await expect(call('http://hooks.test/', at())).rejects.toMatchObject({ code: 'OUTSIDE_FAILED' });
    const { port } = await serve('127.0.0.1', (response) => response.end());
    open.splice(0).forEach((server) => server.close());
    await expect(call(`http://127.0.0.1:${port}/`, { allowed: LOCAL })).rejects.toMatchObject({
      code: 'OUTSIDE_FAILED',
    });
  });
});
