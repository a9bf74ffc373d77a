/** One try to hand a message over, on a storage of its own and a receiver on loopback. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import { Webhook } from 'standardwebhooks';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { readJson } from '../../activities/documents.js';
import { tellOfBatch } from '../../activities/news.js';
import { nextWebhookDelay, WEBHOOK_DELAYS_MS } from '../../activities/webhook-schedule.js';
import { signedHeaders } from '../../activities/webhook-signature.js';
import { createWebhookActivities } from '../../activities/webhooks.js';
import { addWebhook, enableWebhook, listWebhooks, removeWebhook, rotateWebhook } from '../../client/webhooks.js';
import { CullError } from '../../errors.js';
import { allowedOf, NOTHING_MORE } from '../../outside/addresses.js';
import { keys, openStorage, type Storage } from '../../storage/index.js';
import type { BatchResult } from '../../workflows/batch-contract.js';
import {
  webhookDay,
  type WebhookLogDoc,
  type WebhookNews,
  type WebhookOutcome,
  type WebhooksDoc,
} from '../../workflows/webhook-contract.js';
import { createMetrics } from '../../telemetry/metrics.js';
import { SILENT, type Telemetry } from '../../telemetry/telemetry.js';
import { samplesOf, sumOf } from '../support/exposition.js';
import { openReceiver, verified, type Receiver } from '../support/receiver.js';

const LOCAL = allowedOf(['127.0.0.1']);
const counts = { invalid: 0, started: 1, delivered: 1, shortfall: 0, failed: 0, cancelled: 0, images: 1 };
const RESULT: BatchResult = { batch: 'b1', state: 'done', lines: 1, counts, totalMs: 5 };

let folder: string;
let storage: Storage;
let receiver: Receiver;
let tenant: string;
let answer: number | 'reset';
let tenants = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cull-webhooks-'));
  storage = openStorage(folder);
});
afterAll(() => rm(folder, { recursive: true, force: true }));
beforeEach(async () => {
  tenant = `t${tenants++}`;
  answer = 204;
  receiver = await openReceiver(() => answer);
});
afterEach(() => receiver.close());

const add = (events?: string[]) =>
  addWebhook({ storage, tenant }, { url: receiver.url, allowed: LOCAL, ...(events && { events }) });
const inActivity = <T>(work: () => Promise<T>): Promise<T> => new MockActivityEnvironment().run(work);
const tell = (): Promise<WebhookNews | undefined> => inActivity(() => tellOfBatch(storage, tenant, RESULT));
const logOf = (message: string, endpoint: string) =>
  readJson<WebhookLogDoc>(storage, keys.webhookLog(tenant, { day: webhookDay(message), message, endpoint }));

/** Tells of the batch and tries once to hand the message to its first endpoint. */
async function post(
  deps: { storage?: Storage; allowed?: typeof LOCAL; delaysMs?: number[]; telemetry?: Telemetry } = {},
  before?: number,
) {
  const news = await tell();
  if (!news) throw new Error('nobody wants to know');
  const { message } = news;
  const [endpoint = ''] = news.endpoints;
  const activities = createWebhookActivities({ storage, allowed: LOCAL, ...deps });
  const args = { tenant, message, endpoint, ...(before !== undefined && { before }) };
  const outcome: WebhookOutcome | { code: unknown; delay: unknown; message: string } = await inActivity(() =>
    activities.postWebhook(args),
  ).catch((error: unknown) => {
    const {
      type,
      nextRetryDelay,
      message: words,
    } = error as { type: string; nextRetryDelay: unknown; message: string };
    return { code: type, delay: nextRetryDelay, message: words };
  });
  return { message, endpoint, outcome, log: await logOf(message, endpoint) };
}

test('the schedule is the specified one, as far as it fits into a day', () => {
  expect([1, 2, 3].map((tries) => nextWebhookDelay(tries))).toEqual([5_000, 300_000, 1_800_000]);
  expect(nextWebhookDelay(WEBHOOK_DELAYS_MS.length + 1)).toBeUndefined();
  const day = WEBHOOK_DELAYS_MS.reduce((sum, delay) => sum + delay, 0);
  expect(day).toBeLessThanOrEqual(24 * 3_600_000);
  expect(day).toBeGreaterThan(23 * 3_600_000);
});

