/** Files by signed URL: who may read, and what caches and players ask for. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Cull } from '../../client/cull.js';
import { embeddedTarget } from '../../client/temporal.js';
import { createFileServer, rangeIn } from '../../service/files.js';
import { createFsStorage, type Storage } from '../../storage/index.js';
import { openService, type TestService } from '../support/service.js';
import { temporalAddress } from '../support/temporal-address.js';

const KEY = 'acme/requests/r 1/candidates/0007 ü.png';
const bytes = randomBytes(300_000);
let root: string;
let storage: Storage;
let cull: Cull;
let service: TestService;
let url: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'cull-files-'));
  storage = createFsStorage({ root, publicUrl: 'https://cull.example.com' });
  await storage.put(KEY, bytes);
  await storage.put('acme/other.png', 'other');
  url = await storage.signedUrl(KEY, { expiresInSeconds: 600 });
  cull = await Cull.connect({ target: embeddedTarget(temporalAddress), storage, tenant: 'default' });
  service = await openService(cull);
});
afterAll(async () => {
  await cull.close();
  await rm(root, { recursive: true, force: true });
});

const ask = (at: string, headers: Record<string, string> = {}, method = 'GET') => {
  const { pathname, search } = new URL(at);
  return service.call(method, `${pathname}${search}`, { tenant: null, headers });
};
const codeOf = async (response: Response): Promise<string> => ((await response.json()) as { code: string }).code;
const body = async (response: Response): Promise<Buffer> => Buffer.from(await response.arrayBuffer());

test('gives the whole file, with what a cache and a browser want to know', async () => {
  const response = await ask(url);
  expect(response.status).toBe(200);
  expect(Object.fromEntries(response.headers)).toMatchObject({
    'content-type': 'image/png',
    'content-length': '300000',
    'accept-ranges': 'bytes',
    etag: expect.stringMatching(/^"[^"]+"$/) as string,
    'cache-control': expect.stringMatching(/^private, max-age=(59\d|600)$/) as string,
    'x-content-type-options': 'nosniff',
  });
  expect(Buffer.compare(await body(response), bytes)).toBe(0);
});

test('HEAD says the same without the bytes', async () => {
  const [head, get] = await Promise.all([ask(url, {}, 'HEAD'), ask(url)]);
  expect(head.status).toBe(200);
  for (const name of ['content-type', 'content-length', 'etag', 'accept-ranges'])
    expect(head.headers.get(name)).toBe(get.headers.get(name));
  expect([(await body(head)).length, (await body(get)).length]).toEqual([0, 300_000]);
});

test('a file that is known already is not sent again, until it is another', async () => {
  const own = createFsStorage({ root, publicUrl: 'https://cull.example.com' });
  await own.put('acme/changing.json', '1');
  const at = await own.signedUrl('acme/changing.json', { expiresInSeconds: 600 });
  const etag = (await ask(at, {}, 'HEAD')).headers.get('etag') ?? '';
  for (const known of [etag, `W/${etag}`, `"x", ${etag}`, '*']) {
    const response = await ask(at, { 'if-none-match': known });
    expect([response.status, response.headers.get('etag'), (await body(response)).length]).toEqual([304, etag, 0]);
  }
  await own.put('acme/changing.json', '2');
  const changed = await ask(at, { 'if-none-match': etag });
  expect([changed.status, await changed.text()]).toEqual([200, '2']);
});

describe('ranges', () => {
  test.each([
    ['bytes=0-99', 0, 99],
    ['bytes=100-', 100, 299_999],
    ['bytes=-100', 299_900, 299_999],
    ['bytes=299999-400000', 299_999, 299_999],
    ['bytes=-400000', 0, 299_999],
  ])('%s', async (range, start, end) => {
    const response = await ask(url, { range });
    expect(response.status).toBe(206);
    expect(response.headers.get('content-range')).toBe(`bytes ${start}-${end}/300000`);
    expect(response.headers.get('content-length')).toBe(String(end - start + 1));
    expect(Buffer.compare(await body(response), bytes.subarray(start, end + 1))).toBe(0);
  });

  test.each(['bytes=300000-', 'bytes=300000-300001', 'bytes=-0'])('%s is beyond the file', async (range) => {
    const response = await ask(url, { range });
    expect([response.status, response.headers.get('content-range')]).toEqual([416, 'bytes */300000']);
  });

  test.each(['bytes=5-2', 'bytes=0-1,5-6', 'lines=1-2', 'bytes=-', 'bytes=a-b'])('%s is ignored', async (range) => {
    const response = await ask(url, { range });
    expect([response.status, (await body(response)).length]).toEqual([200, 300_000]);
  });

  test('If-Range: the rest of the version that is known, else the whole', async () => {
    const etag = (await ask(url, {}, 'HEAD')).headers.get('etag') ?? '';
    const length = async (version: string) =>
      (await body(await ask(url, { range: 'bytes=1-2', 'if-range': version }))).length;
    expect(await length(etag)).toBe(2);
    expect(await length('"another"')).toBe(300_000);
  });

  test('of nothing', () => {
    expect(rangeIn('bytes=0-', 0)).toBe('unsatisfiable');
    expect(rangeIn('bytes=-1', 0)).toBe('unsatisfiable');
  });
});

describe('who may read', () => {
  test('a URL that was changed, was never signed or has expired is refused, and tells nothing of the file', async () => {
    const { pathname, search } = new URL(url);
    const other = new URL(url);
    other.pathname = '/files/acme/other.png';
    const forged = new URL(url);
    forged.searchParams.set('expires', String(Number(forged.searchParams.get('expires')) + 1));
    const nothing = new URL(url);
    nothing.pathname = '/files/acme/nothing.png';
    for (const at of [
      other.href,
      forged.href,
      nothing.href,
      `https://x${pathname}`,
      `https://x/files/..%2f..%2fetc%2fpasswd${search}`,
      `https://x/files/%E0%A4%A${search}`,
      `https://x/files/.cull-storage/url-secret${search}`,
    ]) {
      const response = await ask(at);
      expect([response.status, await codeOf(response)], at).toEqual([403, 'URL_REFUSED']);
    }
    const late = createFileServer(storage, () => Date.now() + 601_000);
    await expect(late(new Request(url))).rejects.toMatchObject({
      code: 'URL_REFUSED',
      message: expect.stringContaining('expired') as string,
    });
  });

  test('it is good for reading, for nothing else', async () => {
    for (const method of ['PUT', 'POST', 'DELETE', 'PATCH']) {
      const response = await ask(url, {}, method);
      expect([response.status, await codeOf(response)], method).toEqual([405, 'METHOD_NOT_ALLOWED']);
      expect(response.headers.get('allow')).toContain('GET');
    }
    expect((await storage.head(KEY))?.size).toBe(300_000);
  });

  test('a file that was erased is 404, and so is every file where a bucket serves them', async () => {
    await storage.put('acme/erased.png', 'x');
    const at = await storage.signedUrl('acme/erased.png', { expiresInSeconds: 600 });
    await storage.delete('acme/erased.png');
    const response = await ask(at);
    expect([response.status, await codeOf(response)]).toEqual([404, 'FILE_NOT_FOUND']);
    const elsewhere = { ...storage };
    delete elsewhere.verifyUrl;
    await expect(createFileServer(elsewhere)(new Request(url))).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' });
  });
});
