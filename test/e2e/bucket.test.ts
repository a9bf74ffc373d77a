/** The whole pipeline on a bucket, where every twentieth exchange with it fails: nothing is lost, nothing is drawn or counted twice. */
import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { EraseReport } from '../../cli/views/erase.js';
import { sweepNow } from '../../client/sweep.js';
import { createS3Storage, keys, type Storage } from '../../storage/index.js';
import type { StatsDoc } from '../../workflows/contract.js';
import { runCli } from '../support/cli.js';
import { openPipeline, type Pipeline } from '../support/pipeline.js';
import { faultyShare, startS3Proxy, type S3Proxy } from '../support/s3-proxy.js';
import { startSandbox, type TestSandbox } from '../support/sandbox.js';
import { BUILD_MS, environmentOfBucket, startS3Server, type S3Server } from '../support/versitygw.js';
import { temporalAddress } from '../support/temporal-address.js';

const SHARE = 0.05;
/** `CULL_TEST_SEED` repeats a run, as far as the order of exchanges is the same. */
const SEED = Number(process.env['CULL_TEST_SEED'] ?? Date.now() % 2 ** 31);

let server: S3Server;
let proxy: S3Proxy;
/** Straight to the bucket, for what the test looks at. */
let direct: Storage;
let sandboxes: TestSandbox[];
let pipeline: Pipeline;
beforeAll(async () => {
  console.log(`faults of the bucket: seed ${SEED}`);
  server = await startS3Server();
  proxy = await startS3Proxy(server.url, faultyShare({ seed: SEED, share: SHARE }));
  const bucket = await server.bucket();
  direct = createS3Storage(bucket);
  const faulty = { ...bucket, endpoint: proxy.url };
  sandboxes = await Promise.all([0, 1].map(() => startSandbox({ secondsPerImage: 0.1 })));
  pipeline = await openPipeline({
    address: temporalAddress,
    comfyUrls: sandboxes.map(({ url }) => url),
    env: { ...environmentOfBucket(faulty), CULL_RETENTION: 'rejected=7d,passed=7d' },
    storage: createS3Storage(faulty),
  });
}, BUILD_MS);
afterAll(async () => {
  await pipeline.close();
  await Promise.all(sandboxes.map((sandbox) => sandbox.close()));
  await proxy.close();
  await server.close();
});

/** Every object that a request's records and result name is there, whole. */
async function expectWhole(request: string): Promise<void> {
  const manifest = String((await direct.get(keys.manifest('default', request)))?.body);
  const lines = manifest.trim().split('\n');
  for (const line of lines) {
    const { candidate, image } = JSON.parse(line) as { candidate: number; image: { key: string } | null };
    expect(await direct.head(keys.record('default', request, candidate)), line).toBeDefined();
    if (image) expect((await direct.head(image.key))?.size, image.key).toBeGreaterThan(100);
  }
}

test('best of N: every candidate is drawn once, scored and kept; the winners can be fetched', async () => {
  const request = await pipeline.generate({ deliver: 3, candidates: 24 });
  const { result } = await pipeline.end(request);
  expect(result).toMatchObject({ state: 'delivered', counts: { drawn: 24, scored: 24, lost: 0, cancelled: 0 } });
  const submitted = (await Promise.all(sandboxes.map((sandbox) => sandbox.log()))).flat();
  expect(submitted.filter(({ drawn }) => drawn)).toHaveLength(24);
  await expectWhole(request);
  for (const { url, key } of result.delivered) {
    expect(url).toContain('X-Amz-Signature');
    const fetched = await direct.get(key);
    const presigned = await fetch(await direct.signedUrl(key, { expiresInSeconds: 60 }));
    expect(Buffer.from(await presigned.arrayBuffer())).toEqual(fetched?.body);
  }
});

/** Requests that the statistics know, each added by compare-and-swap. */
async function counted(): Promise<number> {
  let count = 0;
  for await (const { key } of direct.list('_registry/stats/'))
    // beside it lies what is known of scorers, from those requests that by lot had a candidate which ran all of them
    if (!key.endsWith('/scorers.json'))
      count += (JSON.parse(String((await direct.get(key))?.body)) as StatsDoc).requests.length;
  return count;
}

test('until K pass: several requests at once end, and each is counted once', async () => {
  const before = await counted();
  const requests = await Promise.all(
    [11, 12, 13, 14].map((seed) => pipeline.generate({ deliver: 2, candidates: undefined, cap: 32, seed })),
  );
  const ended = await Promise.all(requests.map((request) => pipeline.end(request)));
  for (const { result } of ended) {
    expect(result).toMatchObject({ state: 'delivered', counts: { lost: 0 } });
    const { drawn, scored, lost, cancelled } = result.counts;
    expect(drawn).toBe(scored + lost + cancelled);
  }
  await Promise.all(requests.map(expectWhole));
  expect((await counted()) - before).toBe(requests.length);
  console.log(`exchanges with the bucket: ${JSON.stringify(proxy.met)}`);
  const { all, ...met } = proxy.met;
  const faults = Object.values(met).reduce((sum, times) => sum + times, 0);
  // About 25 are expected; with fewer than five this test would prove little.
  expect(faults, `of ${all} exchanges`).toBeGreaterThanOrEqual(5);
});

const DAY_MS = 86_400_000;

async function keysBelow(prefix: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { key } of direct.list(prefix)) found.push(key);
  return found;
}

test('retention: the pictures that nobody was given go, and all else stays', async () => {
  const request = await pipeline.generate({ deliver: 2, candidates: 12, seed: 21 });
  const { result } = await pipeline.end(request);
  const before = await keysBelow(keys.requestDir('default', request));
  const given = result.delivered.map(({ key }) => key);
  const pictures = before.filter((key) => key.endsWith('.png') && key.includes('/candidates/'));
  expect(pictures).toHaveLength(12);
  const temporal = new Client({ connection: await Connection.connect({ address: temporalAddress }) });
  const { swept, unreached } = await sweepNow(temporal, { now: Date.now() + 8 * DAY_MS });
  await temporal.connection.close();
  expect(unreached).toEqual([]);
  expect(swept.pictures?.objects).toBeGreaterThanOrEqual(10);
  const left = before.filter((key) => given.includes(key) || !pictures.includes(key));
  const expected = [...left, keys.swept('default', request)].sort();
  expect(await keysBelow(keys.requestDir('default', request))).toEqual(expected);
});

test('erasing: nothing of the tenant is left in the bucket, and another keeps what it has', async () => {
  await direct.put('globex/requests/r1/request.json', '{}');
  const { code, stdout, stderr } = await runCli(['erase', '--tenant', 'default', '--yes', '--json'], {
    env: pipeline.env,
  });
  expect(code, `${stdout}${stderr}`).toBe(0);
  const { complete, rows } = JSON.parse(stdout) as EraseReport;
  expect(complete).toBe(true);
  expect(rows.filter(({ left }) => left > 0)).toEqual([]);
  expect(rows.find(({ kind }) => kind === 'images')?.found).toBeGreaterThan(12);
  expect(await keysBelow(keys.tenantDir('default'))).toEqual([]);
  expect(await keysBelow('globex/')).toEqual(['globex/requests/r1/request.json']);
});
