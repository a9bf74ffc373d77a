/** What the S3 driver makes of a network and a server that fail: repeated, gone on with, or told in words for people. */
import { randomBytes } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createS3Storage, type Storage } from '../../storage/index.js';
import { updateJson } from '../../storage/update.js';
import { freePort } from '../../stack/temporal-server.js';
import { faultyShare, startS3Proxy, type Exchange, type Fault, type S3Proxy } from '../support/s3-proxy.js';
import { BUILD_MS, startS3Server, type S3Server } from '../support/versitygw.js';
import { storageConformance } from './conformance.js';

let server: S3Server;
beforeAll(async () => {
  server = await startS3Server();
}, BUILD_MS);
afterAll(() => server.close());

const proxies: S3Proxy[] = [];
afterEach(() => Promise.all(proxies.splice(0).map((proxy) => proxy.close())));

/** A storage behind a proxy, and one that goes straight to the same bucket. */
async function behind(
  faultOf: (exchange: Exchange) => Fault | undefined,
): Promise<{ storage: Storage; direct: Storage; proxy: S3Proxy }> {
  const proxy = await startS3Proxy(server.url, faultOf);
  proxies.push(proxy);
  const options = await server.bucket();
  return { storage: createS3Storage({ ...options, endpoint: proxy.url }), direct: createS3Storage(options), proxy };
}

/** One fault, at the first exchange that `isMeant`. */
const once = (fault: Fault, isMeant: (exchange: Exchange) => boolean) => {
  let isDone = false;
  return (exchange: Exchange): Fault | undefined => {
    if (isDone || !isMeant(exchange)) return undefined;
    isDone = true;
    return fault;
  };
};

const isWriteOf = (key: string) => (exchange: Exchange) => exchange.method === 'PUT' && exchange.url.includes(key);

const SEED = 20_261_130;
let share: S3Proxy;
storageConformance({
  name: `s3, every tenth exchange fails (seed ${SEED})`,
  open: async () => {
    const options = await server.bucket();
    share = await startS3Proxy(server.url, faultyShare({ seed: SEED, share: 0.1 }));
    proxies.push(share);
    return createS3Storage({ ...options, endpoint: share.url, pageSize: 3 });
  },
});

describe('s3 storage, a conditional write whose answer is lost', () => {
  it.each(['lose', 'fail'] as const)('%s: it was ours, for ifAbsent and ifMatch', async (fault) => {
    for (const wish of ['ifAbsent', 'ifMatch']) {
      const { storage, direct, proxy } = await behind(once(fault, isWriteOf('/a')));
      const before = wish === 'ifMatch' ? await direct.put('a', 'before') : undefined;
      const put = await storage.put('a', 'ours', before ? { ifMatch: before.etag } : { ifAbsent: true });
      expect(proxy.met[fault]).toBe(1);
      expect(await direct.get('a')).toMatchObject({ ...put, body: Buffer.from('ours') });
      // What came back is the version to go on from.
      await storage.put('a', 'next', { ifMatch: put.etag });
    }
  });

  it('it was somebody else, with the same content too', async () => {
    const { storage, direct } = await behind(once('refuse', isWriteOf('/a')));
    await direct.put('a', 'same', { ifAbsent: true });
    await expect(storage.put('a', 'same', { ifAbsent: true })).rejects.toMatchObject({ code: 'STORAGE_CONFLICT' });
  });

  it('it was ours, and somebody went on from there before we asked: it counts once', async () => {
    const raise = (doc: { count: number } | undefined) => ({ count: (doc?.count ?? 0) + 1 });
    const { proxy, bucket } = await interrupted(isWriteOf('/counter.json'), (direct) =>
      updateJson(direct, 'counter.json', raise),
    );
    const storage = createS3Storage({ ...bucket, endpoint: proxy.url });
    await updateJson(storage, 'counter.json', raise);
    expect((await createS3Storage(bucket).get('counter.json'))?.body.toString()).toBe('{"count":2}');
  });
});

/** Loses the answer of the first exchange that `isMeant`, and holds its repeat until `meanwhile` is done. */
async function interrupted(isMeant: (exchange: Exchange) => boolean, meanwhile: (direct: Storage) => Promise<void>) {
  const bucket = await server.bucket();
  let times = 0;
  const proxy = await startS3Proxy(
    server.url,
    (exchange) => (isMeant(exchange) && ++times === 1 ? 'lose' : undefined),
    async (exchange) => {
      if (isMeant(exchange) && times === 2) await meanwhile(createS3Storage(bucket));
    },
  );
  proxies.push(proxy);
  return { proxy, bucket };
}

