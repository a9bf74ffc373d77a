/** What a release has shown of its scorers goes from the records of one request into the plan of the next. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createDeliverActivities } from '../../activities/deliver.js';
import { emptyRecord, readJson, readRecord, writeJson, writeRecord } from '../../activities/documents.js';
import { createPrepareActivities } from '../../activities/prepare.js';
import { createScoreActivities } from '../../activities/score.js';
import type { ScorePool } from '../../activities/scoring/pool.js';
import { createScorePool } from '../../activities/scoring/pool.js';
import type { ScoreTask } from '../../activities/scoring/task.js';
import { builtInScorers } from '../../scorers/registry.js';
import { judge } from '../../selection/judge.js';
import type { Scores } from '../../selection/types.js';
import { keys, openStorage, type Storage } from '../../storage/index.js';
import type { CandidateRecord, PlanDoc, RequestDoc, ScorerStatsDoc } from '../../workflows/contract.js';
import { disc, png } from '../scorers/synthetic.js';
import { ok, policyOf, threshold } from '../selection/samples.js';

const TENANT = 'acme';
const RELEASE = 'sha256:abc';
const NOISE = 'noise.sigma';
const PROMPT = 'alignment.margin';
const policy = policyOf([
  threshold({ dimension: NOISE, accept: { min: 50 } }),
  threshold({ dimension: PROMPT, accept: { min: 50 } }),
]);

let folder: string;
let storage: Storage;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cull-cascade-'));
  storage = openStorage(folder);
  const graph = {
    '1': { class_type: 'LoadImage', inputs: { image: 'photo.png' } },
    '3': { class_type: 'ImageAddNoise', inputs: { image: ['1', 0], seed: 1, strength: 0.1 } },
    '4': { class_type: 'SaveImage', inputs: { images: ['3', 0], filename_prefix: 'x' } },
  };
  const bindings = { name: 't', inputs: {}, seed: [{ node: '3', field: 'seed' }], output: ['4'] };
  await writeJson(storage, keys.release('abc'), { id: RELEASE, graph, bindings, policy });
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function prepare(request: string, asked: Partial<RequestDoc> = {}): Promise<PlanDoc> {
  const common = { request, tenant: TENANT, release: RELEASE, inputs: {}, seed: 1, deliver: 1, candidates: 8 };
  await writeJson(storage, keys.request(TENANT, request), { ...common, ...asked });
  await createPrepareActivities({ storage, scorers: builtInScorers, allowNodes: [] }).prepare({
    tenant: TENANT,
    request,
  });
  return (await readJson<PlanDoc>(storage, keys.plan(TENANT, request)))!;
}

/** A candidate that was measured: its two qualities, and whether it ran everything. */
async function measured(
  request: string,
  candidate: number,
  { noise, prompt, full }: { noise: number; prompt: number; full: boolean },
): Promise<void> {
  const scores: Scores = { [NOISE]: ok(0, noise), [PROMPT]: ok(0, prompt) };
  const verdict = judge(scores, policy);
  const record: CandidateRecord = {
    ...emptyRecord(candidate, 1, verdict.pass ? 'passed' : 'rejected'),
    image: { key: `${candidate}.png`, sha256: '', pixelSha256: `${candidate}`, width: 1, height: 1 },
    scores,
    verdict,
    ...(full && { full: true }),
    timing: {
      queuedMs: 0,
      drawMs: 1,
      scoreMs: 1,
      ...(full && { scorersMs: { noise: 10, alignment: 20 + candidate } }),
    },
  };
  await writeRecord(storage, { tenant: TENANT, request, candidate }, record);
}

async function deliver(request: string, launched: number): Promise<void> {
  const activities = createDeliverActivities({ storage });
  const ask = { tenant: TENANT, request, end: 'done', error: null, launched, startedAt: 0, firstPassAt: null } as const;
  const run = (): Promise<unknown> => activities.deliver(ask);
  await new MockActivityEnvironment().run(run);
}

const stats = () => readJson<ScorerStatsDoc>(storage, keys.scorerStats('abc'));

