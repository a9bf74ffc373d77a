import { afterEach, describe, expect, test } from 'vitest';
import { MAX_SERIES } from '../../telemetry/definitions.js';
import { createMetrics } from '../../telemetry/metrics.js';
import { serveMetrics, type MetricsServer } from '../../telemetry/serve-metrics.js';
import { readMetrics, samplesOf, sumOf } from '../support/exposition.js';

describe('createMetrics', () => {
  test('counts, observes and sets', async () => {
    const book = createMetrics();
    book.add('cull_images_delivered_total', { template: 'a' }, 4);
    book.add('cull_images_delivered_total', { template: 'a' });
    book.observe('cull_candidate_draw_seconds', { template: 'a' }, 0.3);
    book.set('cull_comfyui_slots', { host: 'g' }, 2);
    const samples = samplesOf(await book.read());
    expect(sumOf(samples, 'cull_images_delivered_total', { template: 'a' })).toBe(5);
    expect(sumOf(samples, 'cull_candidate_draw_seconds_bucket', { le: '0.25' })).toBe(0);
    expect(sumOf(samples, 'cull_candidate_draw_seconds_bucket', { le: '0.5' })).toBe(1);
    expect(sumOf(samples, 'cull_comfyui_slots', { host: 'g' })).toBe(2);
  });

  test('a gauge that is gone is not shown', async () => {
    const book = createMetrics();
    book.set('cull_comfyui_slots', { host: 'g' }, 2);
    book.set('cull_comfyui_slots', { host: 'g' }, undefined);
    expect(await book.read()).not.toContain('host="g"');
  });

  test('series are bounded: what comes above is counted under "other", and a gauge is left out', async () => {
    const book = createMetrics();
    for (let n = 0; n < MAX_SERIES + 5; n++) {
      book.add('cull_images_delivered_total', { template: `t${n}` });
      book.set('cull_comfyui_slots', { host: `h${n}` }, 1);
    }
    book.add('cull_images_delivered_total', { template: 't0' });
    const samples = samplesOf(await book.read());
    expect(samples.filter(({ name }) => name === 'cull_images_delivered_total')).toHaveLength(MAX_SERIES + 1);
    expect(sumOf(samples, 'cull_images_delivered_total', { template: 'other' })).toBe(5);
    expect(sumOf(samples, 'cull_images_delivered_total', { template: 't0' })).toBe(2);
    expect(sumOf(samples, 'cull_comfyui_slots')).toBe(MAX_SERIES);
  });

  test('looks when it is read, and a look that fails harms nobody', async () => {
    const book = createMetrics();
    let looks = 0;
    book.beforeRead(() => Promise.reject(new Error('away')));
    book.beforeRead(() => {
      book.set('cull_queue_depth', { queue: 'q', type: 'activity' }, ++looks);
      return Promise.resolve();
    });
    expect(looks).toBe(0);
    expect(sumOf(samplesOf(await book.read()), 'cull_queue_depth')).toBe(1);
    expect(sumOf(samplesOf(await book.read()), 'cull_queue_depth')).toBe(2);
  });
});

describe('serveMetrics', () => {
  let server: MetricsServer | undefined;
  afterEach(() => server?.close());

  test('answers GET /metrics and nothing else', async () => {
    const book = createMetrics();
    book.add('cull_requests_total', { template: 'a', state: 'delivered' });
    server = await serveMetrics(book, { host: '127.0.0.1', port: 0 });
    expect(sumOf(await readMetrics(server.url), 'cull_requests_total')).toBe(1);
    expect((await fetch(server.url)).headers.get('content-type')).toContain('text/plain');
    expect((await fetch(server.url, { method: 'POST' })).status).toBe(405);
    expect((await fetch(new URL('/', server.url))).status).toBe(404);
  });

  test('a port that is taken is told', async () => {
    server = await serveMetrics(createMetrics(), { host: '127.0.0.1', port: 0 });
    const port = Number(new URL(server.url).port);
    await expect(serveMetrics(createMetrics(), { host: '127.0.0.1', port })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining(`127.0.0.1:${port}`) as string,
    });
  });
});