describe('s3 storage, reading', () => {
  it('goes on with a transfer where it was cut, however often', async () => {
    const { storage, direct, proxy } = await behind(({ method, n }) =>
      method === 'GET' && n < 4 ? 'half' : undefined,
    );
    const bytes = randomBytes(1_000_000);
    await direct.put('big', bytes);
    const { body, size } = (await storage.getStream('big'))!;
    expect(size).toBe(1_000_000);
    expect(Buffer.compare(await buffer(body), bytes)).toBe(0);
    expect(proxy.met.half).toBe(4);
    const part = (await storage.getStream('big', { start: 10, end: 999_989 }))!;
    expect(Buffer.compare(await buffer(part.body), bytes.subarray(10, 999_990))).toBe(0);
  });

  it('never joins two versions of an object', async () => {
    const { storage, direct } = await behind(once('half', ({ method }) => method === 'GET'));
    await direct.put('big', randomBytes(1_000_000));
    const { body } = (await storage.getStream('big'))!;
    await direct.put('big', randomBytes(1_000_000));
    await expect(buffer(body)).rejects.toMatchObject({ code: 'STORAGE_CONFLICT' });
  });

  it('reads the whole of a small object again', async () => {
    const { storage, direct, proxy } = await behind(once('half', ({ method }) => method === 'GET'));
    await direct.put('a', 'whole');
    expect((await storage.get('a'))?.body.toString()).toBe('whole');
    expect(proxy.met).toEqual({ all: 2, half: 1 });
  });
});

describe('s3 storage, a store that ignores conditions', () => {
  it.each([
    ['unconditional', 'If-None-Match'],
    ['unknown', '501'],
  ] as const)('%s: no conditional write goes there, others do', async (fault, reason) => {
    const { storage, direct } = await behind(({ isConditional }) => (isConditional ? fault : undefined));
    for (let i = 0; i < 2; i++) {
      const refused = await storage.put('a', '1', { ifAbsent: true }).catch((error: unknown) => error);
      expect(refused).toMatchObject({ code: 'STORAGE_UNCONDITIONAL' });
      expect(String(refused)).toContain(reason);
    }
    await expect(updateJson(storage, '_registry/a.json', () => ({}))).rejects.toMatchObject({
      code: 'STORAGE_UNCONDITIONAL',
    });
    expect(await direct.get('a')).toBeUndefined();
    await storage.put('b', '1');
    for await (const { key } of direct.list('')) expect(key).toBe('b');
  });

  it('is found out by If-Match alone, too', async () => {
    let writes = 0;
    const { storage } = await behind(({ isConditional }) =>
      isConditional && ++writes > 2 ? 'unconditional' : undefined,
    );
    await expect(storage.put('a', '1', { ifAbsent: true })).rejects.toMatchObject({
      code: 'STORAGE_UNCONDITIONAL',
      message: expect.stringContaining('If-Match') as string,
    });
  });

  it('is asked once, and again after it gave no answer', async () => {
    const { storage, proxy } = await behind(({ n }) => (n < 5 ? 'refuse' : undefined));
    await expect(storage.put('a', '1', { ifAbsent: true })).rejects.toMatchObject({ code: 'STORAGE_UNREACHABLE' });
    await storage.put('a', '1', { ifAbsent: true });
    const asked = proxy.met.all;
    await storage.put('b', '1', { ifAbsent: true });
    expect(proxy.met.all).toBe(asked + 1);
  });
});

describe('s3 storage, in words for people', () => {
  const failing = async (change: (options: Awaited<ReturnType<S3Server['bucket']>>) => object) => {
    const options = await server.bucket();
    return (await createS3Storage({ ...options, ...change(options) })
      .put('a', '1')
      .catch((error: unknown) => error)) as { code: string; message: string; hint: string };
  };

  it('no such bucket', async () => {
    const error = await failing(() => ({ bucket: 'nobody-made-it' }));
    expect(error).toMatchObject({
      code: 'STORAGE_UNWRITABLE',
      hint: expect.stringContaining('make the bucket') as string,
    });
    expect(error.message).toContain('writing a in s3://nobody-made-it: there is no bucket "nobody-made-it"');
  });

  it('a wrong secret, an unknown key', async () => {
    const bad = createS3Storage({
      ...(await server.bucket()),
      credentials: { accessKeyId: 'nobody', secretAccessKey: 'x' },
    });
    await expect(bad.get('a')).rejects.toMatchObject({ code: 'STORAGE_UNWRITABLE' });
    const wrong = await failing(({ credentials }) => ({ credentials: { ...credentials, secretAccessKey: 'wrong' } }));
    expect(wrong).toMatchObject({
      code: 'STORAGE_UNWRITABLE',
      message: expect.stringContaining('secret key') as string,
    });
    const unknown = await failing(({ credentials }) => ({ credentials: { ...credentials, accessKeyId: 'nobody' } }));
    expect(unknown).toMatchObject({
      code: 'STORAGE_UNWRITABLE',
      message: expect.stringContaining('not known') as string,
    });
    expect(`${wrong.hint}${unknown.hint}`).toContain('AWS_SECRET_ACCESS_KEY');
  });

  it('nothing listens', async () => {
    const endpoint = `http://127.0.0.1:${await freePort()}`;
    const error = await failing(() => ({ endpoint }));
    expect(error).toMatchObject({ code: 'STORAGE_UNREACHABLE', hint: expect.stringContaining(endpoint) as string });
    expect(error.message).toContain('nothing listens there');
  });

  it('a server that only ever answers 503', async () => {
    const { storage, proxy } = await behind(() => 'refuse');
    await expect(storage.get('a')).rejects.toMatchObject({
      code: 'STORAGE_UNREACHABLE',
      message: expect.stringContaining('503') as string,
    });
    expect(proxy.met.all).toBe(5);
  });
});