describe('signatures', () => {
  const headersAt = (at: number, secrets: WebhooksDoc['endpoints'][0]['secrets']) =>
    signedHeaders({ message: 'msg_1', body: '{"a":1}', at, secrets });
  const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
  const old = `whsec_${Buffer.alloc(24, 9).toString('base64')}`;

  test('are those of the reference library', () => {
    const at = Date.UTC(2026, 0, 1);
    const { 'webhook-signature': signature, 'webhook-timestamp': seconds } = headersAt(at + 999, [{ secret }]);
    expect(seconds).toBe(String(at / 1000));
    expect(signature).toBe(new Webhook(secret).sign('msg_1', new Date(at), '{"a":1}'));
  });

  test('while a secret is rotated both sign; after that the old one does not', () => {
    const now = Date.now();
    const secrets = [{ secret }, { secret: old, until: new Date(now + 1_000).toISOString() }];
    for (const one of [secret, old])
      expect(() => new Webhook(one).verify('{"a":1}', headersAt(now, secrets))).not.toThrow();
    const later = headersAt(now + 1_000, secrets);
    expect(() => new Webhook(secret).verify('{"a":1}', later)).not.toThrow();
    expect(() => new Webhook(old).verify('{"a":1}', later)).toThrow(/signature/i);
  });
});

describe('postWebhook', () => {
  test('counts what came to an end, once, and how old it was', async () => {
    await add();
    const metrics = createMetrics();
    const telemetry = { ...SILENT, metrics };
    const counted = async (state: string): Promise<number> =>
      sumOf(samplesOf(await metrics.read()), 'cull_webhooks_total', { event: 'batch.done', state });
    answer = 500;
    await post({ telemetry });
    expect(await counted('failed')).toBe(0);
    await post({ telemetry, delaysMs: [] });
    expect(await counted('failed')).toBe(1);
    expect(sumOf(samplesOf(await metrics.read()), 'cull_webhook_age_seconds_count')).toBe(0);

    tenant = `${tenant}-other`;
    answer = 204;
    await add();
    await post({ telemetry });
    await post({ telemetry });
    expect(await counted('delivered')).toBe(1);
    expect(sumOf(samplesOf(await metrics.read()), 'cull_webhook_age_seconds_count', { event: 'batch.done' })).toBe(1);
  });

  test('hands over what was told, signed, and logs the try', async () => {
    const { secret } = await add();
    const { message, endpoint, outcome, log } = await post();
    expect(outcome).toEqual({ state: 'delivered', tries: 1 });
    const [got] = receiver.received;
    expect(verified(secret, got!)).toMatchObject({ type: 'batch.done', data: { batch: 'b1', tenant, counts } });
    expect(got).toMatchObject({ id: message, headers: { 'content-type': 'application/json' } });
    expect(log).toMatchObject({ message, endpoint, state: 'delivered', body: got!.text, attempts: [{ status: 204 }] });
  });

  test('told twice it is one message, and one that was taken is not sent again', async () => {
    await add();
    const first = await post();
    const second = await post();
    expect(second.message).toBe(first.message);
    expect(second.outcome).toEqual({ state: 'delivered', tries: 1 });
    expect(receiver.received).toHaveLength(1);
  });

  test.each([
    [500, 'it answered 500'],
    [404, 'it answered 404'],
    [302, 'it answered 302, and redirects are not followed'],
    ['reset' as const, '127.0.0.1'],
  ])('%s: is tried again after 5 s', async (status, words) => {
    await add();
    answer = status;
    const { outcome, log } = await post();
    expect(outcome).toMatchObject({ code: 'WEBHOOK_FAILED', delay: 5_000 });
    expect((outcome as { message: string }).message).toContain(words);
    expect(log).toMatchObject({ state: 'pending', attempts: [status === 'reset' ? {} : { status }] });
    answer = 200;
    expect((await post()).outcome).toEqual({ state: 'delivered', tries: 2 });
  });

  test('gives up after the last try; sent again it has all of them again', async () => {
    await add();
    answer = 503;
    expect((await post({ delaysMs: [1] })).outcome).toMatchObject({ delay: 1 });
    const { outcome, log } = await post({ delaysMs: [1] });
    expect(outcome).toEqual({ state: 'failed', tries: 2 });
    expect(log?.attempts).toMatchObject([{ status: 503 }, { status: 503 }]);
  });

  test('410: the endpoint is disabled, gets nothing more, and can be enabled again', async () => {
    await add();
    answer = 410;
    const { outcome, endpoint } = await post();
    expect(outcome).toEqual({ state: 'gone', tries: 1 });
    expect(await listWebhooks({ storage, tenant })).toMatchObject([
      { disabled: { reason: expect.any(String) as string } },
    ]);
    expect(await tell()).toBeUndefined();
    expect(await enableWebhook({ storage, tenant }, endpoint)).not.toHaveProperty('disabled');
    expect(await tell()).toMatchObject({ endpoints: [endpoint] });
  });

  test('an endpoint that was removed meanwhile gets nothing', async () => {
    const { endpoint } = await add();
    answer = 500;
    const { message } = await post();
    await removeWebhook({ storage, tenant }, endpoint.id);
    const activities = createWebhookActivities({ storage, allowed: LOCAL });
    const outcome = await inActivity(() => activities.postWebhook({ tenant, message, endpoint: endpoint.id }));
    expect(outcome).toEqual({ state: 'gone', tries: 1 });
    expect(receiver.received).toHaveLength(1);
  });

  test('an address that is no longer public is not called, and tried again later', async () => {
    await add();
    const { outcome, log } = await post({ allowed: NOTHING_MORE });
    expect(outcome).toMatchObject({ code: 'WEBHOOK_FAILED', delay: 5_000 });
    expect(log?.attempts).toMatchObject([{ error: expect.stringContaining('not public (loopback)') as string }]);
    expect(receiver.received).toEqual([]);
  });

  test('dying between the answer and the log, it sends the same message again', async () => {
    await add();
    const failing = new Proxy(storage, {
      get: (target, name) =>
        name === 'put'
          ? () => Promise.reject(new CullError('STORAGE_UNREACHABLE', 'the power is off'))
          : (Reflect.get(target, name) as unknown),
    });
    const { outcome, log } = await post({ storage: failing });
    expect(outcome).toMatchObject({ code: 'STORAGE_UNREACHABLE' });
    expect(log).toMatchObject({ state: 'pending', attempts: [] });
    expect((await post()).outcome).toEqual({ state: 'delivered', tries: 1 });
    const [first, second] = receiver.received;
    expect(second).toMatchObject({ id: first!.id, text: first!.text });
  });
});

