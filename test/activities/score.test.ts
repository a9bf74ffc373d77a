/** The scoring activity on a storage of its own: what of the plan reaches the measuring and the rules. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { emptyRecord, readJson, readRecord, writeJson, writeRecord } from '../../activities/documents.js';
import { createScoreActivities, type ScoreAnswer } from '../../activities/score.js';
import { createScorePool, type ScorePool } from '../../activities/scoring/pool.js';
import { builtInScorers } from '../../scorers/registry.js';
import type { Policy } from '../../selection/types.js';
import type { WinnersDoc } from '../../selection/winners.js';
import { keys, openStorage, type Storage } from '../../storage/index.js';
import type { CandidateRecord, PlanDoc } from '../../workflows/contract.js';
import { disc, png } from '../scorers/synthetic.js';
import { policyOf, threshold } from '../selection/samples.js';

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

async function scoreOne(
  request: string,
  plan: Partial<PlanDoc>,
  record: Partial<CandidateRecord> = {},
): Promise<ScoreAnswer> {
  const ref = { tenant: 'default', request, candidate: 0 };
  const key = keys.image(ref.tenant, request, 0);
  await storage.put(key, await png(disc({ side: 64 })));
  await writeJson(storage, keys.plan(ref.tenant, request), {
    request,
    tenant: ref.tenant,
    release: 'sha256:0123456789abcdef',
    policy,
    ...plan,
  });
  const image = { key, sha256: '', pixelSha256: null, width: 64, height: 64 };
  await writeRecord(storage, ref, { ...emptyRecord(0, 1, 'drawn'), image, ...record });
  const activities = createScoreActivities({ storage, pool });
  const run = (): Promise<ScoreAnswer> => activities.score({ ...ref, image: key });
  const answer: unknown = await new MockActivityEnvironment().run(run);
  return answer as ScoreAnswer;
}

const winnersOf = (request: string) => readJson<WinnersDoc>(storage, keys.winners('default', request));

describe('a release that pins its scorers', () => {
  const sigma = 'noise.sigma';
  const gate = threshold({ dimension: sigma, on: 'raw', accept: { max: 255 }, onUnassessable: 'review' });
  const version = builtInScorers.find(({ spec }) => spec.id === 'noise')?.spec.version ?? '';
  const pinnedTo = (noise: string): Policy => ({ ...policyOf([gate]), pins: { scorers: { noise } } });
  const score = (of: string) => ({ status: 'ok' as const, raw: 3, quality: 77, scorer: `noise@${of}` });
  const verdict = { pass: true, band: 'accept' as const, failed: [] };

  it('is refused by a worker of another version, which tries again later: another worker may have it', async () => {
    const failure: unknown = await scoreOne('other', { deliver: 1, policy: pinnedTo('0.0.1') }).catch(
      (error: unknown) => error,
    );
    expect(failure).toMatchObject({
      type: 'SCORER_VERSION',
      nonRetryable: false,
      nextRetryDelay: 30_000,
      message: expect.stringContaining(`noise is ${version} here, and 0.0.1 is pinned`) as string,
    });
    const record = await readRecord(storage, { tenant: 'default', request: 'other', candidate: 0 });
    expect(record?.verdict).toBeNull();
  });

  it('keeps what was measured by that version, and measures anew what was not', async () => {
    const kept = await scoreOne(
      'kept',
      { deliver: 1, policy: pinnedTo(version) },
      { scores: { [sigma]: score(version) }, verdict },
    );
    expect(kept.quality).toBe(77);
    const anew = await scoreOne(
      'anew',
      { deliver: 1, policy: pinnedTo(version) },
      { scores: { [sigma]: score('0.0.1') }, verdict },
    );
    expect(anew.quality).not.toBe(77);
    const record = await readRecord(storage, { tenant: 'default', request: 'anew', candidate: 0 });
    expect(record?.scores[sigma]?.scorer).toBe(`noise@${version}`);
  });

  it('all candidates of a request have the same models, the first says which', async () => {
    const made = (sha256: string) => ({ scores: { [sigma]: { ...score(version), models: { net: sha256 } } }, verdict });
    const plan = { deliver: 1, policy: pinnedTo(version) };
    await scoreOne('models', plan, made('one'));
    await scoreOne('models', plan, made('one'));
    await expect(scoreOne('models', plan, made('two'))).rejects.toMatchObject({
      type: 'SCORER_VERSION',
      message: expect.stringContaining(
        'the model net is two here, and others of request models were measured with one',
      ) as string,
    });
    await scoreOne('elsewhere', plan, made('two'));
  });
});

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

  it('tells the workflow of one that only a person can let pass what it tells of one that passes', async () => {
    // without its inputs the rule has no answer, and its gate says review
    const answer = await scoreOne('asked', { deliver: 4 });
    expect(answer).toMatchObject({ pass: false, band: 'review', failed: ['studio'] });
    expect(answer.quality).toBeTypeOf('number');
    expect(answer.fingerprint).toMatch(/^[0-9a-f]{16}$/);
    const rejected = await scoreOne('refused', { deliver: 1, inputs: { style: 'studio' } });
    expect(Object.keys(rejected).sort()).toEqual(['failed', 'pass']);
  });

  it('judges with the inputs and the K of the request', async () => {
    expect(await scoreOne('studio', { deliver: 4, inputs: { style: 'studio' } })).toMatchObject({ pass: true });
    expect(await scoreOne('beach', { deliver: 4, inputs: { style: 'beach' } })).toMatchObject({ failed: ['studio'] });
    expect(await scoreOne('one', { deliver: 1, inputs: { style: 'studio' } })).toMatchObject({ failed: ['studio'] });
    // planned before rules could read inputs: the gate decides
    expect(await scoreOne('before', { deliver: 4 })).toMatchObject({ pass: false, failed: ['studio'] });
  });
});
