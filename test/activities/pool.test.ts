import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { writeJson } from '../../activities/documents.js';
import { createPrepareActivities, type PrepareAnswer } from '../../activities/prepare.js';
import { readRelease } from '../../cli/release.js';
import { builtInScorers } from '../../scorers/registry.js';
import { keys, openStorage, type Storage } from '../../storage/index.js';
import type { HostDoc, RequestDoc } from '../../workflows/contract.js';
import { INPUTS } from '../support/pipeline.js';

let folder: string;
let storage: Storage;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cull-pool-'));
  storage = openStorage(folder);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function prepare(): Promise<PrepareAnswer> {
  const policyPath = 'examples/policies/generic.yaml';
  const release = await readRelease('examples/templates/product.json', { policyPath, scorers: [], allowNodes: [] });
  await writeJson(storage, keys.release(release.id.replace('sha256:', '')), release);
  const [tenant, request] = ['default', 'mugs'];
  const asked: Partial<RequestDoc> = {
    tenant,
    request,
    release: release.id,
    inputs: INPUTS,
    deliver: 1,
    candidates: 4,
    seed: 1,
  };
  await writeJson(storage, keys.request(tenant, request), asked);
  return createPrepareActivities({ storage, scorers: builtInScorers, allowNodes: [] }).prepare({ tenant, request });
}

const say = (host: string, more: Partial<HostDoc>): Promise<unknown> =>
  writeJson(storage, keys.host(host), { host, url: '', pool: 'default', state: 'serving', reason: null, ...more });

it('a request learns how many candidates the ComfyUIs of its pool take at once: those that serve', async () => {
  expect(await prepare()).not.toHaveProperty('slots');
  await say('a', { slots: 2 });
  await say('b', { slots: 4 });
  await say('old', {});
  await say('away', { slots: 8, state: 'unhealthy' });
  await say('gone', { slots: 8, state: 'stopped' });
  await say('other', { slots: 8, pool: 'other' });
  expect(await prepare()).toMatchObject({ slots: 7 });
});