describe('the order of scorers', () => {
  it('is learned from candidates that ran everything, and kept for a request that is planned again', async () => {
    const first = await prepare('first');
    expect(first.cascade).toMatchObject({ gated: 2, fullShare: 0.05 });
    expect(first.cascade?.order.slice(0, 2)).toEqual(['noise', 'alignment']);
    expect(first.cascade?.order.toSorted()).toEqual(builtInScorers.map(({ spec }) => spec.id));

    // all the noise is among those that stopped there: says nothing of alignment
    for (let i = 0; i < 4; i++) await measured('first', i, { noise: 10, prompt: 90, full: false });
    for (let i = 4; i < 7; i++) await measured('first', i, { noise: 90, prompt: 10, full: true });
    await measured('first', 7, { noise: 90, prompt: 90, full: true });
    await deliver('first', 8);
    await deliver('first', 8);
    expect((await stats())?.requests).toEqual([
      {
        id: expect.stringMatching(/^[0-9a-f]{16}$/) as string,
        candidates: 4,
        ms: { noise: 10, alignment: 25.5 },
        rejected: [{ gates: [PROMPT], candidates: 3 }],
      },
    ]);

    expect((await prepare('second')).cascade?.order.slice(0, 2)).toEqual(['alignment', 'noise']);
    expect((await prepare('first')).cascade).toEqual(first.cascade);
  });

  it('learns nothing where no candidate ran everything', async () => {
    await prepare('first');
    await measured('first', 0, { noise: 10, prompt: 90, full: false });
    await deliver('first', 1);
    expect(await stats()).toBeUndefined();
  });

  it('every candidate runs everything where the request is to explain all', async () => {
    expect((await prepare('all', { explain: 'all' })).cascade?.fullShare).toBe(1);
  });
});

describe('score', () => {
  /** What the pool was asked to do, and the record that it left. */
  async function scoreUnder(fullShare: number): Promise<{ task: ScoreTask; record: CandidateRecord }> {
    const ref = { tenant: TENANT, request: `share${fullShare}`, candidate: 0 };
    const key = keys.image(TENANT, ref.request, 0);
    await storage.put(key, await png(disc({ side: 64 })));
    const strict = policyOf([threshold({ dimension: 'noise.sigma', on: 'raw', accept: { min: 99 } })]);
    const cascade = { order: ['noise', 'exposure', 'sharpness'], gated: 1, fullShare };
    await writeJson(storage, keys.plan(TENANT, ref.request), {
      release: `sha256:${'ab'.repeat(32)}`,
      policy: strict,
      cascade,
      deliver: 1,
    });
    const image = { key, sha256: '', pixelSha256: null, width: 64, height: 64 };
    await writeRecord(storage, ref, { ...emptyRecord(0, 1, 'drawn'), image });
    const pool = await createScorePool({ threads: 1, models: { folder: join(folder, 'models') } });
    try {
      const tasks: ScoreTask[] = [];
      const watched: ScorePool = {
        ...pool,
        score: (task, options) => {
          tasks.push(task);
          return pool.score(task, options);
        },
      };
      const activities = createScoreActivities({ storage, pool: watched });
      const run = (): Promise<unknown> => activities.score({ ...ref, image: key });
      await new MockActivityEnvironment().run(run);
      return { task: tasks[0]!, record: (await readRecord(storage, ref))! };
    } finally {
      await pool.close();
    }
  }

  it('stops at the first hard failure, in the order of the plan', async () => {
    const { task, record } = await scoreUnder(0);
    expect(task).toMatchObject({ explain: 'gates', order: ['noise', 'exposure', 'sharpness'] });
    expect(record).toMatchObject({ state: 'rejected', scores: { 'exposure.clippedShare': { status: 'notRun' } } });
    expect(record).not.toHaveProperty('full');
    expect(record.timing).not.toHaveProperty('scorersMs');
  });

  it('runs everything where the lot says so, and keeps what each scorer took', async () => {
    const { task, record } = await scoreUnder(1);
    expect(task.explain).toBe('all');
    expect(record).toMatchObject({ state: 'rejected', full: true });
    expect(Object.values(record.scores).filter(({ status }) => status === 'notRun')).toEqual([]);
    expect(Object.keys(record.timing.scorersMs ?? {}).toSorted()).toEqual(builtInScorers.map(({ spec }) => spec.id));
  });
});
