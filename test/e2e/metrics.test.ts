/** What a worker process tells of requests that went through it, against what their results say. */
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { deriveSeed } from '../../selection/seeds.js';
import { freePort } from '../../stack/temporal-server.js';
import { readMetrics, sumOf, type Sample } from '../support/exposition.js';
import { openPipeline, type Pipeline } from '../support/pipeline.js';
import { startSandbox, type TestSandbox } from '../support/sandbox.js';
import { temporalAddress } from '../support/temporal-address.js';

const SEED = 7;
const CANDIDATES = 6;
let sandboxes: TestSandbox[];
let pipeline: Pipeline;
let url: string;
let temporalUrl: string;
beforeAll(async () => {
  sandboxes = await Promise.all([startSandbox(), startSandbox()]);
  const temporalPort = await freePort();
  temporalUrl = `http://127.0.0.1:${temporalPort}/metrics`;
  pipeline = await openPipeline({
    address: temporalAddress,
    comfyUrls: sandboxes.map((sandbox) => sandbox.url),
    env: {
      CULL_METRICS_PORT: '0',
      CULL_TEMPORAL_METRICS_PORT: String(temporalPort),
      CULL_COMFYUI_USD_PER_HOUR: '3.6',
    },
  });
  url = (logged('metrics')[0] as { url: string }).url;
}, 120_000);
afterAll(async () => {
  await pipeline.close();
  await Promise.all(sandboxes.map((sandbox) => sandbox.close()));
});

type Line = Record<string, unknown>;
const logged = (msg: string): Line[] =>
  pipeline.worker.lines.map((line) => JSON.parse(line) as Line).filter((line) => line['msg'] === msg);

/** Waits for the result, and until the worker has said that it is there. */
async function ended(request: string): ReturnType<Pipeline['end']> {
  const end = await pipeline.end(request);
  await vi.waitFor(() => expect(logged('ended').map((line) => line['request'])).toContain(request), 30_000);
  return end;
}

test('counters add up with the result, and the log names request, candidate and ComfyUI', async () => {
  // one candidate fails in a node, on both ComfyUIs: it is lost
  const failSeeds = [deriveSeed(SEED, 2)];
  for (const sandbox of sandboxes) await sandbox.config({ fault: { failSeeds } });
  const request = await pipeline.generate({ deliver: 2, candidates: CANDIDATES, seed: SEED });
  const { result, records } = await ended(request);
  expect(result.counts).toMatchObject({ drawn: CANDIDATES, lost: 1, cancelled: 0 });

  const samples = await readMetrics(url);
  const sum = (name: string, labels?: Record<string, string>): number => sumOf(samples, name, labels);
  const template = 'product';
  const { counts, delivered, timing, cost, state } = result;
  expect(sum('cull_requests_total')).toBe(1);
  expect(sum('cull_requests_total', { template, state })).toBe(1);
  expect(sum('cull_images_wanted_total', { template })).toBe(2);
  expect(sum('cull_images_delivered_total', { template })).toBe(delivered.length);
  expect(sum('cull_candidates_total')).toBe(counts.drawn);
  for (const how of ['delivered', 'passed', 'rejected', 'lost', 'cancelled'])
    expect([how, sum('cull_candidates_total', { template, state: how })]).toEqual([
      how,
      records.filter((record) => record.state === how).length,
    ]);
  expect(sum('cull_request_duration_seconds_sum', { template, state })).toBeCloseTo(timing.totalMs / 1_000);
  expect(sum('cull_cost_usd_total', { template })).toBeCloseTo((cost?.microUsd ?? 0) / 1e6, 9);

  const release = result.release.replace('sha256:', '').slice(0, 12);
  expect(sum('cull_verdicts_total', { release })).toBe(counts.scored);
  expect(sum('cull_verdicts_total', { band: 'accept' })).toBe(counts.passed);
  const failed = records.flatMap(({ verdict }) => verdict?.failed ?? []);
  expect(sum('cull_gate_failed_total', { release })).toBe(failed.length);
  expect(sum('cull_gate_judged_total', { release })).toBeGreaterThan(0);

  for (const step of ['queue_wait', 'draw', 'score'])
    expect([step, sum(`cull_candidate_${step}_seconds_count`, { template })]).toEqual([step, counts.scored]);
  const drawn = records.reduce((ms, record) => ms + (record.timing.drawMs ?? 0), 0) / 1_000;
  expect(sum('cull_candidate_draw_seconds_sum')).toBeCloseTo(drawn);
  expect(sum('cull_comfyui_draw_seconds_total')).toBeCloseTo(drawn);

  const code = 'COMFY_NODE_FAILED';
  expect(sum('cull_activity_failures_total', { activity: 'generate', code, then: 'retry' })).toBe(1);
  expect(sum('cull_activity_failures_total', { activity: 'generate', code, then: 'give-up' })).toBe(1);
  expect(sum('cull_node_failures_total', { code })).toBe(2);

  const hosts = new Set(records.flatMap(({ host }) => host ?? []));
  const lines = logged('drawn');
  expect(lines).toHaveLength(counts.scored);
  for (const line of lines) expect(line).toMatchObject({ request, candidate: expect.any(Number) as number });
  expect(new Set(lines.map(({ host }) => host))).toEqual(hosts);
  expect(logged('scored').map(({ candidate }) => candidate)).toHaveLength(counts.scored);
  const failures = logged('failed').filter((line) => line['code'] === code);
  expect(failures).toHaveLength(2);
  for (const line of failures) expect(line).toMatchObject({ request, candidate: 2, activity: 'generate' });
  for (const { host } of failures) expect(typeof host).toBe('string');
});

