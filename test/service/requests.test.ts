/** The HTTP API through its own door, on the real pipeline: a request from its body to its images, and everything that is refused. */
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sweepNow } from '../../client/sweep.js';
import { allowedOf } from '../../outside/addresses.js';
import { keys } from '../../storage/keys.js';
import { INPUTS, openPipeline, type Pipeline } from '../support/pipeline.js';
import { startSandbox, type TestSandbox } from '../support/sandbox.js';
import { openService, type TestService } from '../support/service.js';
import { temporalAddress } from '../support/temporal-address.js';

let sandbox: TestSandbox;
let pipeline: Pipeline;
let service: TestService;
beforeAll(async () => {
  sandbox = await startSandbox();
  pipeline = await openPipeline({
    address: temporalAddress,
    comfyUrls: [sandbox.url],
    env: { CULL_RETENTION: 'rejected=7d,passed=7d,delivered=30d' },
  });
  service = await openService(pipeline.cull);
}, 120_000);
afterAll(async () => {
  await pipeline.close();
  await sandbox.close();
});

const DAY_MS = 86_400_000;
const BODY = { template: 'product', policy: 'generic', inputs: INPUTS, deliver: 1, candidates: 4, seed: 1 };

interface View {
  request: string;
  state: string;
  code: string;
  [field: string]: unknown;
}
const read = async (response: Response | Promise<Response>): Promise<View> => (await (await response).json()) as View;

/** Resolves with the request once it has ended. */
async function ended(request: string, tenant = 'default'): Promise<View> {
  await service.call('GET', `/v1/requests/${request}/events`, { tenant }).then((response) => response.text());
  return read(service.call('GET', `/v1/requests/${request}`, { tenant }));
}

describe('POST /v1/requests', () => {
  test('starts a request and says where to look; the result is result.json', async () => {
    const response = await service.call('POST', '/v1/requests', { body: BODY });
    expect(response.status).toBe(202);
    const { request } = await read(response);
    expect(response.headers.get('location')).toBe(`/v1/requests/${request}`);
    const result = await ended(request);
    expect(result).toMatchObject(JSON.parse(JSON.stringify(await pipeline.cull.result(request))) as object);
    expect(result).toMatchObject({ state: 'delivered', template: 'product', wanted: 1, candidates: 4, phase: null });
  });

  test('wait=60s answers with the result', async () => {
    const response = await service.call('POST', '/v1/requests?wait=60s', { body: { ...BODY, seed: 2 } });
    expect(response.status).toBe(200);
    const { state, delivered } = await read(response);
    expect(state).toBe('delivered');
    expect(delivered).toHaveLength(1);
  });

  test('vary draws each candidate with one of the values, which its image names', async () => {
    const { prompt, ...inputs } = INPUTS;
    const vary = { input: 'prompt', values: [prompt, `${prompt}, from above`] };
    const body = { ...BODY, inputs, vary, deliver: 2 };
    const { delivered } = await read(service.call('POST', '/v1/requests?wait=60s', { body }));
    expect(vary.values).toEqual(expect.arrayContaining((delivered as { group: string }[]).map(({ group }) => group)));
    expect(delivered).toHaveLength(2);
  });

  test('a key with the same body is the same request, with another body it is refused', async () => {
    const headers = { 'idempotency-key': 'order-1' };
    const first = await read(service.call('POST', '/v1/requests', { body: BODY, headers }));
    expect(first.request).toBe('order-1');
    const entry = keys.index('default', String(first['createdAt']).slice(0, 10), 'order-1');
    const listedAs = await pipeline.cull.storage.head(entry);
    expect(listedAs).toBeDefined();
    const again = await service.call('POST', '/v1/requests', { body: BODY, headers });
    expect(again.status).toBeLessThan(300);
    expect((await read(again)).request).toBe('order-1');
    // it keeps its place in the list
    expect(await pipeline.cull.storage.head(entry)).toEqual(listedAs);
    const other = await service.call('POST', '/v1/requests', { body: { ...BODY, deliver: 2 }, headers });
    expect(other.status).toBe(422);
    expect((await read(other)).code).toBe('IDEMPOTENCY_CONFLICT');
    await ended('order-1');
  });

  test('one whose maker died before it was listed is listed once it is made again', async () => {
    const headers = { 'idempotency-key': 'order-2' };
    const { createdAt } = await read(service.call('POST', '/v1/requests', { body: BODY, headers }));
    const listed = async (): Promise<string[]> => {
      const { items } = await read(service.call('GET', '/v1/requests'));
      return (items as { request: string }[]).map(({ request }) => request);
    };
    await pipeline.cull.storage.delete(keys.index('default', String(createdAt).slice(0, 10), 'order-2'));
    expect(await listed()).not.toContain('order-2');
    await service.call('POST', '/v1/requests', { body: BODY, headers });
    expect(await listed()).toContain('order-2');
    await ended('order-2');
  });

  test.each([
    ['no body', undefined, 'BODY_INVALID'],
    ['no JSON', '{', 'BODY_INVALID'],
    ['a field that there is not', { ...BODY, wanted: 4 }, 'BODY_INVALID'],
    ['K of another type', { ...BODY, deliver: '4' }, 'BODY_INVALID'],
    ['an input that is given and varied', { ...BODY, vary: { input: 'prompt', values: ['a'] } }, 'REQUEST_INVALID'],
    ['a value that does not fit', { ...BODY, vary: { input: 'steps', values: ['few'] } }, 'TEMPLATE_INPUT_INVALID'],
    ['nothing to vary over', { ...BODY, vary: { input: 'steps', values: [] } }, 'BODY_INVALID'],
    ['K above N', { ...BODY, deliver: 5 }, 'REQUEST_INVALID'],
    ['both N and a cap', { ...BODY, mode: 'quota', cap: 4 }, 'REQUEST_INVALID'],
    ['a template that there is not', { ...BODY, template: 'produkt' }, 'TEMPLATE_NOT_FOUND'],
    ['a policy that there is not', { ...BODY, policy: 'strict' }, 'POLICY_NOT_FOUND'],
    ['an input that there is not', { ...BODY, inputs: { ...INPUTS, colour: 'red' } }, 'TEMPLATE_INPUT_UNKNOWN'],
    ['a missing input', { ...BODY, template: 'txt2img', inputs: {} }, 'TEMPLATE_INPUT_MISSING'],
    ['an input outside its range', { ...BODY, inputs: { ...INPUTS, width: 1 } }, 'TEMPLATE_INPUT_INVALID'],
    [
      'an image where none belongs',
      { ...BODY, inputs: { prompt: { image: 'a'.repeat(64) } } },
      'TEMPLATE_INPUT_INVALID',
    ],
    ['a graph of its own', { ...BODY, graph: {} }, 'BODY_INVALID'],
  ])('%s is refused, and nothing is stored', async (_, body, code) => {
    const before = await stored();
    const response = await service.call('POST', '/v1/requests', body === undefined ? {} : { body });
    expect(response.headers.get('content-type')).toBe('application/problem+json');
    const problem = await read(response);
    expect(problem).toMatchObject({ code, status: response.status, type: `urn:cull:error:${code}` });
    expect(response.status).toBeGreaterThanOrEqual(400);
    expect(response.status).toBeLessThan(500);
    expect(await stored()).toEqual(before);
  });

  async function stored(): Promise<string[]> {
    const keys: string[] = [];
    for await (const { key } of pipeline.cull.storage.list('default/index/')) keys.push(key);
    return keys;
  }
});

