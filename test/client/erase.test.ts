/** What erasing finds in storage: every kind of key, from any state that a killed run leaves. */
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { erase, type ErasePlace } from '../../client/erase.js';
import { requestStorage } from '../../client/erase-request.js';
import { tenantRegistry, tenantStorage } from '../../client/erase-tenant.js';
import { addLabels } from '../../client/labels.js';
import { openStorage, type Storage } from '../../storage/index.js';
import { keys } from '../../storage/keys.js';
import type { QuarantineDoc } from '../../workflows/contract.js';

/** Whose each kind of key is; a new one has to be given an owner here, and erasing has to know it. */
const OWNERS = {
  ...owned('request', [
    ...['requestDir', 'request', 'plan', 'image', 'file', 'candidates', 'record', 'varied', 'embedding', 'models'],
    ...['reviews', 'delivered', 'manifest', 'winners', 'result', 'index', 'dead', 'deadIndex', 'swept'],
    'deliveredDir',
  ]),
  ...owned('tenant', [
    ...['tenantDir', 'batches', 'batchDir', 'batch', 'batchLines', 'batchRows', 'batchResult', 'batchIndexes'],
    ...['batchIndex', 'indexes', 'deadIndexes', 'input', 'labels', 'labelBatch', 'tenantRegistry', 'tenant'],
    ...['webhooks', 'webhookLogs', 'webhookLog', 'inputs', 'batchParts', 'indexDay'],
  ]),
  ...owned('key', ['apiKey']),
  ...owned('installation', [
    ...['release', 'quarantines', 'quarantine', 'host', 'queues', 'queue', 'hosts', 'fleet', 'apiKeys'],
    ...['scorerStats', 'stats', 'sweep'],
  ]),
};

function owned<T extends string>(owner: T, names: string[]): Record<string, T> {
  return Object.fromEntries(names.map((name) => [name, owner]));
}

const made: string[] = [];
async function newStorage(): Promise<Storage & { dir: string }> {
  const dir = await mkdtemp(join(tmpdir(), 'cull-erase-'));
  made.push(dir);
  return { ...openStorage(dir), dir };
}
afterAll(() => Promise.all(made.map((dir) => rm(dir, { recursive: true, force: true }))));

async function contentOf(storage: Storage): Promise<Record<string, string>> {
  const all: Record<string, string> = {};
  for await (const { key } of storage.list('')) all[key] = String((await storage.get(key))?.body);
  return all;
}

const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,7}$/);
const hex = fc.stringMatching(/^[0-9a-f]{64}$/);
const DAY = '2026-11-30';

/** A key of each kind, as its function makes it. */
function keysOf(of: { tenant: string; request: string; hash: string; n: number }): Record<string, string> {
  const { tenant: t, request: r, hash, n } = of;
  const message = { day: DAY, message: `msg_20261130_${hash.slice(0, 24)}`, endpoint: 'ep_1' };
  const made: Partial<Record<keyof typeof keys, string>> = {};
  for (const kind of [
    'request',
    'plan',
    'models',
    'reviews',
    'manifest',
    'winners',
    'result',
    'dead',
    'swept',
  ] as const)
    made[kind] = keys[kind](t, r);
  for (const kind of ['record', 'varied', 'embedding', 'image'] as const) made[kind] = keys[kind](t, r, n);
  for (const kind of ['index', 'deadIndex', 'batchIndex'] as const) made[kind] = keys[kind](t, DAY, r);
  for (const kind of ['batch', 'batchResult'] as const) made[kind] = keys[kind](t, r);
  for (const kind of ['input', 'labelBatch'] as const) made[kind] = keys[kind](t, hash);
  for (const kind of ['tenant', 'webhooks'] as const) made[kind] = keys[kind](t);
  for (const kind of ['release', 'quarantine', 'queue', 'host', 'scorerStats'] as const) made[kind] = keys[kind](hash);
  return {
    ...made,
    file: keys.file(t, r, n, { n: 1, mask: 'face', extension: 'mp4' }),
    delivered: keys.delivered(t, r, n, 'webp'),
    batchLines: keys.batchLines(t, r, { upload: 'u', part: n }),
    batchRows: keys.batchRows(t, r, n),
    webhookLog: keys.webhookLog(t, message),
    fleet: keys.fleet(),
    sweep: keys.sweep(),
    stats: keys.stats(hash, 'comfyui'),
    apiKey: keys.apiKey(createHash('sha256').update(t).digest('hex').slice(0, 16)),
  };
}

