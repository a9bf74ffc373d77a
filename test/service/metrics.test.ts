/** What the service tells Prometheus of its calls. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Cull } from '../../client/cull.js';
import { embeddedTarget } from '../../client/temporal.js';
import { openStorage } from '../../storage/index.js';
import { createMetrics } from '../../telemetry/metrics.js';
import { samplesOf } from '../support/exposition.js';
import { openService } from '../support/service.js';
import { temporalAddress } from '../support/temporal-address.js';

let dir: string;
let cull: Cull;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'cull-service-metrics-'));
  const target = embeddedTarget(temporalAddress);
  cull = await Cull.connect({ target, storage: openStorage(dir), tenant: 'default' });
});
afterAll(async () => {
  await cull.close();
  await rm(dir, { recursive: true });
});

test('calls are counted by route and status, never by path', async () => {
  const metrics = createMetrics();
  const service = await openService(cull, { metrics, showMetrics: true });
  await service.call('GET', '/healthz', { tenant: null });
  await service.call('GET', '/v1/requests/secret-id');
  await service.call('GET', '/v1/requests/secret-id', { tenant: null });
  await service.call('PUT', '/v1/requests/secret-id');
  await service.call('GET', '/secret-path', { tenant: null });
  const text = await (await service.call('GET', '/metrics', { tenant: null })).text();
  expect(text).not.toContain('secret');
  const counts = samplesOf(text).filter(({ name }) => name === 'cull_http_request_duration_seconds_count');
  const route = '/v1/requests/:request';
  expect(counts.map(({ labels, value }) => ({ ...labels, value }))).toEqual([
    { method: 'GET', route: '/healthz', status: '200', value: 1 },
    { method: 'GET', route, status: '404', value: 1 },
    { method: 'GET', route, status: '401', value: 1 },
    { method: 'PUT', route, status: '405', value: 1 },
    { method: 'GET', route: 'none', status: '404', value: 1 },
  ]);
});

test('metrics are not on the port of the API unless that was asked for', async () => {
  const service = await openService(cull, { metrics: createMetrics() });
  expect((await service.call('GET', '/metrics', { tenant: null })).status).toBe(404);
});
