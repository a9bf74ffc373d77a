import { PutBucketVersioningCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createS3Storage } from '../../storage/index.js';
import { BUILD_MS, startS3Server, type S3Server } from '../support/versitygw.js';
import { startS3Proxy, type Exchange } from '../support/s3-proxy.js';
import { storageConformance } from './conformance.js';

let server: S3Server;
beforeAll(async () => {
  server = await startS3Server();
}, BUILD_MS);
afterAll(() => server.close());

// A page holds three: what lists anything longer pages.
storageConformance({ name: 's3', open: async () => createS3Storage({ ...(await server.bucket()), pageSize: 3 }) });
storageConformance({
  name: 's3, below a prefix',
  open: async () => createS3Storage({ ...(await server.bucket()), prefix: 'cull/prod' }),
});

describe('s3 storage', () => {
  it('gives a URL that anybody can read the object with, and nothing else', async () => {
    const storage = createS3Storage({ ...(await server.bucket()), prefix: 'cull' });
    await storage.put('a b/ü.png', 'a picture');
    await storage.put('other.png', 'another');
    const url = new URL(await storage.signedUrl('a b/ü.png', { expiresInSeconds: 60 }));
    const answer = await fetch(url);
    expect(await answer.text()).toBe('a picture');
    expect(answer.headers.get('content-type')).toBe('image/png');
    expect(url.searchParams.get('X-Amz-Expires')).toBe('60');
    const changed = (change: (url: URL) => void): URL => {
      const copy = new URL(url);
      change(copy);
      return copy;
    };
    for (const forged of [
      changed(({ searchParams }) => searchParams.set('X-Amz-Expires', '600')),
      changed(({ searchParams }) => searchParams.set('X-Amz-Signature', '0'.repeat(64))),
      changed((copy) => (copy.pathname = copy.pathname.replace(/a%20b.*/, 'other.png'))),
    ])
      expect((await fetch(forged)).status).toBe(403);
    expect((await fetch(url, { method: 'PUT', body: 'x' })).status).toBe(403);
    expect((await fetch(url, { method: 'DELETE' })).status).toBe(403);
  });

  it('keeps to its prefix, and leaves alone what others keep in the bucket', async () => {
    const options = await server.bucket();
    const bucket = createS3Storage(options);
    const cull = createS3Storage({ ...options, prefix: 'cull' });
    await bucket.put('culled', 'not ours');
    await bucket.put('cull/a', 'ours');
    await cull.put('b', 'ours');
    const found: string[] = [];
    for await (const { key } of cull.list('')) found.push(key);
    expect(found).toEqual(['a', 'b']);
    expect((await bucket.get('cull/b'))?.body.toString()).toBe('ours');
    expect(() => createS3Storage({ ...options, prefix: '../up' })).toThrow(
      expect.objectContaining({ code: 'STORAGE_KEY_INVALID' }) as Error,
    );
  });

  it('asks for the encryption that is set, and sends no checksum that a server may not know', async () => {
    const seen: Exchange[] = [];
    const proxy = await startS3Proxy(server.url, (exchange) => void seen.push(exchange));
    const options = { ...(await server.bucket()), endpoint: proxy.url };
    await createS3Storage({ ...options, sse: 'aws:kms', sseKmsKey: 'alias/cull' })
      .put('a.png', 'x')
      .catch(() => undefined);
    expect(seen[0]?.headers).toMatchObject({
      'x-amz-server-side-encryption': 'aws:kms',
      'x-amz-server-side-encryption-aws-kms-key-id': 'alias/cull',
      'content-type': 'image/png',
    });
    await createS3Storage(options).put('b', 'x', { contentType: 'text/x-test' });
    expect(seen.at(-1)?.headers['content-type']).toBe('text/x-test');
    for (const { headers } of seen)
      expect(Object.keys(headers).filter((name) => /checksum|x-amz-trailer/.test(name))).toEqual([]);
    await proxy.close();
  });

  it('tells what a bucket keeps of objects that were written over or deleted, below the prefixes that are asked for', async () => {
    const versioned = await startS3Server({ versioned: true });
    const options = await versioned.bucket();
    const { bucket, endpoint, credentials } = options;
    const storage = createS3Storage({ ...options, prefix: 'cull', pageSize: 2 });
    expect(await storage.remains?.(['acme/'])).toEqual([]);
    const client = new S3Client({ endpoint, credentials, region: 'us-east-1', forcePathStyle: true });
    await client.send(
      new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration: { Status: 'Enabled' } }),
    );
    client.destroy();
    expect(await storage.remains?.(['acme/'])).toEqual([]);
    for (const content of ['one', 'two', 'three']) await storage.put('acme/requests/r1/result.json', content);
    await storage.delete('acme/requests/r1/result.json');
    await storage.put('other/requests/r1/result.json', 'not asked for');
    const listed: string[] = [];
    for await (const { key } of storage.list('acme/')) listed.push(key);
    expect(listed).toEqual([]);
    expect(await storage.remains?.(['acme/', 'globex/'])).toEqual([
      {
        what: 'earlier versions and delete markers',
        count: 4,
        why: expect.stringContaining('NoncurrentVersionExpiration') as string,
      },
    ]);
    await versioned.close();
  });
});
