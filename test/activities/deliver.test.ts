/** The last activity of a request, on a storage of its own: what it reads of each candidate reaches the selection. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDeliverActivities } from '../../activities/deliver.js';
import { emptyRecord, readJson, writeJson, writeRecord } from '../../activities/documents.js';
import { storeCancelled } from '../../activities/pictures.js';
import { float32 } from '../../activities/float32.js';
import type { Diversity } from '../../selection/types.js';
import { keys, openStorage, type Storage } from '../../storage/index.js';
import { judge } from '../../selection/judge.js';
import type {
  BestOfNResult,
  CandidateRecord,
  ImageAsk,
  PlanDoc,
  RequestDoc,
  ResultDoc,
  ReviewsDoc,
  StatsDoc,
} from '../../workflows/contract.js';
import { ok, policyOf, threshold } from '../selection/samples.js';

let folder: string;
let storage: Storage;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cull-deliver-'));
  storage = openStorage(folder);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Three that pass: 0 and 1 look alike to CLIP, 2 is another picture and not as good. */
async function deliverTwo(request: string, diversity: Diversity, images?: ImageAsk): Promise<number[]> {
  const tenant = 'default';
  const policy = policyOf([], { rank: { 'noise.sigma': 1 }, diversity });
  const what = { request, tenant, release: 'sha256:0', deliver: 2, candidates: 3, seed: 1 };
  const asked: Partial<RequestDoc> = { ...what, ...(images && { images }) };
  await writeJson(storage, keys.request(tenant, request), asked);
  const plan: Partial<PlanDoc> = { request, tenant, policy };
  await writeJson(storage, keys.plan(tenant, request), plan);
  const looks = [Float32Array.of(1, 0), Float32Array.of(0.8, 0.6), Float32Array.of(0, 1)];
  for (const [candidate, quality] of [90, 85, 60].entries()) {
    await writeRecord(
      storage,
      { tenant, request, candidate },
      {
        ...emptyRecord(candidate, 1, 'passed'),
        image: { key: `${candidate}.png`, sha256: '', pixelSha256: null, width: 1, height: 1 },
        scores: { 'noise.sigma': ok(1, quality) },
        verdict: { pass: true, band: 'accept', failed: [] },
      },
    );
    await storage.put(keys.embedding(tenant, request, candidate), float32(looks[candidate]!));
  }
  const activities = createDeliverActivities({ storage });
  const end = { end: 'done', error: null, launched: 3, startedAt: 0, firstPassAt: null } as const;
  const ask = { tenant, request, ...end };
  const run = (): Promise<BestOfNResult> => activities.deliver(ask);
  const ended: unknown = await new MockActivityEnvironment().run(run);
  expect(ended).toEqual({ state: 'delivered', delivered: 2, wanted: 2 });
  const result = await readJson<ResultDoc>(storage, keys.result(tenant, request));
  return result!.delivered.map(({ candidate }) => candidate);
}

/** One that passes, four in the band review (one accepted, one rejected, two open), one rejected. */
async function deliverReviewed(request: string): Promise<{ result: ResultDoc; records: CandidateRecord[] }> {
  const tenant = 'default';
  const gate = threshold({ dimension: 'noise.sigma', accept: { min: 50 }, review: { min: 40 } });
  const policy = policyOf([gate], { audit: { nearGate: 1, rejects: 1, margin: 0.05 } });
  const asked: Partial<RequestDoc> = { request, tenant, release: 'sha256:1', deliver: 4, candidates: 6, seed: 1 };
  await writeJson(storage, keys.request(tenant, request), asked);
  await writeJson(storage, keys.plan(tenant, request), { request, tenant, policy } satisfies Partial<PlanDoc>);
  for (const [candidate, quality] of [52, 45, 41, 48, 49, 10].entries()) {
    const scores = { 'noise.sigma': ok(1, quality) };
    const verdict = judge(scores, policy);
    const image = { key: `${candidate}.png`, sha256: '', pixelSha256: null, width: 1, height: 1 };
    const drawn = emptyRecord(candidate, candidate + 100, verdict.pass ? 'passed' : 'rejected');
    await writeRecord(storage, { tenant, request, candidate }, { ...drawn, image, scores, verdict });
  }
  const at = '2026-01-01T00:00:00.000Z';
  const decisions: ReviewsDoc['decisions'] = {
    1: { decision: 'accept', by: 'ann', at },
    3: { decision: 'reject', by: 'bob', at },
    // a word on one that was rejected changes nothing
    5: { decision: 'accept', by: 'eve', at },
  };
  await writeJson(storage, keys.reviews(tenant, request), { decisions } satisfies ReviewsDoc);
  const activities = createDeliverActivities({ storage });
  const ask = { tenant, request, end: 'done', error: null, launched: 6, startedAt: 0, firstPassAt: null } as const;
  const run = (): Promise<BestOfNResult> => activities.deliver(ask);
  await new MockActivityEnvironment().run(run);
  const manifest = await storage.get(keys.manifest(tenant, request));
  const lines = String(manifest?.body).trim().split('\n');
  const result = await readJson<ResultDoc>(storage, keys.result(tenant, request));
  return { result: result!, records: lines.map((line) => JSON.parse(line) as CandidateRecord) };
}