describe('a request', () => {
  test('is followed by events: progress, then the end', async () => {
    const { request } = await read(service.call('POST', '/v1/requests', { body: { ...BODY, seed: 3 } }));
    const response = await service.call('GET', `/v1/requests/${request}/events`);
    expect(response.headers.get('content-type')).toContain('text/event-stream');
    const text = await response.text();
    const events = [...text.matchAll(/^event: (\w+)$/gm)].map(([, name]) => name);
    expect(events.at(-1)).toBe('end');
    expect(JSON.parse(/event: end\ndata: (.*)/.exec(text)?.[1] ?? '')).toMatchObject({ request, state: 'delivered' });
  });

  test('tells each winner by number, and after a number only what came later', async () => {
    const { request } = await read(
      service.call('POST', '/v1/requests?wait=60', { body: { ...BODY, deliver: 2, seed: 6 } }),
    );
    const stream = async (headers: Record<string, string>) => {
      const response = await service.call('GET', `/v1/requests/${request}/events`, { headers });
      return { status: response.status, text: await response.text() };
    };
    const idsOf = (text: string) => [...text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id));
    const all = await stream({});
    const ids = idsOf(all.text);
    expect(ids).toEqual(Array.from({ length: ids.length }, (_, n) => n + 1));
    expect(ids.length).toBeGreaterThanOrEqual(2);
    expect(all.text).toContain('event: winner');
    expect(idsOf((await stream({ 'last-event-id': '1' })).text)).toEqual(ids.slice(1));
    expect((await stream({ 'last-event-id': String(ids.at(-1)) })).status).toBe(204);
  });

  test('shows its candidates page by page, by verdict', async () => {
    const { request } = await read(service.call('POST', '/v1/requests?wait=60', { body: { ...BODY, seed: 4 } }));
    const records = await pipeline.cull.records(request);
    const seen: unknown[] = [];
    let after = '-1';
    for (;;) {
      const path = `/v1/requests/${request}/candidates?limit=3&after=${after}`;
      const { items, next } = (await read(service.call('GET', path))) as unknown as { items: []; next: string | null };
      seen.push(...items);
      if (next === null) break;
      after = next;
    }
    expect(seen).toEqual(JSON.parse(JSON.stringify(records)));
    const rejected = await read(service.call('GET', `/v1/requests/${request}/candidates?verdict=reject`));
    expect(rejected['items']).toHaveLength(records.filter(({ verdict }) => verdict?.band === 'reject').length);
  });

  test('can be cancelled, once', async () => {
    await sandbox.config({ secondsPerImage: 5 });
    const { request } = await read(service.call('POST', '/v1/requests', { body: { ...BODY, seed: 5 } }));
    const cancelled = await service.call('DELETE', `/v1/requests/${request}`);
    expect(cancelled.status).toBe(202);
    expect(await ended(request)).toMatchObject({ state: 'cancelled' });
    const again = await service.call('DELETE', `/v1/requests/${request}`);
    expect(again.status).toBe(200);
    await sandbox.config({ secondsPerImage: 0 });
  });

  test('is listed, newest first, by state and template, page by page', async () => {
    const list = async (query: string) =>
      (await read(service.call('GET', `/v1/requests${query}`))) as unknown as {
        items: { request: string; state: string; createdAt: string }[];
        next: string | null;
      };
    const all = await list('');
    expect(all.next).toBeNull();
    const times = all.items.map(({ createdAt }) => createdAt);
    expect(times).toEqual([...times].sort().reverse());
    const paged: unknown[] = [];
    for (let cursor = ''; ;) {
      const page = await list(`?limit=2${cursor}`);
      paged.push(...page.items);
      if (page.next === null) break;
      cursor = `&cursor=${page.next}`;
    }
    expect(paged).toEqual(all.items);
    const cancelled = await list('?state=cancelled');
    expect(cancelled.items.map(({ state }) => state)).toEqual(['cancelled']);
    expect((await list('?template=headshot')).items).toEqual([]);
    expect((await list('?until=2020-01-01T00:00:00Z&since=2019-12-30T00:00:00Z')).items).toEqual([]);
    expect((await list('?until=9999-01-01T00:00:00Z')).items).toEqual(all.items);
    expect((await read(service.call('GET', '/v1/requests?cursor=bm9uZQ'))).code).toBe('BODY_INVALID');
  });

  test('says which of its pictures have expired', async () => {
    const { request } = await read(service.call('POST', '/v1/requests?wait=60s', { body: { ...BODY, seed: 5 } }));
    type Picture = { candidate: number; key: string; expired?: string };
    const candidates = async () =>
      (await read(service.call('GET', `/v1/requests/${request}/candidates`)))['items'] as Picture[];
    const delivered = async () =>
      (await read(service.call('GET', `/v1/requests/${request}`)))['delivered'] as Picture[];
    const [winner] = await delivered();
    const expiredNow = async () =>
      (await candidates()).filter(({ expired }) => expired !== undefined).map(({ candidate }) => candidate);
    expect(await expiredNow()).toEqual([]);

    await sweepNow(pipeline.cull.temporal, { now: Date.now() + 8 * DAY_MS });
    expect(await expiredNow()).toEqual([0, 1, 2, 3].filter((candidate) => candidate !== winner?.candidate));
    service = await openService(pipeline.cull);
    expect((await delivered())[0]?.expired).toBeUndefined();

    await sweepNow(pipeline.cull.temporal, { now: Date.now() + 31 * DAY_MS });
    service = await openService(pipeline.cull);
    const [gone] = await delivered();
    expect(Date.parse(gone?.expired ?? '')).toBeGreaterThan(0);
    expect(await pipeline.cull.storage.head(gone!.key)).toBeUndefined();
  });
});

