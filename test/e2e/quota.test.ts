/** Requests that draw until K pass, through the whole pipeline: what is in flight at the stop is taken off the ComfyUIs and says what it cost. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { StatsDoc } from '../../workflows/contract.js';
import { openPipeline, type Pipeline } from '../support/pipeline.js';
import { startSandbox, type TestSandbox } from '../support/sandbox.js';
import { temporalAddress } from '../support/temporal-address.js';

const SANDBOXES = 2;
let sandboxes: TestSandbox[];
let pipeline: Pipeline;
beforeAll(async () => {
  sandboxes = await Promise.all(Array.from({ length: SANDBOXES }, () => startSandbox({ secondsPerImage: 0.3 })));
  pipeline = await openPipeline({
    address: temporalAddress,
    comfyUrls: sandboxes.map(({ url }) => url),
    env: { CULL_COMFYUI_USD_PER_HOUR: '3.6' },
  });
}, 120_000);
afterAll(async () => {
  await pipeline.close();
  await Promise.all(sandboxes.map((sandbox) => sandbox.close()));
});

test('delivers K, cancels the rest, and every candidate says what it cost', async () => {
  const request = await pipeline.generate({ deliver: 3, candidates: undefined, cap: 64, hurry: 1 });
  const { result, records } = await pipeline.end(request);
  expect(result).toMatchObject({ state: 'delivered', wanted: 3, shortfall: null });
  expect(result.delivered).toHaveLength(3);
  const { drawn, scored, lost, cancelled } = result.counts;
  expect(drawn).toBe(scored + lost + cancelled);
  expect(drawn).toBeLessThanOrEqual(64);
  expect(cancelled).toBeGreaterThan(0);
  for (const { state, timing, cost } of records) if (state !== 'cancelled') expect(cost?.microUsd).toBe(timing.drawMs);
  // what each had cost is known, 0 where nobody had it
  for (const { state, share } of records) if (state === 'cancelled') expect(share).toBeDefined();
  // drawn whole, but given up before it was scored
  for (const { state, image, share } of records) if (state === 'cancelled' && image) expect(share).toBe(1);
  const sum = records.reduce((total, { cost }) => total + (cost?.microUsd ?? 0), 0);
  expect(result.cost?.microUsd).toBe(sum);
});

test('what a request showed is the prior of the next', async () => {
  const { result } = await pipeline.end(await pipeline.generate({ deliver: 2, candidates: undefined, seed: 2 }));
  const stats: StatsDoc[] = [];
  for await (const { key } of pipeline.cull.storage.list('_registry/stats/')) {
    expect(key).toContain(result.release.replace('sha256:', ''));
    // beside it, what is known of scorers: of requests that by lot had a candidate which ran all of them
    if (key.endsWith('/scorers.json')) continue;
    stats.push(JSON.parse(String((await pipeline.cull.storage.get(key))?.body)) as StatsDoc);
  }
  expect(stats).toHaveLength(1);
  const rows = stats[0]?.requests ?? [];
  expect(rows.length).toBeGreaterThanOrEqual(2);
  expect(rows.at(-1)).toMatchObject({ passed: result.counts.passed, ended: result.counts.scored });
  expect(JSON.stringify(stats)).not.toContain('default');
});

test('a cap too small ends as a shortfall that says why', async () => {
  const { result } = await pipeline.end(
    await pipeline.generate({ deliver: 2, candidates: undefined, cap: 2, deadlineMs: 1 }),
  );
  expect(result).toMatchObject({ state: 'shortfall', shortfall: { missing: 2, reason: 'deadline' } });
});

test('a budget without a price is refused by the workers, in words', async () => {
  const free = await openPipeline({ address: temporalAddress, comfyUrls: sandboxes.map(({ url }) => url) });
  await pipeline.worker.kill('SIGTERM');
  try {
    const { result } = await free.end(await free.generate({ candidates: undefined, budgetUsd: 1 }));
    expect(result).toMatchObject({ state: 'failed', error: { code: 'REQUEST_INVALID' } });
    expect(result.error?.message).toContain('price');
  } finally {
    await free.close();
  }
});
