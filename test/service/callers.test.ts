/** Keys, scopes, tenants and limits: who gets in, how often, and what they see. */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { setLimits } from '../../client/tenants.js';
import { addWebhook } from '../../client/webhooks.js';
import { allowedOf } from '../../outside/addresses.js';
import { createKey, createKeyChecker, listKeys, revokeKey } from '../../service/keys.js';
import { keys } from '../../storage/keys.js';
import { batchWorkflowId } from '../../workflows/batch-contract.js';
import type { WebhookLogDoc } from '../../workflows/webhook-contract.js';
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

const codeOf = async (response: Response): Promise<string> => ((await response.json()) as { code: string }).code;

/** `cull_<16 digits>_<secret>`; the secret may hold underscores of its own. */
const secretOf = (key: string): string => key.slice('cull_'.length + 16 + 1);

describe('API keys', () => {
  test('are in storage as hashes only', async () => {
    const { key, doc } = await createKey(pipeline.cull.storage, {
      tenant: 'acme',
      scopes: ['read'],
      note: 'for tests',
    });
    const stored = String((await pipeline.cull.storage.get(keys.apiKey(doc.id)))?.body);
    expect(stored).not.toContain(secretOf(key));
    expect(await listKeys(pipeline.cull.storage, 'acme')).toEqual([doc]);
  });

  test('let in their tenant until they expire or are revoked', async () => {
    const { storage } = pipeline.cull;
    const soon = await createKey(storage, {
      tenant: 'acme',
      scopes: ['read'],
      expiresAt: new Date(Date.now() + 60_000).toISOString(),
    });
    expect(await createKeyChecker(storage)(soon.key)).toMatchObject({ tenant: 'acme', scopes: ['read'] });
    const past = { ...soon.doc, expiresAt: new Date(Date.now() - 1).toISOString() };
    await storage.put(keys.apiKey(soon.doc.id), JSON.stringify(past));
    expect(await createKeyChecker(storage)(soon.key)).toBeUndefined();
    const other = await createKey(storage, { tenant: 'acme', scopes: ['read'] });
    await revokeKey(storage, other.key);
    expect(await createKeyChecker(storage)(other.key)).toBeUndefined();
    await expect(revokeKey(storage, '0'.repeat(16))).rejects.toMatchObject({ code: 'KEY_NOT_FOUND' });
    await expect(createKey(storage, { tenant: '../x', scopes: ['read'] })).rejects.toMatchObject({
      code: 'REQUEST_INVALID',
    });
  });

  test.each([
    ['no key', null, undefined],
    ['a key of another form', null, 'secret'],
    ['an unknown id', null, `cull_${'0'.repeat(16)}_${'A'.repeat(43)}`],
  ])('%s is 401', async (_, tenant, key) => {
    const response = await service.call('GET', '/v1/requests', { tenant, ...(key !== undefined && { key }) });
    expect([response.status, await codeOf(response)]).toEqual([401, 'UNAUTHENTICATED']);
    expect(response.headers.get('www-authenticate')).toContain('Bearer');
  });

  test('the secret of another key does not fit', async () => {
    const [a, b] = await Promise.all([service.key('acme'), service.key('acme')]);
    const mixed = a.replace(secretOf(a), secretOf(b));
    expect((await service.call('GET', '/v1/requests', { key: mixed })).status).toBe(401);
  });

  test('without the scope it is 403', async () => {
    const reader = await service.key('acme', ['read']);
    const response = await service.call('POST', '/v1/requests', { key: reader, body: {} });
    expect([response.status, await codeOf(response)]).toEqual([403, 'FORBIDDEN']);
    const writer = await service.key('acme', ['write']);
    expect((await service.call('GET', '/v1/requests', { key: writer })).status).toBe(403);
  });
});