describe('POST /v1/inputs', () => {
  const send = (bytes: Uint8Array<ArrayBuffer>, name = 'photo.png') => {
    const body = new FormData();
    body.set('file', new Blob([bytes]), name);
    return service.call('POST', '/v1/inputs', { body });
  };

  test('stores an image under its hash', async () => {
    const bytes = new Uint8Array(
      await sharp({ create: { width: 8, height: 4, channels: 3, background: 'red' } })
        .png()
        .toBuffer(),
    );
    const image = createHash('sha256').update(bytes).digest('hex');
    const response = await send(bytes);
    expect(response.status).toBe(201);
    expect(await read(response)).toEqual({ image, extension: '.png', bytes: bytes.length, width: 8, height: 4 });
    expect((await pipeline.cull.storage.get(`default/inputs/${image}`))?.body.equals(bytes)).toBe(true);
  });

  test('fetches an image from a URL, from public addresses only', async () => {
    const color = { width: 8, height: 6, channels: 3, background: 'blue' } as const;
    const bytes = await sharp({ create: color }).jpeg().toBuffer();
    const host = createServer((request, response) => {
      if (request.url === '/photo.jpg') response.end(bytes);
      else if (request.url === '/moved') response.writeHead(302, { location: '/photo.jpg' }).end();
      else response.writeHead(200).end('x'.repeat(20_000));
    });
    await new Promise<void>((resolve) => host.listen(0, '127.0.0.1', resolve));
    const at = (path: string) => ({ url: `http://127.0.0.1:${(host.address() as AddressInfo).port}${path}` });
    const limits = { imageBytes: 10_000 };
    const fetching = await openService(pipeline.cull, { allowed: allowedOf(['127.0.0.1']), limits });
    try {
      const response = await fetching.call('POST', '/v1/inputs', { body: at('/photo.jpg') });
      expect(response.status).toBe(201);
      const image = createHash('sha256').update(bytes).digest('hex');
      expect(await read(response)).toMatchObject({ image, extension: '.jpg', width: 8, height: 6 });
      const refused = async (from: TestService, body: unknown) =>
        (await read(from.call('POST', '/v1/inputs', { body }))).code;
      expect(await refused(service, at('/photo.jpg'))).toBe('OUTSIDE_REFUSED');
      expect(await refused(fetching, at('/moved'))).toBe('OUTSIDE_FAILED');
      expect(await refused(fetching, at('/large'))).toBe('BODY_TOO_LARGE');
      expect(await refused(fetching, { url: 'file:///etc/passwd' })).toBe('OUTSIDE_REFUSED');
      for (const body of [{ link: 'x' }, { url: 7 }, '{'])
        expect(await refused(fetching, body), JSON.stringify(body)).toBe('BODY_INVALID');
    } finally {
      host.close();
    }
  });

  test('refuses what is no image, or too large, and stores nothing', async () => {
    const noImage = await send(new TextEncoder().encode('<svg xmlns="http://www.w3.org/2000/svg"/>'), 'a.svg');
    expect(noImage.status).toBe(422);
    expect(await read(noImage)).toMatchObject({
      code: 'IMAGE_UNREADABLE',
      detail: 'the image cannot be read: it is no file of these types',
    });
    const small = await openService(pipeline.cull, { limits: { imageBytes: 10, imagePixels: 10 } });
    const body = new FormData();
    body.set('file', new Blob([new Uint8Array(11)]), 'a.png');
    const large = await small.call('POST', '/v1/inputs', { body });
    expect(large.status).toBe(413);
    expect((await read(service.call('POST', '/v1/inputs', { body: new FormData() }))).code).toBe('BODY_INVALID');
  });
});