describe('endpoints', () => {
  test('get the events that they asked for', async () => {
    await add(['batch.cancelled', 'request.failed']);
    expect(await tell()).toBeUndefined();
    const all = await add();
    expect(await tell()).toMatchObject({ endpoints: [all.endpoint.id] });
    await expect(add(['request.deliverd'])).rejects.toMatchObject({ code: 'REQUEST_INVALID' });
  });

  test('an address that is not public cannot be added, unless it is allowed', async () => {
    const adding = (url: string, resolve = () => Promise.resolve(['10.0.0.1'])) =>
      addWebhook({ storage, tenant }, { url, resolve });
    for (const url of [receiver.url, 'http://169.254.169.254/latest', 'https://intern.test/', 'gopher://x/'])
      await expect(adding(url), url).rejects.toMatchObject({ code: 'OUTSIDE_REFUSED' });
    expect(await listWebhooks({ storage, tenant })).toEqual([]);
  });

  test('a rotated secret signs beside the new one for a while; none of them is listed', async () => {
    const { endpoint, secret } = await add();
    const next = await rotateWebhook({ storage, tenant }, endpoint.id, { keepMs: 60_000 });
    expect(next.secret).not.toBe(secret);
    await post();
    const [got] = receiver.received;
    for (const one of [secret, next.secret]) expect(verified(one, got!)).toMatchObject({ type: 'batch.done' });
    expect(JSON.stringify(await listWebhooks({ storage, tenant }))).not.toContain('whsec_');
  });

  test('are told apart by tenant, and one that is not there is told', async () => {
    const { endpoint } = await add();
    for (const change of [
      removeWebhook({ storage, tenant: 'other' }, endpoint.id),
      rotateWebhook({ storage, tenant }, 'ep_0', { keepMs: 1 }),
    ])
      await expect(change).rejects.toMatchObject({ code: 'WEBHOOK_NOT_FOUND' });
  });
});