describe('deliver', () => {
  it('delivers the winners in the form that was asked for, and the manifest says of what they were made', async () => {
    const create = { width: 40, height: 20, channels: 3, background: 'red' } as const;
    for (const candidate of [0, 1, 2]) await storage.put(`${candidate}.png`, await sharp({ create }).png().toBuffer());
    expect(await deliverTwo('webp', { minDistance: 0 }, { format: 'webp', maxSize: 20 })).toEqual([0, 1]);
    const result = await readJson<ResultDoc>(storage, keys.result('default', 'webp'));
    expect(result?.delivered.map(({ key }) => key)).toEqual(
      [0, 1].map((candidate) => keys.delivered('default', 'webp', candidate, 'webp')),
    );
    const manifest = String((await storage.get(keys.manifest('default', 'webp')))?.body);
    const lines = manifest
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as CandidateRecord);
    expect(lines.map(({ delivered }) => delivered?.width)).toEqual([20, 20, undefined]);
    for (const { key, url } of result?.delivered ?? []) {
      expect((await sharp((await storage.get(key))!.body).metadata()).format).toBe('webp');
      expect(url).toContain('/delivered/');
    }
  });

  it('delivers what people accepted, and lists whom they could still be asked about, best first', async () => {
    const { result, records } = await deliverReviewed('reviewed');
    expect(result.delivered.map(({ candidate }) => candidate)).toEqual([0, 1]);
    expect(result.counts).toMatchObject({ passed: 2, rejected: 4 });
    expect(result.shortfall).toMatchObject({ missing: 2, gates: { 'noise.sigma': 4 }, judged: { 'noise.sigma': 6 } });
    expect(result.shortfall?.reviewable).toEqual([
      expect.objectContaining({ candidate: 4, seed: 104, quality: 49, key: '4.png' }),
      expect.objectContaining({ candidate: 2, seed: 102, quality: 41, key: '2.png' }),
    ]);
    const [first] = result.shortfall?.reviewable ?? [];
    expect(first?.url).toContain('4.png');
    expect(first?.failed).toEqual([{ gate: 'noise.sigma', reason: 'noise.sigma is 49, at least 50 wanted (quality)' }]);
    expect(records[1]).toMatchObject({
      state: 'delivered',
      verdict: { pass: true, band: 'review' },
      review: { decision: 'accept', by: 'ann' },
    });
    expect(records[3]).toMatchObject({ state: 'rejected', review: { decision: 'reject', by: 'bob' } });
    expect(records[5]).toMatchObject({ state: 'rejected', verdict: { pass: false } });
    expect(records[5]).not.toHaveProperty('review');
  });

  it('marks the audit sample, and teaches the next request only what passes by itself', async () => {
    const { records } = await deliverReviewed('taught');
    expect(records.map(({ audit }) => audit)).toEqual([
      'near-gate',
      undefined,
      undefined,
      undefined,
      undefined,
      'reject',
    ]);
    const stats = await readJson<StatsDoc>(storage, keys.stats('1', 'comfyui'));
    expect(stats?.requests.map(({ passed, ended }) => [passed, ended])).toContainEqual([1, 6]);
    expect(stats?.requests.some(({ passed }) => passed > 1)).toBe(false);
  });

  it('says of each that was cancelled what it cost', async () => {
    const [tenant, request] = ['default', 'given-up'];
    const asked: Partial<RequestDoc> = { request, tenant, release: 'sha256:2', deliver: 1, candidates: 64, seed: 1 };
    await writeJson(storage, keys.request(tenant, request), asked);
    await writeJson(storage, keys.plan(tenant, request), { request, tenant, policy: policyOf([]) });
    const ref = (candidate: number) => ({ tenant, request, candidate });
    const given = { seed: 1, handle: undefined, usdPerHour: undefined };
    await storeCancelled(storage, { ref: ref(0), drawMs: 0, ...given });
    await storeCancelled(storage, { ref: ref(1), drawMs: 500, ...given });
    // 2 and 3: nobody had them
    const shares = async (): Promise<(number | undefined)[]> => {
      const end = { end: 'done', error: null, launched: 5, startedAt: 0, firstPassAt: null } as const;
      const run = (): Promise<BestOfNResult> =>
        createDeliverActivities({ storage }).deliver({ tenant, request, ...end });
      await new MockActivityEnvironment().run(run);
      const manifest = String((await storage.get(keys.manifest(tenant, request)))?.body);
      const lines = manifest.trim().split('\n');
      return lines.map((line) => (JSON.parse(line) as CandidateRecord).share).slice(0, 4);
    };
    // what nobody drew costs nothing, also where no whole drawing says how long one takes
    expect(await shares()).toEqual([0, undefined, 0, 0]);
    await writeRecord(storage, ref(4), {
      ...emptyRecord(4, 1, 'passed'),
      image: { key: '4.png', sha256: '', pixelSha256: null, width: 1, height: 1 },
      verdict: { pass: true, band: 'accept', failed: [] },
      timing: { queuedMs: 0, drawMs: 1_000, scoreMs: 0 },
    });
    expect(await shares()).toEqual([0, 0.5, 0, 0]);
  });

  it('compares the stored embeddings of those that pass where the policy wants variety', async () => {
    expect(await deliverTwo('quality', { minDistance: 0 })).toEqual([0, 1]);
    expect(await deliverTwo('variety', { minDistance: 0, lambda: 0.5 })).toEqual([0, 2]);
    expect(await deliverTwo('hashes', { minDistance: 0, lambda: 0.5, by: 'fingerprint' })).toEqual([0, 1]);
  });
});
