/** A person's word over HTTP, on the real pipeline: a request that waits is delivered with what is accepted, and everything else is refused. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readCatalogue } from '../../cli/catalogue.js';
import { readReleasePolicy } from '../../cli/release.js';
import { createKey } from '../../service/keys.js';
import { INPUTS, openPipeline, type Pipeline } from '../support/pipeline.js';
import { startSandbox, type TestSandbox } from '../support/sandbox.js';
import { openService, type TestService } from '../support/service.js';
import { temporalAddress } from '../support/temporal-address.js';

/** No picture has that dynamic range, and every picture has the lesser one: all are in the band review. */
const ALL_IN_REVIEW = `policy: strict
gates:
  generic:
    exposure.dynamicRange: { raw: { min: 255 }, review: { min: 0 } }
`;
const BODY = { template: 'product', policy: 'strict', inputs: INPUTS, deliver: 2, candidates: 3, seed: 1 };

let sandbox: TestSandbox;
let pipeline: Pipeline;
let service: TestService;
beforeAll(async () => {
  sandbox = await startSandbox();
  pipeline = await openPipeline({ address: temporalAddress, comfyUrls: [sandbox.url] });
  const path = join(pipeline.dir, 'strict.yaml');
  await writeFile(path, ALL_IN_REVIEW);
  const catalogue = await readCatalogue(
    { scorers: [], allowNodes: [] },
    { templates: 'examples/templates', policies: 'examples/policies' },
  );
  const policies = new Map([...catalogue.policies, ['strict', await readReleasePolicy(path, [])]]);
  service = await openService(pipeline.cull, { catalogue: { ...catalogue, policies } });
}, 120_000);
afterAll(async () => {
  await pipeline.close();
  await sandbox.close();
});

interface Answer {
  status: number;
  body: Record<string, unknown>;
}
type Ask = Parameters<TestService['call']>[2];
async function call(method: string, path: string, ask: Ask = {}): Promise<Answer> {
  const response = await service.call(method, path, ask);
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}
const review = (request: string, body: unknown, ask: Ask = {}): Promise<Answer> =>
  call('POST', `/v1/requests/${request}/reviews`, { ...ask, body });
const candidatesOf = (items: unknown): number[] =>
  (items as { candidate: number }[]).map(({ candidate }) => candidate).sort();
const listed = async (request: string): Promise<number[]> =>
  candidatesOf((await call('GET', `/v1/requests/${request}/reviews`)).body['items']);
const phaseOf = async (request: string): Promise<unknown> =>
  (await call('GET', `/v1/requests/${request}`)).body['phase'];
const ended = async (request: string): Promise<Record<string, unknown>> => {
  await service.call('GET', `/v1/requests/${request}/events`).then((response) => response.text());
  return (await call('GET', `/v1/requests/${request}`)).body;
};

/** A request that waits for a person. */
async function waiting(seed: number): Promise<string> {
  const made = await call('POST', '/v1/requests', { body: { ...BODY, seed, review: 'wait' } });
  expect(made.status).toBe(202);
  const request = String(made.body['request']);
  for await (const { progress } of pipeline.cull.watch(request)) if (progress?.phase === 'reviewing') return request;
  throw new Error('it ended without waiting');
}