const isPrefix = (kind: string): boolean => {
  const make = keys[kind as keyof typeof keys] as (...args: unknown[]) => string;
  return make('a', 'b', 'c', 'd').endsWith('/');
};

test('every kind of key has an owner, and erasing a tenant removes what is its own and nothing else', async () => {
  expect(Object.keys(OWNERS).sort()).toEqual(Object.keys(keys).sort());
  await fc.assert(
    fc.asyncProperty(name, name, hex, fc.nat(20_000), async (tenant, request, hash, n) => {
      const storage = await newStorage();
      const other = `${tenant}2`;
      const mine = keysOf({ tenant, request, hash, n });
      const theirs = keysOf({ tenant: other, request, hash, n });
      expect(Object.keys(mine).sort()).toEqual(Object.keys(OWNERS).filter((kind) => !isPrefix(kind)).sort()); // prettier-ignore
      for (const [of, all] of [
        [tenant, mine],
        [other, theirs],
      ] as const)
        // prettier-ignore
        for (const key of Object.values(all)) await storage.put(key, JSON.stringify({ tenant: of, held: [], evidence: [] }));
      const kept = Object.entries(mine).filter(([kind]) => OWNERS[kind] === 'installation');
      const stays = [...kept.map(([, key]) => key), ...Object.values(theirs)];
      const before = await contentOf(storage);
      const { rows } = await erase([tenantRegistry(storage, tenant), ...tenantStorage(storage, tenant)]);
      const after = await contentOf(storage);
      expect(Object.keys(after).sort()).toEqual([...new Set(stays)].sort());
      for (const key of Object.keys(after)) expect(after[key]).toBe(before[key]);
      expect(rows.every(({ left }) => left === 0)).toBe(true);
      expect(rows.reduce((sum, { found }) => sum + found, 0)).toBe(
        Object.keys(before).length - Object.keys(after).length,
      );
    }),
    { numRuns: 8 },
  );
});

const TENANT = 'acme';
const doc = (request: string, image: string) => ({ request, tenant: TENANT, inputs: { photo: { image } } });

/** Two requests, of one batch: r is to go, `b1.s` is to stay. They share the input `aa`. */
async function twoRequests(storage: Storage): Promise<void> {
  const put = (key: string, value: unknown) => storage.put(key, JSON.stringify(value));
  for (const [request, image] of [
    ['b1.r', 'bb'],
    ['b1.s', 'cc'],
  ] as const) {
    // prettier-ignore
    const photos = { ...doc(request, image), inputs: { one: { image }, two: { image: 'aa' }, text: 'words' } };
    await put(keys.request(TENANT, request), photos);
    await put(keys.plan(TENANT, request), { request });
    for (const n of [0, 1]) {
      const record = { candidate: n, image: { sha256: `${image}${n}`, pixelSha256: null }, scores: {}, verdict: null };
      await put(keys.record(TENANT, request, n), record);
      await storage.put(keys.image(TENANT, request, n), 'png');
      await storage.put(keys.embedding(TENANT, request, n), 'f32');
    }
    await put(keys.index(TENANT, DAY, request), { request });
    const message = `msg_20261130_${createHash('sha256').update(request).digest('hex').slice(0, 24)}`;
    const body = JSON.stringify({ type: 'request.delivered', data: { request } });
    const log = { message, endpoint: 'ep_1', createdAt: DAY, body, attempts: [] };
    await put(keys.webhookLog(TENANT, { day: DAY, message, endpoint: 'ep_1' }), log);
    const label = (picture: string) => ({ picture, gate: null, pass: true, who: 'ann' });
    const pictures = [`${request}/0`, `${image}1`, keys.image(TENANT, request, 1)];
    await addLabels(storage, { tenant: TENANT, labels: pictures.map(label), at: DAY });
  }
  const lines = ['b1.r', 'b1.s'].map((request, n) => ({ line: n + 1, doc: doc(request, 'aa') }));
  const rows = ['b1.r', 'b1.s'].map((request, n) => ({ line: n + 1, request, state: 'delivered' }));
  const text = (all: unknown[]): string => all.map((line) => `${JSON.stringify(line)}\n`).join('');
  await storage.put(keys.batchLines(TENANT, 'b1', { upload: 'u', part: 0 }), text(lines));
  await storage.put(keys.batchRows(TENANT, 'b1', 0), text(rows));
  for (const sha256 of ['aa', 'bb', 'cc']) await storage.put(keys.input(TENANT, sha256), 'photo');
  const evidence = [
    { tenant: TENANT, request: 'b1.r' },
    { tenant: TENANT, request: 'b1.s' },
    { tenant: 'other', request: 'b1.r' },
  ];
  const held = [TENANT, 'other', null].map((tenant) => ({ tenant, evidence }));
  await put(keys.quarantine('ff'), { held, evidence });
}

