/** Whose turn it is: a tenant with a long backlog beside one who asks for four images. Asserted on the order in which ComfyUIs get prompts, not on seconds. */
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { cancelBatch } from '../../client/batch-reads.js';
import { startBatch } from '../../client/batch.js';
import type { Cull } from '../../client/cull.js';
import { countQueued } from '../../client/load.js';
import { readRelease } from '../../cli/release.js';
import { DEFAULT_SLOTS } from '../../fleet/members.js';
import { deriveSeed } from '../../selection/seeds.js';
import { bestOfNWorkflowId } from '../../workflows/contract.js';
import { INPUTS, openPipeline, type Pipeline } from '../support/pipeline.js';
import { startSandbox, type TestSandbox } from '../support/sandbox.js';
import { temporalAddress } from '../support/temporal-address.js';

const HOSTS = 2;
/** Candidates that ComfyUIs have already when the other tenant comes: one draws, one waits, on each. */
const TAKEN = HOSTS * DEFAULT_SLOTS;
const BACKLOG = 32;
const IMAGES = 4;
const SEED = 99;
const REQUESTS = 8;

let sandboxes: TestSandbox[];
let pipeline: Pipeline;
let release: Awaited<ReturnType<typeof readRelease>>;
let big: Cull;
let small: Cull;
beforeAll(async () => {
  const policyPath = 'examples/policies/generic.yaml';
  release = await readRelease('examples/templates/product.json', { policyPath, scorers: [], allowNodes: [] });
  sandboxes = await Promise.all(Array.from({ length: HOSTS }, () => startSandbox({ secondsPerImage: 0.6 })));
  pipeline = await openPipeline({ address: temporalAddress, comfyUrls: sandboxes.map(({ url }) => url) });
  big = pipeline.cull.forTenant('big');
  small = pipeline.cull.forTenant('small');
});
afterAll(async () => {
  await pipeline.close();
  await Promise.all(sandboxes.map((sandbox) => sandbox.close()));
});
beforeEach(() => Promise.all(sandboxes.map((sandbox) => sandbox.reset())));

const asked = (seed: number) => ({ release, inputs: INPUTS, deliver: 1, candidates: 24, seed });

/** Asks for four images once the backlog is there; how many of the other tenant's prompts were submitted between then and the last of the four. */
async function overtakenBy(): Promise<number> {
  await vi.waitFor(async () => expect(await countQueued(big)).toBeGreaterThanOrEqual(BACKLOG), {
    timeout: 60_000,
    interval: 50,
  });
  const request = await small.generate({ ...asked(SEED), deliver: IMAGES, candidates: IMAGES });
  await vi.waitFor(async () => expect(await small.result(request)).toBeDefined(), { timeout: 120_000, interval: 50 });
  const handle = small.temporal.workflow.getHandle(bestOfNWorkflowId('small', request));
  const { events = [] } = await handle.fetchHistory();
  const scheduled = (events ?? []).flatMap(({ eventTime, activityTaskScheduledEventAttributes: activity }) =>
    activity?.activityType?.name === 'generate'
      ? [Number(eventTime?.seconds) * 1_000 + (eventTime?.nanos ?? 0) / 1e6]
      : [],
  );
  expect(scheduled).toHaveLength(IMAGES);
  const own = new Set(Array.from({ length: IMAGES }, (_, candidate) => deriveSeed(SEED, candidate)));
  const log = (await Promise.all(sandboxes.map((sandbox) => sandbox.log()))).flat();
  const last = Math.max(...log.filter(({ seed }) => seed !== null && own.has(seed)).map((one) => one.submittedMs));
  const queued = Math.max(...scheduled);
  return log.filter(
    ({ seed, submittedMs }) => seed !== null && !own.has(seed) && submittedMs > queued && submittedMs < last,
  ).length;
}

test('an interactive request goes before what is left of a batch', async () => {
  const lines = Array.from({ length: REQUESTS }, (_, seed) => JSON.stringify(seed));
  const { batch } = await startBatch(big, { lines, optionsOf: (seed) => asked(seed as number) });
  // what was on its way to a ComfyUI when the request came, and nothing else
  expect(await overtakenBy()).toBeLessThanOrEqual(TAKEN);
  await cancelBatch(big, batch);
  for (let n = 1; n <= REQUESTS; n++)
    await vi.waitFor(async () => expect(await big.result(`${batch}.00000${n}`)).toBeDefined(), 60_000);
});

test('among interactive requests tenants take turns', async () => {
  const requests = await Promise.all(Array.from({ length: REQUESTS }, (_, seed) => big.generate(asked(100 + seed))));
  // besides that, one of the other's for each of its own
  expect(await overtakenBy()).toBeLessThanOrEqual(TAKEN + IMAGES);
  await Promise.all(requests.map((request) => big.cancel(request)));
});