describe('a request that waits for a person', () => {
  test('says so, lists whom to look at, and delivers what is accepted', async () => {
    const request = await waiting(1);
    await expect.poll(() => phaseOf(request), { timeout: 60_000 }).toBe('reviewing');
    const { status, body } = await call('GET', `/v1/requests/${request}/reviews`);
    expect([status, body['next']]).toEqual([200, null]);
    const reviewable = await pipeline.cull.reviewable(request);
    expect(body['items']).toEqual(JSON.parse(JSON.stringify(reviewable)));
    expect(body['items']).toMatchObject([0, 1, 2].map(() => ({ failed: [{ gate: 'exposure.dynamicRange' }] })));

    const { key, doc } = await createKey(pipeline.cull.storage, { tenant: 'default', scopes: ['review'] });
    const first = await review(request, { accept: [2], reject: [0] }, { key });
    expect(first).toMatchObject({ status: 200, body: { state: 'running', wanted: 2, counted: 1, waiting: 1 } });
    expect(first.body['decisions']).toMatchObject([
      { candidate: 2, decision: 'accept', by: doc.id, known: false },
      { candidate: 0, decision: 'reject', by: doc.id, known: false },
    ]);
    // at once, and not only when the second is over for which reads are kept
    expect(await listed(request)).toEqual([1]);
    // the first word stands; another person's is a label of theirs
    const again = await review(request, { accept: [2], by: 'bob' });
    expect(again).toMatchObject({ status: 200, body: { counted: 1, labels: 2 } });
    expect(again.body['decisions']).toMatchObject([{ candidate: 2, by: doc.id, known: true }]);

    const noted = await createKey(pipeline.cull.storage, { tenant: 'default', scopes: ['review'], note: 'ann' });
    const last = await review(request, { accept: [1] }, { key: noted.key });
    expect(last).toMatchObject({ status: 200, body: { counted: 2, waiting: 0, decisions: [{ by: 'ann' }] } });
    const result = await ended(request);
    expect(result).toMatchObject({ state: 'delivered', phase: null, shortfall: null });
    expect(candidatesOf(result['delivered'])).toEqual([1, 2]);
    expect(await listed(request)).toEqual([]);
  });

  test('refuses what cannot be taken, and then nothing of the call is stored', async () => {
    const request = await waiting(2);
    await review(request, { reject: [0] });
    for (const [body, status, code] of [
      [{ accept: [1, 7] }, 422, 'REVIEW_REFUSED'],
      [{ accept: [0, 1] }, 409, 'REVIEW_DECIDED'],
      [{ accept: [1], reject: [1] }, 422, 'REQUEST_INVALID'],
      [{}, 422, 'REQUEST_INVALID'],
      [{ accept: [-1] }, 422, 'BODY_INVALID'],
      [{ accept: [1], by: ' ' }, 422, 'BODY_INVALID'],
      [{ accept: [1], score: 5 }, 422, 'BODY_INVALID'],
    ] as const) {
      const refused = await service.call('POST', `/v1/requests/${request}/reviews`, { body });
      expect(refused.headers.get('content-type')).toBe('application/problem+json');
      expect(await refused.json()).toMatchObject({ status, code, type: `urn:cull:error:${code}` });
      expect(refused.status).toBe(status);
    }
    const reader = await service.key('default', ['read', 'write']);
    expect(await review(request, { accept: [1] }, { key: reader })).toMatchObject({
      status: 403,
      body: { code: 'FORBIDDEN' },
    });
    expect(await listed(request)).toEqual([1, 2]);
    await service.call('DELETE', `/v1/requests/${request}`);
    await ended(request);
  });

  test('is not there for another tenant', async () => {
    const request = await waiting(3);
    const rival = { tenant: 'rival' };
    const refused = { status: 404, body: { code: 'REQUEST_NOT_FOUND' } };
    expect(await review(request, { accept: [0] }, rival)).toMatchObject(refused);
    expect(await call('GET', `/v1/requests/${request}/reviews`, rival)).toMatchObject(refused);
    expect(await listed(request)).toEqual([0, 1, 2]);
    await service.call('DELETE', `/v1/requests/${request}`);
    await ended(request);
  });
});

test('a request that ended short lists whom one could accept, and is delivered again before the answer', async () => {
  const short = await call('POST', '/v1/requests?wait=60s', { body: { ...BODY, seed: 4, review: 'end' } });
  expect(short).toMatchObject({ status: 200, body: { state: 'shortfall', shortfall: { missing: 2 } } });
  const request = String(short.body['request']);
  const { reviewable } = short.body['shortfall'] as { reviewable: unknown };
  expect(candidatesOf(reviewable)).toEqual([0, 1, 2]);
  const states = async (): Promise<unknown[]> => {
    const { body } = await call('GET', `/v1/requests/${request}/candidates`);
    return (body['items'] as { state: string }[]).map(({ state }) => state);
  };
  const before = await states();

  const answer = await review(request, { accept: [0, 1], by: 'ann' });
  expect(answer).toMatchObject({ status: 200, body: { state: 'delivered', counted: 2 } });
  const { body } = await call('GET', `/v1/requests/${request}`);
  expect(body).toMatchObject({ state: 'delivered', shortfall: null });
  expect(candidatesOf(body['delivered'])).toEqual([0, 1]);
  const after = await states();
  expect(after.slice(0, 2)).toEqual(['delivered', 'delivered']);
  expect(before).not.toContain('delivered');
});

test('a line of a batch waits for a person as a request does', async () => {
  const line = JSON.stringify({ ...BODY, key: 'mug', seed: 5, review: 'wait' });
  const taken = await call('POST', '/v1/batches', { body: line, headers: { 'content-type': 'application/x-ndjson' } });
  expect(taken).toMatchObject({ status: 202, body: { lines: 1, invalid: 0 } });
  const request = `${String(taken.body['batch'])}.mug`;
  await expect.poll(() => phaseOf(request), { timeout: 60_000 }).toBe('reviewing');
  expect(await listed(request)).toEqual([0, 1, 2]);
  expect(await review(request, { accept: [0, 2] })).toMatchObject({ status: 200, body: { counted: 2 } });
  expect(await ended(request)).toMatchObject({ state: 'delivered' });
});