describe('the rest', () => {
  test('the catalogue names templates with their inputs, and policies', async () => {
    const templates = (await read(service.call('GET', '/v1/templates')))['items'] as { name: string }[];
    expect(templates.map(({ name }) => name)).toContain('product');
    const product = await read(service.call('GET', '/v1/templates/product'));
    expect(product['inputs']).toMatchObject({ prompt: { type: 'string' }, width: { type: 'integer' } });
    expect((await read(service.call('GET', '/v1/policies/headshot')))['policy']).toBe('headshot');
    expect((await service.call('GET', '/v1/templates/none')).status).toBe(404);
  });

  test('health says whether it can work', async () => {
    expect((await service.call('GET', '/healthz', { tenant: null })).status).toBe(200);
    const ready = await service.call('GET', '/readyz', { tenant: null });
    expect(await read(ready)).toEqual({ ok: true, problems: [] });
  });

  test('the OpenAPI document names every route, and the page shows each', async () => {
    const document = await read(service.call('GET', '/openapi.json', { tenant: null }));
    expect(document['openapi']).toBe('3.1.0');
    const page = await (await service.call('GET', '/docs', { tenant: null })).text();
    const paths = Object.keys(document['paths'] as object);
    expect(paths).toContain('/v1/requests/{request}/candidates');
    for (const path of paths) expect(page).toContain(`${path}</code>`);
  });

  test('another method is 405 with what is taken, another path 404', async () => {
    const wrong = await service.call('PUT', '/v1/requests');
    expect([wrong.status, wrong.headers.get('allow')]).toEqual([405, 'POST, GET']);
    expect((await service.call('GET', '/v1/none')).status).toBe(404);
  });
});