const CASES: Record<string, (storage: Storage) => ErasePlace[]> = {
  'a request': (storage) => requestStorage(storage, { tenant: TENANT, request: 'b1.r' }),
  'a tenant': (storage) => [tenantRegistry(storage, TENANT), ...tenantStorage(storage, TENANT)],
};

test('a request goes with everything that names it; what another request of the tenant uses stays', async () => {
  const storage = await newStorage();
  await twoRequests(storage);
  const before = await contentOf(storage);
  const { rows } = await erase(CASES['a request']!(storage));
  const after = await contentOf(storage);
  const { [keys.quarantine('ff')]: against = '', ...others } = after;
  expect(JSON.stringify(others)).not.toContain('b1.r');
  expect((JSON.parse(against) as QuarantineDoc).evidence).toEqual([
    { tenant: TENANT, request: 'b1.s' },
    { tenant: 'other', request: 'b1.r' },
  ]);
  expect(after).toHaveProperty([keys.input(TENANT, 'aa')]);
  expect(after).not.toHaveProperty([keys.input(TENANT, 'bb')]);
  for (const [key, content] of Object.entries(before)) if (key.includes('b1.s')) expect(after[key]).toBe(content);
  const labels = Object.entries(after).filter(([key]) => key.startsWith(keys.labels(TENANT)));
  expect(labels.map(([, content]) => content.trim().split('\n').length)).toEqual([3]);
  expect(String(after[keys.batchRows(TENANT, 'b1', 0)])).toBe('{"line":2,"request":"b1.s","state":"delivered"}\n');
  const found = Object.fromEntries(rows.map((row) => [row.kind, row.found]));
  expect(found).toMatchObject({
    labels: 3,
    'lines of batches': 2,
    'webhook messages': 1,
    inputs: 1,
    images: 2,
    'evidence against releases': 4,
  });
});

test('of a tenant, evidence goes, and what holds a release back for it alone; for others and for everybody it stays', async () => {
  const storage = await newStorage();
  await twoRequests(storage);
  await erase(CASES['a tenant']!(storage));
  const evidence = [{ tenant: 'other', request: 'b1.r' }];
  const left = JSON.parse((await contentOf(storage))[keys.quarantine('ff')] ?? '') as QuarantineDoc;
  expect(left).toEqual({ held: ['other', null].map((tenant) => ({ tenant, evidence })), evidence });
});

test.each(Object.keys(CASES))('killed at any delete or write and run again, %s is gone all the same', async (what) => {
  const places = CASES[what]!;
  const whole = await newStorage();
  await twoRequests(whole);
  await erase(places(whole));
  const expected = await contentOf(whole);
  for (let n = 1; ; n++) {
    const storage = await newStorage();
    await twoRequests(storage);
    let calls = 0;
    const dying =
      <A extends unknown[], T>(work: (...args: A) => Promise<T>) =>
      async (...args: A) => {
        // prettier-ignore
        if (++calls >= n) throw new Error('killed');
        return work(...args);
      };
    const killed = { ...storage, put: dying(storage.put.bind(storage)), delete: dying(storage.delete.bind(storage)) };
    const ended = await erase(places(killed)).then(
      () => true,
      () => false,
    );
    await erase(places(storage));
    expect(await contentOf(storage), `killed at ${n}`).toEqual(expected);
    await storage.remains!([keys.tenantDir(TENANT)]);
    if (what === 'a tenant') expect(await readdir(storage.dir)).not.toContain(TENANT);
    if (ended) break;
  }
});
