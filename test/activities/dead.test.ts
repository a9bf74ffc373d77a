/** What is left of a request that failed, or that lost candidates; and what it says against its release. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDeliverActivities, type DeliverAsk } from '../../activities/deliver.js';
import { emptyRecord, readJson, writeJson, writeRecord } from '../../activities/documents.js';
import { readRelease } from '../../cli/release.js';
import { listDead, readDead } from '../../client/dead.js';
import type { Policy } from '../../selection/types.js';
import { keys, openStorage, type Storage } from '../../storage/index.js';
import { createMetrics } from '../../telemetry/metrics.js';
import { SILENT } from '../../telemetry/telemetry.js';
import type { Release } from '../../templates/types.js';
import type { BestOfNResult, QuarantineDoc, RequestDoc, RequestError } from '../../workflows/contract.js';

const tenant = 'acme';
let folder: string;
let storage: Storage;
let release: Release<Policy>;
const metrics = createMetrics();
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cull-dead-'));
  storage = openStorage(folder);
  const options = { policyPath: 'examples/policies/generic.yaml', scorers: [], allowNodes: [] };
  release = await readRelease('examples/templates/product.json', options);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const nodeFailed = (host: string, seed: number, node = '3'): RequestError => ({
  code: 'COMFY_NODE_FAILED',
  message: `node ${node} failed on ${host}: seed ${seed}`,
  details: { node, class: 'KSampler', exception: 'RuntimeError', message: `seed ${seed}` },
  hosts: [host],
});
const unreachable: RequestError = { code: 'COMFY_UNREACHABLE', message: 'no answer', hosts: ['gpu1'] };

interface Ending {
  /** Of candidates 0, 1, …; null: it has an image. */
  candidates?: (RequestError | null)[];
  error?: RequestError;
  inputs?: RequestDoc['inputs'];
  releaseId?: string;
}

/** Ends a request as the workflow would. */
async function end(
  request: string,
  { candidates = [], error, inputs = {}, releaseId = 'sha256:r' }: Ending,
): Promise<void> {
  const what = { release: releaseId, template: 'product', inputs, deliver: 1, candidates: 4, seed: 1 };
  await writeJson(storage, keys.release(releaseId.replace('sha256:', '')), release);
  await writeJson(storage, keys.request(tenant, request), { request, tenant, ...what } satisfies Partial<RequestDoc>);
  await writeJson(storage, keys.plan(tenant, request), { request, tenant, policy: release.policy });
  const activities = createDeliverActivities({ storage, telemetry: { ...SILENT, metrics } });
  for (const [candidate, lost] of candidates.entries()) {
    const ref = { tenant, request, candidate };
    if (lost) await activities.lose({ ...ref, error: lost });
    else {
      const image = { key: 'a.png', sha256: '', pixelSha256: null, width: 1, height: 1 };
      const verdict = { pass: true, band: 'accept', failed: [] } as const;
      await writeRecord(storage, ref, {
        ...emptyRecord(candidate, 1, 'passed'),
        image,
        verdict: { ...verdict, failed: [] },
      });
    }
  }
  const ended = { end: error ? 'failed' : 'done', error: error ?? null } as const;
  const ask: DeliverAsk = { tenant, request, ...ended, launched: candidates.length, startedAt: 0, firstPassAt: null };
  const run = (): Promise<BestOfNResult> => activities.deliver(ask);
  await new MockActivityEnvironment().run(run);
}

const letter = (request: string) => readDead({ storage, tenant }, request);
const quarantineOf = (id: string) => readJson<QuarantineDoc>(storage, keys.quarantine(id));

