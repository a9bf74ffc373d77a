/** A person's word on candidates, through the whole pipeline: open requests, ended ones, and ones whose worker dies meanwhile. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readRelease } from '../../cli/release.js';
import { storedLabels } from '../../client/labels.js';
import type { ReleaseLike } from '../../client/request.js';
import { CullError } from '../../errors.js';
import { keys } from '../../storage/keys.js';
import type { WinnersDoc } from '../../selection/winners.js';
import { openPipeline, type Pipeline } from '../support/pipeline.js';
import { startSandbox, type TestSandbox } from '../support/sandbox.js';
import { startWorker, type WorkerProcess } from '../support/worker-process.js';
import { temporalAddress } from '../support/temporal-address.js';

/** No picture has that dynamic range, and every picture has the lesser one: all are in the band review. */
const ALL_IN_REVIEW = `policy: strict
gates:
  generic:
    exposure.dynamicRange: { raw: { min: 255 }, review: { min: 0 } }
`;
const AT_ONCE = { review: 'wait', deliver: 2, candidates: 3 } as const;

let sandbox: TestSandbox;
let pipeline: Pipeline;
let release: ReleaseLike;
beforeAll(async () => {
  sandbox = await startSandbox({ secondsPerImage: 0.05 });
  pipeline = await openPipeline({ address: temporalAddress, comfyUrls: [sandbox.url] });
  const policyPath = join(pipeline.dir, 'strict.yaml');
  await writeFile(policyPath, ALL_IN_REVIEW);
  release = await readRelease('examples/templates/product.json', { policyPath, scorers: [], allowNodes: [] });
});
afterAll(async () => {
  await pipeline.close();
  await sandbox.close();
});

const labelsOf = async (request: string) =>
  (await storedLabels(pipeline.cull.storage, 'default')).filter(({ picture }) => picture.startsWith(`${request}/`));

async function waiting(request: string): Promise<void> {
  for await (const { progress } of pipeline.cull.watch(request)) if (progress?.phase === 'reviewing') return;
  throw new Error('it ended without waiting');
}

const codeOf = (refused: Promise<unknown>): Promise<string> =>
  refused.then(
    () => 'taken',
    (error: unknown) => {
      if (error instanceof CullError) return error.code;
      throw error;
    },
  );

describe('a request that waits', () => {
  test('lists whom to look at, delivers what is accepted, and makes each word a label', async () => {
    const request = await pipeline.generate({ ...AT_ONCE, release });
    await waiting(request);
    const listed = await pipeline.cull.reviewable(request);
    expect(listed.map(({ candidate }) => candidate).sort()).toEqual([0, 1, 2]);
    expect(listed[0]?.failed).toMatchObject([{ gate: 'exposure.dynamicRange' }]);
    expect(listed[0]?.url).toMatch(/^file:/);

    const first = await pipeline.cull.review(request, { accept: [2], reject: [0], by: 'ann' });
    expect(first).toMatchObject({ state: 'running', wanted: 2, counted: 1, waiting: 1, labels: 4 });
    expect((await pipeline.cull.reviewable(request)).map(({ candidate }) => candidate)).toEqual([1]);
    // who watches sees it before the end
    const watching = pipeline.cull.winners(request);
    expect(await watching.next()).toMatchObject({
      ...{ done: false },
      value: { event: { kind: 'passed', candidate: 2, left: [] }, winners: [{ candidate: 2, rank: 1 }] },
    });
    await watching.return(undefined as never);
    expect(await pipeline.cull.result(request)).toBeUndefined();
    const again = await pipeline.cull.review(request, { accept: [2], by: 'ann' });
    expect(again).toMatchObject({ counted: 1, labels: 0, decisions: [{ candidate: 2, known: true, by: 'ann' }] });
    expect(await codeOf(pipeline.cull.review(request, { accept: [0], by: 'bob' }))).toBe('REVIEW_DECIDED');
    expect(await codeOf(pipeline.cull.review(request, { accept: [3], by: 'bob' }))).toBe('REVIEW_REFUSED');
    expect((await labelsOf(request)).filter(({ who }) => who === 'bob')).toEqual([]);

    expect(await pipeline.cull.review(request, { accept: [1], by: 'bob' })).toMatchObject({ counted: 2, waiting: 0 });
    const { result, records } = await pipeline.end(request);
    expect(result).toMatchObject({ state: 'delivered', shortfall: null, counts: { drawn: 3, passed: 2, rejected: 1 } });
    expect(result.delivered.map(({ candidate }) => candidate).sort()).toEqual([1, 2]);
    expect(records.map(({ review }) => [review?.decision, review?.by])).toEqual([
      ['reject', 'ann'],
      ['accept', 'bob'],
      ['accept', 'ann'],
    ]);
    const labels = (await labelsOf(request)).map(({ picture, gate, pass, who }) => [picture, gate, pass, who]);
    expect(labels).toHaveLength(6);
    expect(labels).toEqual(
      expect.arrayContaining([
        [`${request}/0`, 'exposure.dynamicRange', false, 'ann'],
        [`${request}/0`, null, false, 'ann'],
        [`${request}/1`, 'exposure.dynamicRange', true, 'bob'],
        [`${request}/2`, null, true, 'ann'],
      ]),
    );
  });

  test('the worker dies while it waits: it waits on, and the word of a person still counts', async () => {
    const request = await pipeline.generate({ ...AT_ONCE, release, seed: 2 });
    await waiting(request);
    await pipeline.worker.kill('SIGKILL');
    const worker: WorkerProcess = await startWorker(pipeline.env);
    try {
      await pipeline.cull.review(request, { accept: [0, 1], by: 'ann' });
      const { result } = await pipeline.end(request);
      expect(result).toMatchObject({ state: 'delivered', counts: { drawn: 3 } });
      const drawn = (await sandbox.log()).filter((entry) => entry.drawn);
      expect(new Set(drawn.map(({ seed }) => seed)).size).toBe(drawn.length);
    } finally {
      await worker.kill('SIGTERM');
    }
  });
});

