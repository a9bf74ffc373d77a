/** Batches over HTTP on the real pipeline: lines in, results out, line for line. */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { BatchRow } from '../../workflows/batch-contract.js';
import { batchWorkflowId, MAX_LINE } from '../../workflows/batch-contract.js';
import { bestOfNWorkflowId } from '../../workflows/contract.js';
import { setWeight } from '../../client/tenants.js';
import { INPUTS, openPipeline, type Pipeline } from '../support/pipeline.js';
import { startSandbox, type TestSandbox } from '../support/sandbox.js';
import { openService, type TestService } from '../support/service.js';
import { temporalAddress } from '../support/temporal-address.js';

let sandbox: TestSandbox;
let pipeline: Pipeline;
let service: TestService;
beforeAll(async () => {
  sandbox = await startSandbox();
  pipeline = await openPipeline({ address: temporalAddress, comfyUrls: [sandbox.url] });
  service = await openService(pipeline.cull);
}, 120_000);
afterAll(async () => {
  await pipeline.close();
  await sandbox.close();
});

const LINE = { inputs: INPUTS, deliver: 1, candidates: 2 };
const lines = (...all: unknown[]) =>
  all.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n');
const post = (body: string, headers: Record<string, string> = {}, query = '?template=product&policy=generic') =>
  service.call('POST', `/v1/batches${query}`, {
    body,
    headers: { 'content-type': 'application/x-ndjson', ...headers },
  });
const read = async <T = Record<string, unknown>>(response: Response | Promise<Response>): Promise<T> =>
  (await (await response).json()) as T;
const rowsOf = async (batch: string): Promise<BatchRow[]> => {
  const text = await (await service.call('GET', `/v1/batches/${batch}/results`)).text();
  return text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as BatchRow]));
};
const ended = (batch: string): Promise<unknown> =>
  pipeline.cull.temporal.workflow.getHandle(batchWorkflowId('default', batch)).result();