describe('a tenant', () => {
  test('never learns of another one: every route, with every id, answers as for one that is not there', async () => {
    const body = { template: 'product', policy: 'generic', inputs: INPUTS, deliver: 1, candidates: 2, seed: 1 };
    const made = await service.call('POST', '/v1/requests?wait=60', { tenant: 'acme', body });
    const { request } = (await made.json()) as { request: string };
    const handedIn = await service.call('POST', '/v1/batches', {
      tenant: 'acme',
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/x-ndjson' },
    });
    const { batch } = (await handedIn.json()) as { batch: string };
    const { storage } = pipeline.cull;
    const { endpoint } = await addWebhook(
      { storage, tenant: 'acme' },
      { url: 'https://192.0.2.1/', allowed: allowedOf(['192.0.2.1']) },
    );
    const message = 'msg_20261130_0f3c55a1be09d27744c0fa13';
    const sent: WebhookLogDoc = {
      ...{ message, endpoint: endpoint.id, event: 'request.delivered', url: endpoint.url, state: 'failed' },
      ...{ createdAt: '2026-11-30T00:00:00Z', body: '{}', attempts: [] },
    };
    const at = { day: '2026-11-30', message, endpoint: endpoint.id };
    await storage.put(keys.webhookLog('acme', at), JSON.stringify(sent));
    const ids: Record<string, string> = { request, batch, webhook: endpoint.id, message };
    /** Of the same form, and nobody's. */
    const nobodys = (name: string): string => (name === 'message' ? `msg_20200101_${'0'.repeat(24)}` : 'no-such-id');
    const document = (await (await service.call('GET', '/openapi.json', { tenant: null })).json()) as {
      paths: Record<string, Record<string, object>>;
    };
    const walked: string[] = [];
    for (const [path, item] of Object.entries(document.paths))
      for (const method of Object.keys(item)) {
        const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name);
        if (names.length === 0 || names.some((name) => ids[name] === undefined)) continue;
        const answer = async (idOf: (name: string) => string | undefined) => {
          const asked = path.replace(/\{(\w+)\}/g, (_, name: string) => idOf(name) ?? '');
          const response = await service.call(method.toUpperCase(), asked, {
            tenant: 'rival',
            ...(method === 'post' && { body: {} }),
          });
          const text = names.reduce((said, name) => said.replaceAll(idOf(name) ?? '', 'ID'), await response.text());
          return [response.status, text];
        };
        const foreign = await answer((name) => ids[name]);
        expect(foreign, `${method} ${path}`).toEqual(await answer(nobodys));
        expect(foreign[0]).toBe(404);
        walked.push(`${method} ${path}`);
      }
    expect(walked).toEqual(
      expect.arrayContaining([
        'get /v1/requests/{request}',
        'post /v1/requests/{request}/reviews',
        'delete /v1/batches/{batch}',
        'get /v1/batches/{batch}/results',
        'delete /v1/webhooks/{webhook}',
        'post /v1/webhooks/{webhook}/messages/{message}/replay',
      ]),
    );
    // it was there all along
    expect((await service.call('GET', `/v1/batches/${batch}`, { tenant: 'acme' })).status).toBe(200);
    await pipeline.cull.temporal.workflow.getHandle(batchWorkflowId('acme', batch)).result();
    expect(
      (await service.call('GET', `/v1/webhooks/${endpoint.id}/messages/${message}`, { tenant: 'acme' })).status,
    ).toBe(200);
    for (const path of ['/v1/requests', '/v1/batches', '/v1/webhooks']) {
      const list = (await (await service.call('GET', path, { tenant: 'rival' })).json()) as { items: unknown[] };
      expect(list.items, path).toEqual([]);
    }
    // the same key as the other tenant's is another request
    const own = await service.call('POST', '/v1/requests?wait=60', {
      tenant: 'rival',
      body,
      headers: { 'idempotency-key': request },
    });
    expect(own.status).toBe(200);
  });

  test('has so many calls a second, and is told when to come back', async () => {
    const strict = await openService(pipeline.cull, { limits: { perSecond: 3 } });
    const answers = await Promise.all(Array.from({ length: 5 }, () => strict.call('GET', '/v1/templates')));
    const refused = answers.filter(({ status }) => status === 429);
    expect(refused).toHaveLength(2);
    expect(Number(refused[0]?.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    // another tenant has a second of its own
    expect((await strict.call('GET', '/v1/templates', { tenant: 'acme' })).status).toBe(200);
  });

  test('that tries keys out is stopped, and a key that is known is not', async () => {
    const strict = await openService(pipeline.cull, { limits: { keyChecks: 2 } });
    const known = await strict.key('acme');
    expect((await strict.call('GET', '/v1/templates', { key: known })).status).toBe(200);
    const guesses = ['A', 'B', 'C', 'D'].map((letter) => `cull_${'0'.repeat(16)}_${letter.repeat(43)}`);
    const answers = await Promise.all(guesses.map((key) => strict.call('GET', '/v1/templates', { key })));
    expect(answers.filter(({ status }) => status === 429).length).toBeGreaterThanOrEqual(1);
    expect(answers.every(({ status }) => status === 401 || status === 429)).toBe(true);
    expect((await strict.call('GET', '/v1/templates', { key: known })).status).toBe(200);
  });

  test('with too much under way waits at the door', async () => {
    const closed = await openService(pipeline.cull, { limits: { openRequests: 0 } });
    const body = { template: 'product', policy: 'generic', inputs: INPUTS, candidates: 1 };
    const response = await closed.call('POST', '/v1/requests', { body });
    expect([response.status, await codeOf(response)]).toEqual([429, 'TOO_MANY_REQUESTS']);
    expect(response.headers.get('retry-after')).not.toBeNull();
  });

  test('is answered at the door where a batch was taken before', async () => {
    const closed = await openService(pipeline.cull, { limits: { openRequests: 0 } });
    const send = async (to: typeof closed, key: string): Promise<unknown> => {
      const body = JSON.stringify({ template: 'product', policy: 'generic', inputs: INPUTS, candidates: 1 });
      const headers = { 'idempotency-key': key, 'content-type': 'application/x-ndjson' };
      const response = await to.call('POST', '/v1/batches', { body, headers });
      return [
        response.status,
        response.ok ? ((await response.json()) as { batch: string }).batch : await codeOf(response),
      ];
    };
    expect(await send(service, 'twice')).toEqual([202, 'twice']);
    expect(await send(closed, 'twice')).toEqual([202, 'twice']);
    expect(await send(closed, 'once')).toEqual([429, 'TOO_MANY_REQUESTS']);
  });

  test('has so many candidates in open requests, by the service or by its own settings', async () => {
    const tenant = 'greedy';
    const { storage } = pipeline.cull;
    const narrow = await openService(pipeline.cull, { limits: { openCandidates: 10 } });
    const made: string[] = [];
    const post = async (candidates: number, key: string): Promise<unknown[]> => {
      const body = { template: 'product', policy: 'generic', inputs: INPUTS, candidates };
      const headers = { 'idempotency-key': key };
      const response = await narrow.call('POST', '/v1/requests', { tenant, body, headers });
      if (response.ok) made.push(key);
      return [response.status, response.ok || (await codeOf(response))];
    };
    await sandbox.config({ secondsPerImage: 60 });
    try {
      expect(await post(8, 'a')).toEqual([202, true]);
      // Temporal lists what is open a moment later
      await vi.waitFor(async () => expect(await post(3, `b${made.length}`)).toEqual([429, 'TOO_MANY_REQUESTS']), {
        timeout: 30_000,
        interval: 500,
      });
      // a call that is made again is no new work; one under its key with another body is still refused
      expect(await post(8, 'a')).toEqual([202, true]);
      expect(await post(7, 'a')).toEqual([422, 'IDEMPOTENCY_CONFLICT']);
      expect(await post(11, 'c')).toEqual([422, 'REQUEST_INVALID']);
      expect((await service.call('GET', '/v1/requests', { tenant: 'modest' })).status).toBe(200);
      await setLimits(storage, tenant, { openCandidates: 1_000 });
      expect(await post(11, 'c')).toEqual([202, true]);
    } finally {
      for (const key of made) await narrow.call('DELETE', `/v1/requests/${key}`, { tenant });
      await sandbox.config({ secondsPerImage: 0 });
    }
    // what has ended counts no more
    await setLimits(storage, tenant, { openCandidates: 9 });
    await vi.waitFor(async () => expect(await post(9, 'd')).toEqual([202, true]), 30_000);
  });
});