describe('a request that has ended', () => {
  let worker: WorkerProcess;
  beforeAll(async () => {
    worker = await startWorker(pipeline.env);
  });
  afterAll(() => worker.kill('SIGTERM'));

  test('a shortfall lists whom one could accept, and is delivered again with them, with nothing drawn', async () => {
    const request = await pipeline.generate({ release, deliver: 2, candidates: 3, seed: 3 });
    const short = await pipeline.end(request);
    expect(short.result).toMatchObject({ state: 'shortfall', shortfall: { missing: 2 } });
    expect(short.result.shortfall?.reviewable).toEqual(await pipeline.cull.reviewable(request));
    const drawn = (await sandbox.log()).length;

    const one = await pipeline.cull.review(request, { accept: [0], by: 'ann' });
    expect(one).toMatchObject({ state: 'shortfall', counted: 1, waiting: 2 });
    const after = (await pipeline.cull.result(request))!;
    expect(after).toMatchObject({ state: 'shortfall', shortfall: { missing: 1 }, delivered: [{ candidate: 0 }] });
    expect(after.shortfall?.reviewable?.map(({ candidate }) => candidate).sort()).toEqual([1, 2]);

    // two people at once: neither is lost
    const both = await Promise.all([
      pipeline.cull.review(request, { accept: [1], by: 'ann' }),
      pipeline.cull.review(request, { reject: [2], by: 'bob' }),
    ]);
    expect(both.map(({ decisions }) => decisions[0]?.known)).toEqual([false, false]);
    const { result, records } = await pipeline.end(request);
    expect(result).toMatchObject({ state: 'delivered', shortfall: null });
    expect(records[1]?.review).toMatchObject({ decision: 'accept', by: 'ann' });
    expect((await sandbox.log()).length).toBe(drawn);
    const winners = await pipeline.cull.storage.get(keys.winners('default', request));
    const { winners: last } = JSON.parse(String(winners?.body)) as WinnersDoc;
    expect([...last].sort()).toEqual([0, 1]);
  });

  test('one that has all its images keeps them: the word is a label', async () => {
    const request = await pipeline.generate({ ...AT_ONCE, release, seed: 4 });
    await waiting(request);
    await pipeline.cull.review(request, { accept: [0, 1], by: 'ann' });
    const { result } = await pipeline.end(request);
    const late = await pipeline.cull.review(request, { accept: [2], by: 'ann' });
    expect(late).toMatchObject({ state: 'delivered', counted: 2, labels: 2 });
    expect(await pipeline.cull.result(request)).toEqual(result);
    expect(await labelsOf(request)).toHaveLength(6);
  });

  test('one that was cancelled while it waited goes on with what was decided meanwhile', async () => {
    const request = await pipeline.generate({ ...AT_ONCE, release, seed: 5 });
    await waiting(request);
    await pipeline.cull.cancel(request);
    expect((await pipeline.end(request)).result.state).toBe('cancelled');
    await pipeline.cull.review(request, { accept: [0, 2], by: 'ann' });
    await pipeline.cull.resume(request);
    const { result } = await pipeline.end(request);
    expect(result.delivered.map(({ candidate }) => candidate).sort()).toEqual([0, 2]);
  });

  test('what makes no sense is refused before anything is written', async () => {
    const request = await pipeline.generate({ release, deliver: 1, candidates: 1, seed: 6 });
    await pipeline.end(request);
    const refused = (options: Parameters<Pipeline['cull']['review']>[1]) =>
      codeOf(pipeline.cull.review(request, options));
    expect(await refused({ by: 'ann' })).toBe('REQUEST_INVALID');
    expect(await refused({ accept: [0], reject: [0], by: 'ann' })).toBe('REQUEST_INVALID');
    expect(await refused({ accept: [0.5], by: 'ann' })).toBe('REQUEST_INVALID');
    expect(await refused({ accept: [0], by: ' ' })).toBe('REQUEST_INVALID');
    expect(await refused({ accept: [0, 7], by: 'ann' })).toBe('REVIEW_REFUSED');
    expect(await codeOf(pipeline.cull.review('nobody', { accept: [0], by: 'ann' }))).toBe('REQUEST_NOT_FOUND');
    expect(await labelsOf(request)).toEqual([]);
  });
});
