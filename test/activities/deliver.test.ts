/** The last activity of a request, on a storage of its own: what it reads of each candidate reaches the selection. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDeliverActivities } from '../../activities/deliver.js';
import { emptyRecord, readJson, writeJson, writeRecord } from '../../activities/documents.js';
import { float32 } from '../../activities/float32.js';
import type { Diversity } from '../../selection/types.js';
import { keys, openStorage, type Storage } from '../../storage/index.js';
import type { BestOfNResult, PlanDoc, RequestDoc, ResultDoc } from '../../workflows/contract.js';
import { ok, policyOf } from '../selection/samples.js';

let folder: string;
let storage: Storage;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cull-deliver-'));
  storage = openStorage(folder);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Three that pass: 0 and 1 look alike to CLIP, 2 is another picture and not as good. */
async function deliverTwo(request: string, diversity: Diversity): Promise<number[]> {
  const tenant = 'default';
  const policy = policyOf([], { rank: { 'noise.sigma': 1 }, diversity });
  const asked: Partial<RequestDoc> = { request, tenant, release: 'sha256:0', deliver: 2, candidates: 3, seed: 1 };
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

describe('deliver', () => {
  it('compares the stored embeddings of those that pass where the policy wants variety', async () => {
    expect(await deliverTwo('quality', { minDistance: 0 })).toEqual([0, 1]);
    expect(await deliverTwo('variety', { minDistance: 0, lambda: 0.5 })).toEqual([0, 2]);
    expect(await deliverTwo('hashes', { minDistance: 0, lambda: 0.5, by: 'fingerprint' })).toEqual([0, 1]);
  });
});
