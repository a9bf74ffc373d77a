/** A batch of 200 lines x 8 candidates through the whole pipeline: every line ends once, the totals add up, and no history grows long. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { batchRows } from '../../client/batch-reads.js';
import { startBatch } from '../../client/batch.js';
import { readRelease } from '../../cli/release.js';
import { deriveSeed } from '../../selection/seeds.js';
import { batchWorkflowId, type BatchResult, type BatchRow } from '../../workflows/batch-contract.js';
import { PROMPT, openPipeline, type Pipeline } from '../support/pipeline.js';
import { startSandbox, type TestSandbox } from '../support/sandbox.js';
import { temporalAddress } from '../support/temporal-address.js';

const LINES = 200;
const CANDIDATES = 8;
const SANDBOXES = 2;
const MAX_EVENTS = 4_000;
let sandboxes: TestSandbox[];
let pipeline: Pipeline;
beforeAll(async () => {
  sandboxes = await Promise.all(Array.from({ length: SANDBOXES }, () => startSandbox()));
  pipeline = await openPipeline({ address: temporalAddress, comfyUrls: sandboxes.map(({ url }) => url) });
}, 120_000);
afterAll(async () => {
  await pipeline.close();
  await Promise.all(sandboxes.map((sandbox) => sandbox.close()));
});

test('200 lines x 8 candidates', { timeout: 900_000 }, async () => {
  const { cull } = pipeline;
  const policyPath = 'examples/policies/generic.yaml';
  const release = await readRelease('examples/templates/product.json', { policyPath, scorers: [], allowNodes: [] });
  const lines = Array.from({ length: LINES }, (_, seed) => JSON.stringify({ seed }));
  const { batch, invalid } = await startBatch(cull, {
    lines,
    window: 32,
    optionsOf: (line) => {
      const { seed } = line as { seed: number };
      const inputs = { prompt: PROMPT, width: 64, height: 64 };
      return { release, inputs, deliver: 1, candidates: CANDIDATES, seed };
    },
  });
  expect(invalid).toBe(0);

  const handle = cull.temporal.workflow.getHandle(batchWorkflowId('default', batch));
  const { counts, lines: all } = (await handle.result()) as BatchResult;
  expect(all).toBe(LINES);
  expect(counts.started).toBe(LINES);
  expect(counts.delivered + counts.shortfall).toBe(LINES);
  expect(counts).toMatchObject({ invalid: 0, failed: 0, cancelled: 0 });

  const rows: BatchRow[] = [];
  for await (const row of batchRows(cull, batch)) rows.push(row);
  expect(rows.map(({ line }) => line)).toEqual(Array.from({ length: LINES }, (_, n) => n + 1));
  expect(new Set(rows.map(({ request }) => request)).size).toBe(LINES);
  expect(rows.reduce((sum, { delivered }) => sum + delivered.length, 0)).toBe(counts.images);

  // each candidate was drawn once; a warm-up draws too: of no candidate, and it saves nothing
  const own = new Set(
    lines.flatMap((_, seed) => Array.from({ length: CANDIDATES }, (__, candidate) => deriveSeed(seed, candidate))),
  );
  const seeds = (await Promise.all(sandboxes.map((sandbox) => sandbox.seeds()))).flatMap((seen) =>
    Object.entries(seen),
  );
  const drawn = new Map<string, number>();
  for (const [seed, count] of seeds)
    if (count.saved > 0 || own.has(Number(seed))) drawn.set(seed, (drawn.get(seed) ?? 0) + count.drawn);
  expect(drawn.size).toBe(LINES * CANDIDATES);
  expect([...drawn.values()].every((count) => count === 1)).toBe(true);

  for await (const { workflowId, historyLength } of cull.temporal.workflow.list({
    query: `WorkflowId STARTS_WITH '${batchWorkflowId('default', batch)}' OR WorkflowId STARTS_WITH 'cull/default/${batch}.'`,
  }))
    expect(historyLength, workflowId).toBeLessThan(MAX_EVENTS);
});
