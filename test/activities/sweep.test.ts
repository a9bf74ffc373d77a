/** Sweeps of a storage of its own, with a clock of their own: what goes, what stays, and that being cut off loses nothing. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createSweepActivities, type SweepAsk, type SweepStep } from '../../activities/sweep.js';
import { addLabels, storedLabels } from '../../client/labels.js';
import { setRetention } from '../../client/tenants.js';
import { USUAL_RETENTION, type RetentionSaid } from '../../selection/retention.js';
import { keys, openStorage, type Storage } from '../../storage/index.js';
import type { SweepPlace } from '../../workflows/sweep-contract.js';
import type { SweptDoc } from '../../workflows/contract.js';
import { storeRequest } from '../support/stored-requests.js';
import { ok, policyOf, threshold } from '../selection/samples.js';

const DAY_MS = 86_400_000;
const AT = '2026-11-20T10:00:00.000Z';
let folder: string;
let storage: Storage;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cull-sweep-'));
  storage = openStorage(folder);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const policy = policyOf([threshold({ dimension: 'noise.sigma', accept: { min: 50 }, review: { min: 40 } })], {
  rank: { 'noise.sigma': 1 },
});

/** Best of one: 0 is delivered, 1 passed, 2 waits for a person, 3 is rejected, 4 was lost. Each of the first four has its files. */
async function store(request: string, tenant = 'default'): Promise<void> {
  const quality = [90, 80, 45, 10];
  const scores = [...quality.map((one) => ({ 'noise.sigma': ok(one) })), null];
  await storeRequest(storage, { tenant, request, createdAt: AT, policy, deliver: 1, scores });
  for (const candidate of quality.keys()) {
    await storage.put(keys.image(tenant, request, candidate), 'a picture');
    await storage.put(keys.file(tenant, request, candidate, { n: 1, extension: 'mp4' }), 'a video');
    await storage.put(keys.record(tenant, request, candidate), '{}');
    await storage.put(keys.embedding(tenant, request, candidate), 'numbers');
    await storage.put(keys.varied(tenant, request, candidate), '{}');
  }
  await storage.put(keys.delivered(tenant, request, 0, 'webp'), 'converted');
}

/** The whole sweep of storage, step by step. */
async function sweep(
  afterDays: number,
  retention: RetentionSaid = USUAL_RETENTION,
  more: Partial<SweepAsk> & { on?: Storage } = {},
): Promise<SweepStep> {
  const { on = storage, ...asked } = more;
  const activities = createSweepActivities({ storage: on, retention, labels: (tenant) => storedLabels(on, tenant) });
  const ask = { now: Date.now() + afterDays * DAY_MS, dryRun: false, ...asked };
  const env = new MockActivityEnvironment();
  type Ask = SweepAsk & { place?: SweepPlace };
  const once = (one: Ask): Promise<SweepStep> => activities.sweepStorage(one);
  const run = (place?: SweepPlace) => env.run<[Ask], SweepStep, typeof once>(once, { ...ask, ...(place && { place }) });
  let step = await run();
  while (step.next) step = await run(step.next);
  return step;
}

async function all(prefix = ''): Promise<string[]> {
  const found: string[] = [];
  for await (const { key } of storage.list(prefix)) found.push(key);
  return found;
}

const pictures = async (request: string, tenant = 'default') =>
  (await all(keys.requestDir(tenant, request)))
    .filter((key) => /\.(png|mp4|webp)$/.test(key))
    .map((key) => key.slice(keys.requestDir(tenant, request).length));

