/** What the command line makes of a bucket as the storage. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createS3Storage } from '../../storage/index.js';
import { runCli } from '../support/cli.js';
import { startS3Proxy, type Fault, type S3Proxy } from '../support/s3-proxy.js';
import { BUILD_MS, environmentOfBucket, startS3Server, type S3Server } from '../support/versitygw.js';

let server: S3Server;
let proxy: S3Proxy;
let fault: Fault | undefined;
beforeAll(async () => {
  server = await startS3Server();
  proxy = await startS3Proxy(server.url, ({ isConditional }) => (isConditional ? fault : undefined));
}, BUILD_MS);
afterAll(async () => {
  await proxy.close();
  await server.close();
});

interface Check {
  part: string;
  state: string;
  found: string;
  todo: string | null;
}
const storageOf = (stdout: string): Check | undefined =>
  (JSON.parse(stdout) as { checks: Check[] }).checks.find(({ part }) => part === 'storage');

test('doctor proves that the bucket keeps conditions, and leaves nothing there', async () => {
  const bucket = await server.bucket();
  const run = await runCli(['doctor', '--json'], { env: environmentOfBucket(bucket) });
  expect(storageOf(run.stdout)).toMatchObject({
    state: 'ok',
    found: `s3://${bucket.bucket} writes and reads, and keeps conditions on writes`,
  });
  for await (const { key } of createS3Storage(bucket).list('')) expect(key).toBe('nothing');
});

test('a server that ignores conditions is named by doctor, and the registry refuses it', async () => {
  const bucket = { ...(await server.bucket()), endpoint: proxy.url };
  fault = 'unconditional';
  const env = environmentOfBucket(bucket);
  const run = await runCli(['doctor', '--json'], { env });
  expect(run.code).toBe(1);
  expect(storageOf(run.stdout)).toMatchObject({
    state: 'broken',
    todo: expect.stringContaining('lose data') as string,
  });
  const add = await runCli(['fleet', 'add', 'http://127.0.0.1:8188'], { env });
  expect(add.code).toBe(2);
  expect(add.stderr).toMatch(/STORAGE_UNCONDITIONAL[^]*If-None-Match/);
  fault = undefined;
  for await (const { key } of createS3Storage(bucket).list('')) expect(key).toBe('nothing');
});

test('a bucket that is not there, credentials that are wrong', async () => {
  const bucket = await server.bucket();
  const none = await runCli(['fleet', 'list'], { env: environmentOfBucket({ ...bucket, bucket: 'nobody-made-it' }) });
  expect(none.stderr).toMatch(/STORAGE_UNWRITABLE[^]*no bucket "nobody-made-it"/);
  const env = { ...environmentOfBucket(bucket), AWS_SECRET_ACCESS_KEY: 'wrong' };
  const wrong = storageOf((await runCli(['doctor', '--json'], { env })).stdout);
  expect(wrong?.found).toContain('the secret key does not fit');
});