describe('a dead letter', () => {
  it('has what ended the request, and lost candidates by what failed and where', async () => {
    const inputs = { prompt: 'a mug', photo: { image: 'f'.repeat(64) } };
    const candidates = [nodeFailed('gpu0', 5), unreachable, nodeFailed('gpu1', 6), nodeFailed('gpu0', 7, '4')];
    const error = { code: 'COMFY_INVALID_GRAPH', message: 'refused', details: [], hosts: ['gpu0'] };
    await end('failed', { candidates, error, inputs });
    const { at, ...rest } = await letter('failed');
    expect(Date.now() - Date.parse(at)).toBeLessThan(60_000);
    expect(rest).toMatchObject({
      ...{ request: 'failed', tenant, release: 'sha256:r', template: 'product', inputs },
      ...{ state: 'failed', wanted: 1, delivered: 0, candidates: { started: 4, lost: 4 } },
    });
    expect(rest.failures.map(({ code, lost, candidates: who, hosts }) => ({ code, lost, who, hosts }))).toEqual([
      { code: 'COMFY_INVALID_GRAPH', lost: 0, who: [], hosts: ['gpu0'] },
      { code: 'COMFY_NODE_FAILED', lost: 2, who: [0, 2], hosts: ['gpu0', 'gpu1'] },
      { code: 'COMFY_UNREACHABLE', lost: 1, who: [1], hosts: ['gpu1'] },
      { code: 'COMFY_NODE_FAILED', lost: 1, who: [3], hosts: ['gpu0'] },
    ]);
    expect(rest.failures[1]).toMatchObject({ message: 'node 3 failed on gpu0: seed 5', details: { node: '3' } });
  });

  it('is written once however often the end is told, and goes when a later end is well', async () => {
    await end('resumed', { candidates: [unreachable] });
    const first = await letter('resumed');
    await end('resumed', { candidates: [unreachable] });
    expect(await letter('resumed')).toEqual(first);
    const counted = /cull_dead_letters_total\{template="product",code="COMFY_UNREACHABLE"\} (\d+)/;
    const before = counted.exec(await metrics.read())?.[1];
    await end('resumed', { candidates: [unreachable] });
    expect(counted.exec(await metrics.read())?.[1]).toBe(before);
    await end('resumed', { candidates: [null] });
    await expect(letter('resumed')).rejects.toMatchObject({ code: 'DEAD_LETTER_NOT_FOUND' });
    const { items } = await listDead({ storage, tenant }, { limit: 100 });
    expect(items.map(({ request }) => request)).not.toContain('resumed');
  });

  it('is not written of a request that lost nothing', async () => {
    await end('well', { candidates: [null, null] });
    expect(await storage.head(keys.dead(tenant, 'well'))).toBeUndefined();
  });

  it('is listed with others, the newest first, by code and page by page', async () => {
    for (const request of ['page-1', 'page-2', 'page-3']) await end(request, { candidates: [unreachable, null] });
    const listed = await listDead({ storage, tenant }, { limit: 2, code: 'COMFY_UNREACHABLE' });
    expect(listed.items.map(({ request }) => request)).toEqual(['page-3', 'page-2']);
    expect(listed.items[0]).toMatchObject({ state: 'delivered', candidates: { started: 2, lost: 1 } });
    const rest = { limit: 1, code: 'COMFY_UNREACHABLE', cursor: listed.next ?? '' };
    expect((await listDead({ storage, tenant }, rest)).items.map(({ request }) => request)).toEqual(['page-1']);
    expect((await listDead({ storage, tenant }, { limit: 9, code: 'INTERNAL' })).items).toEqual([]);
    expect((await listDead({ storage, tenant: 'rival' }, { limit: 9 })).items).toEqual([]);
  });
});

describe('a release', () => {
  const bad = (prompt: string, releaseId: string, more: Ending = {}): Promise<void> =>
    end(`${releaseId.replace('sha256:', '')}-${prompt}`, {
      candidates: [nodeFailed('gpu0', 1), nodeFailed('gpu1', 2)],
      inputs: { prompt },
      releaseId,
      ...more,
    });

  it('is held back by three requests that drew nothing, each counted once', async () => {
    await bad('a', 'sha256:held');
    await bad('b', 'sha256:held');
    await bad('b', 'sha256:held');
    expect(await quarantineOf('held')).toMatchObject({ held: [], evidence: [{}, {}] });
    await bad('c', 'sha256:held');
    const doc = await quarantineOf('held');
    expect(doc).toMatchObject({ release: 'sha256:held', template: 'product', evidence: [] });
    expect(doc?.held).toMatchObject([{ tenant, way: { code: 'COMFY_NODE_FAILED' } }]);
    expect(doc?.held[0]?.evidence[0]).toMatchObject({ request: 'held-a', hosts: ['gpu0', 'gpu1'] });
  });

  it('is not held back while it draws now and then', async () => {
    await bad('a', 'sha256:well');
    await bad('b', 'sha256:well');
    await bad('c', 'sha256:well', { candidates: [nodeFailed('gpu0', 1), null] });
    expect(await quarantineOf('well')).toMatchObject({ held: [], evidence: [] });
    await bad('d', 'sha256:well');
    expect((await quarantineOf('well'))?.held).toEqual([]);
  });

  it('is not held back for what a request gave to the failing node itself', async () => {
    for (const steps of [1, 2, 3]) await bad(`steps-${steps}`, 'sha256:given', { inputs: { steps } });
    expect(await quarantineOf('given')).toBeUndefined();
  });
});
