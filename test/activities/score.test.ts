/** The scoring activity on a storage of its own: what of the plan reaches the measuring and the rules. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { emptyRecord, readJson, writeJson, writeRecord } from '../../activities/documents.js';
import { createScoreActivities, type ScoreAnswer } from '../../activities/score.js';
import { createScorePool, type ScorePool } from '../../activities/scoring/pool.js';
import type { WinnersDoc } from '../../selection/winners.js';
import { keys, openStorage, type Storage } from '../../storage/index.js';
import type { PlanDoc } from '../../workflows/contract.js';
import { disc, png } from '../scorers/synthetic.js';
import { policyOf } from '../selection/samples.js';

let folder: string;
let storage: Storage;
let pool: ScorePool;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cull-score-activity-'));
  storage = openStorage(join(folder, 'storage'));
  pool = await createScorePool({ threads: 1, models: { folder: join(folder, 'models') } });
}, 60_000);
afterAll(async () => {
  await pool.close();
  await rm(folder, { recursive: true, force: true });
});

const policy = policyOf([
  {
    kind: 'rule',
    id: 'studio',
    tier: 'business',
    rule: 'request.inputs.style == "studio" && request.deliver == 4',
    reason: 'Not a studio',
    onUnassessable: 'review',
    dimensions: [],
  },
]);

async function scoreOne(request: string, plan: Partial<PlanDoc>): Promise<ScoreAnswer> {
  const ref = { tenant: 'default', request, candidate: 0 };
  const key = keys.image(ref.tenant, request, 0);
  await storage.put(key, await png(disc({ side: 64 })));
  await writeJson(storage, keys.plan(ref.tenant, request), { request, tenant: ref.tenant, policy, ...plan });
  const image = { key, sha256: '', pixelSha256: null, width: 64, height: 64 };
  await writeRecord(storage, ref, { ...emptyRecord(0, 1, 'drawn'), image });
  const activities = createScoreActivities({ storage, pool });
  const run = (): Promise<ScoreAnswer> => activities.score({ ...ref, image: key });
  const answer: unknown = await new MockActivityEnvironment().run(run);
  return answer as ScoreAnswer;
}

const winnersOf = (request: string) => readJson<WinnersDoc>(storage, keys.winners('default', request));

describe('score', () => {
  it('announces what passes, and does so once more if it ended before it had', async () => {
    const fits = { deliver: 4, seed: 1, inputs: { style: 'studio' } };
    await scoreOne('announced', fits);
    const first = await winnersOf('announced');
    const image = keys.image('default', 'announced', 0);
    expect(first).toMatchObject({
      winners: [0],
      events: [{ event: 1, joined: [{ candidate: 0, seed: 1, key: image }] }],
    });
    // the record is there, the announcement is not: the worker died between the two
    await storage.delete(keys.winners('default', 'announced'));
    const again = () =>
      createScoreActivities({ storage, pool }).score({ tenant: 'default', request: 'announced', candidate: 0, image });
    for (const _ of [1, 2]) await new MockActivityEnvironment().run(again);
    expect((await winnersOf('announced'))?.events).toMatchObject([{ event: 1, joined: first?.events[0]?.joined }]);

    await scoreOne('silent', { ...fits, inputs: { style: 'beach' } });
    expect(await winnersOf('silent')).toBeUndefined();
  });

  it('judges with the inputs and the K of the request', async () => {
    expect(await scoreOne('studio', { deliver: 4, inputs: { style: 'studio' } })).toMatchObject({ pass: true });
    expect(await scoreOne('beach', { deliver: 4, inputs: { style: 'beach' } })).toMatchObject({ failed: ['studio'] });
    expect(await scoreOne('one', { deliver: 1, inputs: { style: 'studio' } })).toMatchObject({ failed: ['studio'] });
    // planned before rules could read inputs: the gate decides
    expect(await scoreOne('before', { deliver: 4 })).toMatchObject({ pass: false, failed: ['studio'] });
  });
});