describe('a batch', () => {
  test('runs every good line, names every bad one, and its results are line for line', async () => {
    const body = lines(
      { ...LINE, key: 'mug', seed: 1 },
      '{ no json',
      '',
      { ...LINE, deliver: 3 },
      { ...LINE, key: 'mug' },
      { ...LINE, colour: 'red' },
      { ...LINE, key: 'vase', seed: 2 },
      `{"key":"${'a'.repeat(3 * MAX_LINE)}"}`,
    );
    const response = await post(body);
    expect(response.status).toBe(202);
    const taken = await read<{ batch: string; refused: { line: number; code: string }[] }>(response);
    expect(response.headers.get('location')).toBe(`/v1/batches/${taken.batch}`);
    expect(taken).toMatchObject({ lines: 7, invalid: 5 });
    expect(taken.refused.map(({ line, code }) => [line, code])).toEqual([
      [2, 'BODY_INVALID'],
      [3, 'REQUEST_INVALID'],
      [4, 'REQUEST_INVALID'],
      [5, 'BODY_INVALID'],
      [7, 'BODY_TOO_LARGE'],
    ]);
    await ended(taken.batch);
    const rows = await rowsOf(taken.batch);
    expect(rows.map(({ line }) => line)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(rows.map(({ state }) => state === 'invalid')).toEqual([false, true, true, true, true, false, true]);
    expect(rows[0]?.request).toBe(`${taken.batch}.mug`);
    for (const row of rows.filter(({ request }) => request !== null)) {
      const result = await pipeline.cull.result(row.request ?? '');
      expect(row.state).toBe(result?.state);
      expect(row.delivered.map(({ key }) => key)).toEqual(result?.delivered.map(({ key }) => key));
    }
    const view = await read<{ counts: Record<string, number> }>(service.call('GET', `/v1/batches/${taken.batch}`));
    expect(view).toMatchObject({ state: 'done', lines: 7, invalid: 5, open: null, counts: { started: 2 } });
    const { delivered = 0, shortfall = 0, failed = 0, cancelled = 0 } = view.counts;
    expect(delivered + shortfall + failed + cancelled).toBe(2);
  });

  test('of one key is one batch; with other lines it is refused', async () => {
    const headers = { 'idempotency-key': 'night-1' };
    const body = lines({ ...LINE, seed: 3 });
    expect((await read(post(body, headers)))['batch']).toBe('night-1');
    expect((await read(post(body, headers)))['batch']).toBe('night-1');
    const other = await post(lines({ ...LINE, seed: 4 }), headers);
    expect([other.status, (await read(other))['code']]).toEqual([422, 'IDEMPOTENCY_CONFLICT']);
    await ended('night-1');
    expect(await rowsOf('night-1')).toHaveLength(1);
  });

  test.each([
    ['nothing', '', 'REQUEST_INVALID'],
    ['blank lines only', '\n\n', 'REQUEST_INVALID'],
  ])('of %s is refused', async (_, body, code) => {
    expect((await read(post(body)))['code']).toBe(code);
  });

  test('can be handed in as the file of a form, and is the same batch', async () => {
    const body = lines({ ...LINE, seed: 6 }, '{ no json', { ...LINE, seed: 7 });
    const form = new FormData();
    form.set('note', 'of no interest');
    form.set('file', new Blob([body]), 'night.ndjson');
    const headers = { 'idempotency-key': 'form-1' };
    const response = await service.call('POST', '/v1/batches?template=product&policy=generic', { body: form, headers });
    expect([response.status, await read(response)]).toEqual([
      202,
      { batch: 'form-1', lines: 3, invalid: 1, refused: [expect.objectContaining({ line: 2 })] },
    ]);
    expect((await read(post(body, headers)))['batch']).toBe('form-1');
    await ended('form-1');
  });

  test('of a form without a file, or of one that breaks off, is refused, and there is no such batch', async () => {
    const send = (body: string | FormData, type?: string) =>
      service.call('POST', '/v1/batches?template=product', {
        body,
        headers: { 'idempotency-key': 'broken', ...(type !== undefined && { 'content-type': type }) },
      });
    const form = new FormData();
    form.set('file', 'a field, and no file');
    const part = '--x\r\ncontent-disposition: form-data; name="file"; filename="a"\r\n\r\n{"a":1}\n';
    for (const response of [
      await send(form),
      await send(part, 'multipart/form-data; boundary=x'),
      await send(part, 'multipart/form-data'),
    ])
      expect([response.status, (await read(response))['code']]).toEqual([422, 'BODY_INVALID']);
    expect((await service.call('GET', '/v1/batches/broken')).status).toBe(404);
  });

  test('is listed, the newest first, by state and time, page by page', async () => {
    const list = (query: string) =>
      read<{ items: { batch: string; state: string; createdAt: string }[]; next: string | null }>(
        service.call('GET', `/v1/batches${query}`),
      );
    const { items } = await list('');
    expect(items.map(({ batch }) => batch)).toEqual(expect.arrayContaining(['night-1', 'form-1']));
    expect(items.map(({ createdAt }) => createdAt)).toEqual(
      items
        .map(({ createdAt }) => createdAt)
        .sort()
        .reverse(),
    );
    expect(items[0]).toMatchObject({ batch: 'form-1', state: 'done', lines: 3, invalid: 1, counts: { started: 2 } });
    const paged: unknown[] = [];
    for (let cursor = ''; ;) {
      const page = await list(`?limit=1${cursor}`);
      paged.push(...page.items);
      if (page.next === null) break;
      cursor = `&cursor=${page.next}`;
    }
    expect(paged).toEqual(items);
    expect((await list('?state=cancelled')).items).toEqual([]);
    expect((await list(`?since=${items[0]?.createdAt}`)).items).toEqual([items[0]]);
    expect((await list(`?until=${items[0]?.createdAt}`)).items).toEqual(items.slice(1));
    expect((await service.call('GET', '/v1/batches?cursor=bm9uZQ')).status).toBe(422);
  });

  test('comes after what somebody waits for, and shares with other tenants', async () => {
    const { batch } = await read<{ batch: string }>(post(lines({ ...LINE, key: 'a', seed: 5 })));
    await ended(batch);
    await setWeight(pipeline.cull.storage, 'default', 3);
    const priorityOf = async (workflowId: string) => {
      const { raw } = await pipeline.cull.temporal.workflow.getHandle(workflowId).describe();
      const { priorityKey, fairnessKey, fairnessWeight } = raw.workflowExecutionInfo?.priority ?? {};
      return { priorityKey, fairnessKey, fairnessWeight };
    };
    expect(await priorityOf(bestOfNWorkflowId('default', `${batch}.a`))).toMatchObject({
      priorityKey: 4,
      fairnessKey: 'default',
    });
    const request = await pipeline.generate({ candidates: 1 });
    await pipeline.end(request);
    expect(await priorityOf(bestOfNWorkflowId('default', request))).toEqual({
      priorityKey: 2,
      fairnessKey: 'default',
      fairnessWeight: 3,
    });
  });

  test('whose line waits for its turn has no dead request', async () => {
    await sandbox.config({ secondsPerImage: 30 });
    const { batch } = await read<{ batch: string }>(
      post(lines({ ...LINE, key: 'a' }, { ...LINE, key: 'b' }), {}, '?template=product&policy=generic&window=1'),
    );
    await vi.waitFor(() => pipeline.cull.requestDoc(`${batch}.b`), { timeout: 30_000, interval: 50 });
    await expect(pipeline.cull.checkAlive(`${batch}.b`)).resolves.toBeUndefined();
    await service.call('DELETE', `/v1/batches/${batch}`);
    await ended(batch);
    await sandbox.config({ secondsPerImage: 0 });
  });

  test('can be cancelled, and what did not come to its turn can be tried again', async () => {
    await sandbox.config({ secondsPerImage: 30 });
    const many = Array.from({ length: 5 }, (_, n) => ({ ...LINE, key: `k${n}`, seed: n }));
    const { batch } = await read<{ batch: string }>(
      post(lines(...many), {}, '?template=product&policy=generic&window=2'),
    );
    const cancelled = await service.call('DELETE', `/v1/batches/${batch}`);
    expect(cancelled.status).toBe(202);
    await ended(batch);
    await sandbox.config({ secondsPerImage: 0 });
    const rows = await rowsOf(batch);
    expect(rows).toHaveLength(5);
    for (const { state } of rows) expect(['cancelled', 'not-started']).toContain(state);
    expect(await read(service.call('GET', `/v1/batches/${batch}`))).toMatchObject({ state: 'cancelled' });

    const again = await read<{ batch: string; lines: number }>(service.call('POST', `/v1/batches/${batch}/retry`));
    expect(again).toMatchObject({ batch: `${batch}-again1`, lines: 5 });
    await ended(again.batch);
    const second = await rowsOf(again.batch);
    expect(second.map(({ request }) => request)).toEqual(many.map(({ key }) => `${again.batch}.${key}`));
    for (const { state } of second) expect(['delivered', 'shortfall']).toContain(state);
    expect(await read(service.call('GET', `/v1/batches/${again.batch}`))).toMatchObject({
      state: 'done',
      retryOf: batch,
    });
  });

  test('of another tenant is not there', async () => {
    const call = (method: string, path: string) => service.call(method, path, { tenant: 'rival' });
    for (const [method, path] of [
      ['GET', ''],
      ['GET', '/results'],
      ['DELETE', ''],
      ['POST', '/retry'],
    ] as const)
      expect((await call(method, `/v1/batches/night-1${path}`)).status).toBe(404);
  });
});