test('nothing in a label tells who asked', async () => {
  const { tenant } = pipeline.cull;
  const samples = await readMetrics(url);
  const values = samples.filter(({ name }) => name.startsWith('cull_')).flatMap(({ labels }) => Object.values(labels));
  expect(values).not.toContain(tenant);
  expect(values.filter((value) => value.includes('/') || value.length > 40)).toEqual([]);
});

test('a ComfyUI tells its state, its slots and its card; a queue what waits there', async () => {
  const samples = await readMetrics(url);
  expect(sumOf(samples, 'cull_comfyui_state', { state: 'serving' })).toBe(2);
  expect(sumOf(samples, 'cull_comfyui_slots')).toBe(4);
  expect(sumOf(samples, 'cull_comfyui_candidates')).toBe(0);
  const free = sumOf(samples, 'cull_comfyui_vram_free_bytes');
  expect(free).toBeGreaterThan(0);
  expect(sumOf(samples, 'cull_comfyui_vram_total_bytes')).toBeGreaterThanOrEqual(free);
  const queues = samples.filter(({ name }) => name === 'cull_queue_depth').map(({ labels }) => labels);
  for (const queue of ['cull-orchestrate', 'cull-score', 'cull-webhooks'])
    expect(queues).toContainEqual({ queue, type: 'activity' });
  expect(queues.filter(({ queue }) => queue?.startsWith('cull-gpu-default')).length).toBeGreaterThan(0);
  expect(sumOf(samples, 'cull_storage_free_bytes')).toBeGreaterThan(0);
});

test('a shortfall is counted with its reason', async () => {
  const before = await readMetrics(url);
  const { result } = await ended(
    await pipeline.generate({ deliver: 2, candidates: undefined, cap: 2, deadlineMs: 1, seed: 2 }),
  );
  const reason = result.shortfall?.reason ?? '';
  const grown = (after: Sample[], name: string): number => sumOf(after, name) - sumOf(before, name);
  const after = await readMetrics(url);
  expect(sumOf(after, 'cull_shortfalls_total', { template: 'product', reason })).toBe(1);
  expect(grown(after, 'cull_requests_total')).toBe(1);
});

test("Temporal's own metrics are beside them, with the names that the dashboard asks for", async () => {
  const names = new Set((await readMetrics(temporalUrl)).map(({ name }) => name));
  const asked = ['grafana/cull.json', 'prometheus/alerts.yml'].map((file) =>
    readFile(new URL(`../../deploy/${file}`, import.meta.url), 'utf8'),
  );
  const used = (await Promise.all(asked)).join('\n').match(/\btemporal_\w+/g) ?? [];
  expect(used.length).toBeGreaterThan(0);
  expect(used.filter((name) => !names.has(name))).toEqual([]);
});
