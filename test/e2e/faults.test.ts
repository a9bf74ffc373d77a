/** What bad input and broken parts get: a reason that names the thing, and nothing lost. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { deriveSeed } from '../../selection/seeds.js';
import { INPUTS, openPipeline, type Pipeline } from '../support/pipeline.js';
import { startSandbox, type TestSandbox } from '../support/sandbox.js';
import { temporalAddress } from '../support/temporal-address.js';

let sandbox: TestSandbox;
let pipeline: Pipeline;
beforeAll(async () => {
  sandbox = await startSandbox({ secondsPerImage: 0.05 });
  pipeline = await openPipeline({ address: temporalAddress, comfyUrls: [sandbox.url] });
});
afterAll(async () => {
  await pipeline.close();
  await sandbox.close();
});
beforeEach(() => sandbox.reset());

describe('a request', () => {
  test('is delivered with a record of every candidate', async () => {
    const { result, records } = await pipeline.end(await pipeline.generate({ deliver: 2, candidates: 6 }));
    expect(result).toMatchObject({
      wanted: 2,
      counts: { drawn: 6, scored: 6, lost: 0, cancelled: 0 },
      cost: null,
      error: null,
    });
    expect(records.map(({ candidate, seed }) => ({ candidate, seed }))).toEqual(
      Array.from({ length: 6 }, (_, candidate) => ({ candidate, seed: deriveSeed(1, candidate) })),
    );
    for (const { image, scores, verdict, timing } of records) {
      expect(image).toMatchObject({ width: 128, height: 128 });
      expect(image?.pixelSha256).toMatch(/^[0-9a-f]{64}$/);
      expect(Object.keys(scores)).toContain('sharpness.tileP90');
      expect(verdict).not.toBeNull();
      expect(timing.drawMs).toBeGreaterThan(0);
    }
  });

  test('with the same key and body is the same request; with another body it is refused', async () => {
    const first = await pipeline.generate({ key: 'order-7', candidates: 2 });
    await pipeline.end(first);
    await expect(pipeline.generate({ key: 'order-7', candidates: 2 })).resolves.toBe('order-7');
    await expect(pipeline.generate({ key: 'order-7', candidates: 3 })).rejects.toMatchObject({
      code: 'IDEMPOTENCY_CONFLICT',
    });
    expect(await sandbox.log()).toHaveLength(2);
  });

  test('whose graph ComfyUI rejects fails at once, with the node errors by node id and title', async () => {
    const request = await pipeline.generate({
      inputs: { ...INPUTS, checkpoint: 'missing.safetensors' },
      candidates: 20,
    });
    const { result } = await pipeline.end(request);
    expect(result.state).toBe('failed');
    expect(result.error?.code).toBe('COMFY_INVALID_GRAPH');
    expect(result.error?.message).toContain('missing.safetensors');
    expect(result.error?.details).toMatchObject([{ node: '4', title: 'Load Checkpoint' }]);
    expect(await sandbox.log()).toEqual([]);
  });

  test('cancelled: what draws is interrupted, what waits never starts, the record is kept', async () => {
    await sandbox.config({ secondsPerImage: 60 });
    const request = await pipeline.generate({ candidates: 4 });
    for await (const _ of pipeline.cull.watch(request)) if ((await sandbox.log()).length === 2) break;
    await pipeline.cull.cancel(request);
    const { result } = await pipeline.end(request);
    await sandbox.config({ secondsPerImage: 0.05 });
    expect(result).toMatchObject({ state: 'cancelled', delivered: [], counts: { cancelled: 4, scored: 0 } });
    expect(await sandbox.log()).toMatchObject([{ status: 'interrupted' }, { status: 'dequeued', startedMs: null }]);
  });
});

describe('a download', () => {
  test('that is truncated is fetched again', async () => {
    await sandbox.config({ fault: { truncateViews: 2 } });
    const { result } = await pipeline.end(await pipeline.generate({ candidates: 2 }));
    expect(result.counts).toMatchObject({ drawn: 2, scored: 2, lost: 0 });
    expect(await sandbox.log()).toHaveLength(2);
  });

  test('that is never an image is drawn again, then the candidate is lost with the reason', async () => {
    await sandbox.config({ fault: { textViews: 1_000 } });
    const { result, records } = await pipeline.end(await pipeline.generate({ candidates: 2 }));
    expect(result).toMatchObject({ state: 'shortfall', counts: { drawn: 2, lost: 2 }, shortfall: { missing: 1 } });
    for (const { state, error } of records) {
      expect(state).toBe('lost');
      expect(error?.code).toBe('COMFY_OUTPUT_NOT_AN_IMAGE');
    }
    // Two tries for each candidate, each with a second prompt on the same ComfyUI: an id is never used again after a failure.
    expect(new Set((await sandbox.log()).map(({ promptId }) => promptId)).size).toBe(8);
  });
});

test('a node that fails on one seed costs that candidate, named with node and title', async () => {
  await sandbox.config({ fault: { failSeeds: [deriveSeed(1, 2)] } });
  const { result, records } = await pipeline.end(await pipeline.generate({ candidates: 4 }));
  expect(result.counts).toMatchObject({ drawn: 4, scored: 3, lost: 1 });
  expect(records[2]).toMatchObject({ state: 'lost', error: { code: 'COMFY_NODE_FAILED' } });
  expect(records[2]?.error?.message).toContain('KSampler');
});
