/** Webhooks over HTTP, with a receiver on a port: added, told, rotated, sent again, removed; and everything that is refused. */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { allowedOf } from '../../outside/addresses.js';
import { openPipeline, type Pipeline } from '../support/pipeline.js';
import { openReceiver, verified, type Receiver } from '../support/receiver.js';
import { startSandbox, type TestSandbox } from '../support/sandbox.js';
import { openService, type TestService } from '../support/service.js';
import { temporalAddress } from '../support/temporal-address.js';

let sandbox: TestSandbox;
let pipeline: Pipeline;
let service: TestService;
let receiver: Receiver;
/** Of the n-th call from 1; 204 where nothing is said. */
const statuses: Record<number, number> = {};
beforeAll(async () => {
  sandbox = await startSandbox();
  pipeline = await openPipeline({
    address: temporalAddress,
    comfyUrls: [sandbox.url],
    env: { CULL_OUTSIDE_ALLOW: '127.0.0.1' },
  });
  service = await openService(pipeline.cull, { allowed: allowedOf(['127.0.0.1']) });
  receiver = await openReceiver((n) => statuses[n] ?? 204);
}, 120_000);
afterAll(async () => {
  await receiver.close();
  await pipeline.close();
  await sandbox.close();
});

interface Answer {
  status: number;
  body: Record<string, unknown>;
}
async function call(method: string, path: string, body?: unknown, key?: string): Promise<Answer> {
  const response = await service.call(method, `/v1/webhooks${path}`, {
    ...(body !== undefined && { body }),
    ...(key !== undefined && { key }),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}
const add = async (events?: string[]): Promise<{ id: string; secret: string }> => {
  const { status, body } = await call('POST', '', { url: receiver.url, ...(events && { events }) });
  expect(status).toBe(201);
  return body as { id: string; secret: string };
};
interface Message {
  message: string;
  state: string;
  attempts: { status?: number }[];
}
const messagesOf = async (id: string, query = ''): Promise<Message[]> =>
  (await call('GET', `/${id}/messages${query}`)).body['items'] as Message[];

describe('a webhook', () => {
  test('is told the end of a request, signed by the secret that was shown once; its log tells every try', async () => {
    const { id, secret } = await add(['request.delivered', 'request.shortfall']);
    const shown = await call('GET', `/${id}`);
    expect(shown.body).toMatchObject({ id, url: receiver.url, events: ['request.delivered', 'request.shortfall'] });
    expect(JSON.stringify([shown, await call('GET', '')])).not.toContain(secret);

    const from = receiver.received.length;
    statuses[from + 1] = 500;
    const request = await pipeline.generate({ deliver: 1, candidates: 2 });
    await pipeline.end(request);
    const [first, second] = [await receiver.nth(from + 1), await receiver.nth(from + 2)];
    expect(verified(secret, second)).toMatchObject({ data: { request } });
    expect(second.id).toBe(first.id);
    await vi.waitFor(async () => expect((await messagesOf(id))[0]?.state).toBe('delivered'), 30_000);
    const [row] = await messagesOf(id);
    expect(row).toMatchObject({ message: first.id, attempts: [{ status: 500 }, { status: 204 }] });
    const { body } = await call('GET', `/${id}/messages/${first.id}`);
    expect(body).toMatchObject({ ...row, body: second.text });
    expect(await messagesOf(id, '?state=failed')).toEqual([]);
    expect(await messagesOf(id, '?until=2020-01-01T00:00:00Z')).toEqual([]);

    // again, under its id, with a new secret beside the old one
    const rotated = await call('POST', `/${id}/rotate`, { keepSeconds: 3600 });
    expect(rotated.body['secret']).not.toBe(secret);
    expect((await call('POST', `/${id}/messages/${first.id}/replay`)).body).toEqual({
      message: first.id,
      isStarted: true,
    });
    const third = await receiver.nth(from + 3);
    expect([third.id, third.text]).toEqual([first.id, second.text]);
    for (const good of [secret, String(rotated.body['secret'])]) expect(() => verified(good, third)).not.toThrow();
    await call('DELETE', `/${id}`);
  });

  test('shows its messages page by page', async () => {
    const { id } = await add();
    const from = receiver.received.length;
    for (const seed of [1, 2, 3]) await pipeline.end(await pipeline.generate({ deliver: 1, candidates: 1, seed }));
    const told = await Promise.all([1, 2, 3].map((n) => receiver.nth(from + n)));
    const paged: string[] = [];
    for (let cursor = ''; ;) {
      const { items, next } = (await call('GET', `/${id}/messages?limit=2${cursor}`)).body as {
        items: Message[];
        next: string | null;
      };
      expect(items.length).toBeLessThanOrEqual(2);
      paged.push(...items.map(({ message }) => message));
      if (next === null) break;
      cursor = `&cursor=${next}`;
    }
    expect([...paged].sort()).toEqual(told.map((one) => one.id).sort());
    await call('DELETE', `/${id}`);
  });

  test('that answers 410 is disabled, and told again once it is enabled', async () => {
    const { id } = await add();
    const from = receiver.received.length;
    statuses[from + 1] = 410;
    await pipeline.end(await pipeline.generate({ deliver: 1, candidates: 1, seed: 4 }));
    await receiver.nth(from + 1);
    await vi.waitFor(async () => expect((await call('GET', `/${id}`)).body).toHaveProperty('disabled'), 30_000);
    // the log is written after that
    await vi.waitFor(async () => expect((await messagesOf(id))[0]).toMatchObject({ state: 'gone' }), 30_000);
    expect((await call('POST', `/${id}/enable`)).body).not.toHaveProperty('disabled');
    await pipeline.end(await pipeline.generate({ deliver: 1, candidates: 1, seed: 5 }));
    await receiver.nth(from + 2);
    expect(await call('DELETE', `/${id}`)).toMatchObject({ status: 200, body: { id } });
    expect((await call('GET', `/${id}`)).status).toBe(404);
  });

  test.each([
    ['a loopback address that is not allowed', { url: 'http://127.0.0.2/hook' }, 'OUTSIDE_REFUSED'],
    ['a private address', { url: 'https://10.0.0.1/hook' }, 'OUTSIDE_REFUSED'],
    ['a metadata address, written as IPv6', { url: 'http://[::ffff:169.254.169.254]/' }, 'OUTSIDE_REFUSED'],
    ['a password in the address', { url: 'https://u:p@127.0.0.1/' }, 'OUTSIDE_REFUSED'],
    ['no http', { url: 'file:///etc/passwd' }, 'OUTSIDE_REFUSED'],
    ['an event that there is not', { url: 'https://127.0.0.1/', events: ['request.done'] }, 'BODY_INVALID'],
    ['no event', { url: 'https://127.0.0.1/', events: [] }, 'BODY_INVALID'],
    ['another field', { url: 'https://127.0.0.1/', tenant: 'acme' }, 'BODY_INVALID'],
  ])('with %s is refused, and nothing is stored', async (_, body, code) => {
    const before = await call('GET', '');
    const answer = await call('POST', '', body);
    expect([answer.status, answer.body['code']]).toEqual([422, code]);
    expect(await call('GET', '')).toEqual(before);
  });

  test('is for keys of its scope only', async () => {
    const key = await service.key('default', ['read', 'write', 'review']);
    for (const [method, path, body] of [
      ['GET', ''],
      ['POST', '', { url: receiver.url }],
      ['GET', '/ep_000000000000/messages'],
    ] as const)
      expect(await call(method, path, body, key)).toMatchObject({ status: 403, body: { code: 'FORBIDDEN' } });
  });
});
