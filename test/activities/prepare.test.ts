/** Planning a request: which scorers its candidates are measured by. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createPrepareActivities } from '../../activities/prepare.js';
import { readRelease } from '../../cli/release.js';
import { builtInScorers, versionsOf } from '../../scorers/registry.js';
import type { Policy } from '../../selection/types.js';
import { createFsStorage } from '../../storage/fs.js';
import { keys } from '../../storage/keys.js';
import type { Storage } from '../../storage/storage.js';
import type { Release } from '../../templates/types.js';
import type { PlanDoc, QuarantineDoc } from '../../workflows/contract.js';

let folder: string;
let storage: Storage;
let release: Release<Policy>;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cull-prepare-'));
  storage = createFsStorage({ root: folder });
  const options = { policyPath: 'examples/policies/product.yaml', scorers: [], allowNodes: [] };
  release = await readRelease('examples/templates/product.json', options);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function prepare(request: string, policy: Policy): Promise<PlanDoc | undefined> {
  await storage.put(keys.release(request), JSON.stringify({ ...release, policy }));
  const asked = { request, tenant: 'acme', release: `sha256:${request}`, inputs: { prompt: 'a mug' }, seed: 1 };
  await storage.put(keys.request('acme', request), JSON.stringify({ ...asked, deliver: 1, candidates: 2 }));
  const activities = createPrepareActivities({ storage, scorers: builtInScorers, allowNodes: [] });
  await activities.prepare({ tenant: 'acme', request });
  const plan = await storage.get(keys.plan('acme', request));
  return plan && (JSON.parse(plan.body.toString('utf8')) as PlanDoc);
}

describe('a release', () => {
  it('names the version of every scorer that its policy reads', async () => {
    const { noise, sharpness } = versionsOf(builtInScorers);
    expect(release.policy.pins?.scorers).toMatchObject({ noise, sharpness });
    expect((await prepare('pinned', release.policy))?.policy.pins).toEqual(release.policy.pins);
  });

  it('made before there were pins is planned with the scorers of this worker', async () => {
    const { pins: _, ...policy } = release.policy;
    expect((await prepare('before', policy))?.policy.pins).toEqual(release.policy.pins);
  });

  it('of another version is refused before anything is planned or drawn, to be tried again', async () => {
    const policy = { ...release.policy, pins: { scorers: { ...release.policy.pins?.scorers, noise: '0.0.1' } } };
    await expect(prepare('other', policy)).rejects.toMatchObject({
      type: 'SCORER_VERSION',
      nonRetryable: false,
      message: expect.stringMatching(
        /^noise is .* here, and 0\.0\.1 is pinned by the policy product or its release/,
      ) as string,
    });
    expect(await storage.head(keys.plan('acme', 'other'))).toBeUndefined();
  });
});

describe('a release that is held back', () => {
  const way = { code: 'COMFY_NODE_FAILED', nodes: [{ node: '3', class: 'KSampler', what: 'RuntimeError' }] };
  const hold = async (name: string, tenant: string | null): Promise<void> => {
    const held = [{ tenant, since: '2026-11-30T00:00:00.000Z', way, evidence: [] }];
    const doc: QuarantineDoc = { release: `sha256:${name}`, template: 'product', held, evidence: [] };
    await storage.put(keys.quarantine(name), JSON.stringify(doc));
  };

  it.each([null, 'acme'])('for %s plans nothing, and is not tried again', async (tenant) => {
    await hold(`held-${tenant}`, tenant);
    await expect(prepare(`held-${tenant}`, release.policy)).rejects.toMatchObject({
      type: 'RELEASE_QUARANTINED',
      nonRetryable: true,
    });
    expect(await storage.head(keys.plan('acme', `held-${tenant}`))).toBeUndefined();
  });

  it('for another tenant is planned', async () => {
    await hold('rivals', 'rival');
    expect(await prepare('rivals', release.policy)).toBeDefined();
  });
});