describe('sweepStorage', () => {
  it('deletes nothing where nothing is set', async () => {
    await store('r1');
    const before = await all();
    expect(await sweep(10_000, {})).toEqual({ swept: {}, requests: 0, next: null });
    expect(await all()).toEqual(before);
  });

  it('takes the pictures by what became of them, and says so; the records stay', async () => {
    await store('r1');
    await sweep(6.9);
    expect(await pictures('r1')).toHaveLength(9);
    expect(await sweep(8)).toMatchObject({ requests: 1, swept: { pictures: { objects: 2, bytes: 16 } } });
    expect(await pictures('r1')).not.toContainEqual(expect.stringContaining('0003'));
    await sweep(31);
    // 2 waits for a person.
    expect(await pictures('r1')).toEqual([
      'candidates/0000.1.mp4',
      'candidates/0000.png',
      'candidates/0002.1.mp4',
      'candidates/0002.png',
      'delivered/0000.webp',
    ]);
    const swept = JSON.parse(String((await storage.get(keys.swept('default', 'r1')))?.body)) as SweptDoc;
    expect(Object.keys(swept.pictures)).toEqual(['1', '3']);
    expect(Date.parse(swept.pictures[3] ?? '')).toBeLessThan(Date.parse(swept.pictures[1] ?? ''));
    for (const candidate of [0, 1, 2, 3])
      for (const key of [keys.record, keys.embedding, keys.varied])
        expect(await storage.head(key('default', 'r1', candidate))).toBeDefined();
    expect(await sweep(31)).toMatchObject({ requests: 0, swept: {} });
    // Decided on: it is what its state says.
    const by = { decision: 'reject', by: 'ann', at: AT };
    await storage.put(keys.reviews('default', 'r1'), JSON.stringify({ decisions: { 2: by } }));
    await sweep(31);
    expect(await pictures('r1')).not.toContainEqual(expect.stringContaining('0002'));
  });

  it('keeps pictures that a person has labelled as long as is said for those', async () => {
    await store('r1');
    const label = { picture: 'r1/3', gate: null, pass: true, who: 'ann' };
    await addLabels(storage, { tenant: 'default', labels: [label], at: AT });
    await sweep(400);
    expect(await pictures('r1')).toContain('candidates/0003.png');
    await sweep(400, { ...USUAL_RETENTION, labelled: 300 });
    expect(await pictures('r1')).not.toContain('candidates/0003.png');
  });

  it('never touches an open request, or one of a tenant that keeps everything', async () => {
    await store('open');
    await storage.delete(keys.result('default', 'open'));
    await store('kept', 'careful');
    await setRetention(storage, 'careful', 'rejected=never,passed=never,review=never,records=never');
    await store('short', 'hasty');
    await setRetention(storage, 'hasty', 'rejected=12h,delivered=1d,review=1d');
    const [open, kept] = [await pictures('open'), await pictures('kept', 'careful')];
    await sweep(2);
    expect(await pictures('short', 'hasty')).toEqual(['candidates/0001.1.mp4', 'candidates/0001.png']);
    await sweep(10_000);
    expect(await pictures('open')).toEqual(open);
    expect(await pictures('kept', 'careful')).toEqual(kept);
    expect(await all('hasty/')).toEqual([]);
  });

  it('takes the records when no picture is left, and the whole request with them', async () => {
    await store('r1');
    await sweep(400);
    expect(await pictures('r1')).toContain('delivered/0000.webp');
    expect(await storage.head(keys.request('default', 'r1'))).toBeDefined();
    const step = await sweep(400, { ...USUAL_RETENTION, delivered: 200 });
    expect(step.swept.records?.objects).toBeGreaterThan(10);
    expect(await all('default/')).toEqual([]);
  });

  it('keeps the records of a dead letter', async () => {
    await store('r1');
    await storage.put(keys.dead('default', 'r1'), '{}');
    await sweep(400, { ...USUAL_RETENTION, delivered: 200 });
    expect(await pictures('r1')).toEqual([]);
    expect(await storage.head(keys.request('default', 'r1'))).toBeDefined();
  });

  it('tells what would go, with ages of its own, and deletes nothing', async () => {
    await store('r1');
    const before = await all();
    const step = await sweep(31, {}, { dryRun: true, retention: USUAL_RETENTION });
    expect(step).toMatchObject({ requests: 1, swept: { pictures: { objects: 4 } } });
    expect(await all()).toEqual(before);
  });

  it('goes on where it was cut off, at any place', async () => {
    const kept = { ...USUAL_RETENTION, delivered: 200 };
    const scores = [90, 10].map((one) => ({ 'noise.sigma': ok(one) }));
    for (let calls = 0, cut = true; cut; calls++) {
      for (const request of ['r1', 'r2']) {
        await storeRequest(storage, { request, createdAt: AT, policy, deliver: 1, scores });
        for (const candidate of [0, 1]) await storage.put(keys.image('default', request, candidate), 'a picture');
      }
      let left = calls;
      const failing: Storage = {
        ...storage,
        delete: (key) => (left-- > 0 ? storage.delete(key) : Promise.reject(new Error('killed'))),
      };
      cut = await sweep(400, kept, { on: failing }).then(
        () => false,
        () => true,
      );
      // Whoever is named is whole enough to be read, or gone.
      for (const request of ['r1', 'r2'])
        if (!(await storage.head(keys.request('default', request)))) expect(await pictures(request)).toEqual([]);
      await sweep(400, kept);
      expect(await all('default/')).toEqual([]);
    }
  });
});

describe('inputs', () => {
  const hash = (digit: string) => digit.repeat(64);
  const asks = async (request: string, image: string) => {
    await store(request);
    const doc = { inputs: { photo: { image } } };
    await storage.put(keys.request('default', request), JSON.stringify(doc));
  };

  it('go when they are old and no kept request needs them', async () => {
    await asks('ended', hash('a'));
    await asks('open', hash('b'));
    await storage.delete(keys.result('default', 'open'));
    for (const digit of ['a', 'b', 'c', 'd']) await storage.put(keys.input('default', hash(digit)), 'a photo');
    await storage.put(
      keys.batchLines('default', 'b1', { upload: 'u', part: 0 }),
      JSON.stringify({ photo: { image: hash('c') } }),
    );
    expect((await sweep(89)).swept.inputs).toBeUndefined();
    expect((await sweep(91)).swept.inputs).toEqual({ objects: 2, bytes: 14 });
    expect(await all(keys.inputs('default'))).toEqual([
      keys.input('default', hash('b')),
      keys.input('default', hash('c')),
    ]);
    await storage.put(keys.batchResult('default', 'b1'), '{}');
    await sweep(91);
    expect(await all(keys.inputs('default'))).toEqual([keys.input('default', hash('b'))]);
  });

  it('of a request that ended lately stay, however old they are', async () => {
    await storage.put(keys.input('default', hash('a')), 'a photo');
    await asks('ended', hash('a'));
    const result = await storage.get(keys.result('default', 'ended'));
    // As if the input were 200 days older than the result.
    const older: Storage = {
      ...storage,
      async *list(prefix) {
        for await (const object of storage.list(prefix))
          yield { ...object, modifiedAt: object.modifiedAt - (prefix === keys.inputs('default') ? 200 * DAY_MS : 0) };
      },
    };
    expect(result).toBeDefined();
    expect((await sweep(10, { inputs: 90 }, { on: older })).swept).toEqual({});
    expect((await sweep(91, { inputs: 90 }, { on: older })).swept.inputs).toMatchObject({ objects: 1 });
  });
});
