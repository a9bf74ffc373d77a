/** What fails for good, and a release that always fails: as their operator meets them, on two ComfyUIs. */
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { readRelease } from '../../cli/release.js';
import { startBatch } from '../../client/batch.js';
import { deriveSeed } from '../../selection/seeds.js';
import type { DeadLetterDoc, QuarantineDoc } from '../../workflows/contract.js';
import { runCli } from '../support/cli.js';
import { INPUTS, openPipeline, type Pipeline } from '../support/pipeline.js';
import { startSandbox, type TestSandbox } from '../support/sandbox.js';
import { openService } from '../support/service.js';
import { temporalAddress } from '../support/temporal-address.js';

const SEED = 7;
let sandboxes: TestSandbox[];
let pipeline: Pipeline;
beforeAll(async () => {
  sandboxes = await Promise.all([startSandbox(), startSandbox()]);
  pipeline = await openPipeline({
    address: temporalAddress,
    comfyUrls: sandboxes.map(({ url }) => url),
  });
});
afterAll(async () => {
  await pipeline.close();
  await Promise.all(sandboxes.map((sandbox) => sandbox.close()));
});

const cli = (...args: string[]) => runCli(args, { env: pipeline.env, cwd: pipeline.dir });
const lines = <T>(text: string): T[] =>
  text
    .trim()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T);
const readProduct = () =>
  readRelease('examples/templates/product.json', {
    policyPath: 'examples/policies/generic.yaml',
    scorers: [],
    allowNodes: [],
  });
/** The sampler fails on the only candidate of these, on every ComfyUI. */
const bad = (key: string) => pipeline.generate({ key, inputs: { ...INPUTS, prompt: key }, candidates: 1, seed: SEED });

test('a release that fails alike on two ComfyUIs is held back until it is released; its letters are listed and tried again', async () => {
  // with more candidates than one takes at once, both ComfyUIs come to serve the queue of these models, and stay
  for (const sandbox of sandboxes) await sandbox.config({ secondsPerImage: 0.3 });
  const first = await pipeline.generate({ key: 'well', candidates: 16 });
  await vi.waitUntil(
    async () => {
      const queues = (await pipeline.cull.hosts()).map(({ queue }) => queue ?? '');
      return queues.length === 2 && queues.every((queue) => queue !== '' && queue === queues[0]);
    },
    { timeout: 60_000, interval: 50 },
  );
  await pipeline.end(first);
  for (const sandbox of sandboxes) await sandbox.config({ secondsPerImage: 0 });

  const fault = { failSeeds: [deriveSeed(SEED, 0)] };
  for (const sandbox of sandboxes) await sandbox.config({ fault });
  for (const key of ['one', 'two', 'three']) {
    const { result } = await pipeline.end(await bad(key));
    expect(result).toMatchObject({ state: 'shortfall', counts: { lost: 1 } });
  }

  const listed = lines<DeadLetterDoc>((await cli('dead', 'list', '--json')).stdout);
  expect(listed.map(({ request }) => request)).toEqual(['three', 'two', 'one']);
  const hosts = sandboxes.map(({ url }) => new URL(url).host.replace(':', '-')).sort();
  for (const { failures } of listed) expect(failures).toMatchObject([{ code: 'COMFY_NODE_FAILED', lost: 1 }]);
  expect([...new Set(listed.flatMap(({ failures }) => failures.flatMap((one) => one.hosts ?? [])))].sort()).toEqual(
    hosts,
  );
  expect((await cli('dead', 'list')).stdout).toMatch(
    /^\S+Z {2}three +shortfall +0\/1 +1\/1 lost {2}COMFY_NODE_FAILED x1$/m,
  );
  expect((await cli('dead', 'show', 'one')).stdout).toMatch(/inputs +prompt = "one"/);
  expect((await cli('dead', 'list', '--tenant', 'rival')).stderr).toContain('no dead letter');

  // held back: nothing is stored, nothing is drawn, whoever asks how
  const drawn = await drawings();
  await expect(bad('four')).rejects.toMatchObject({ code: 'RELEASE_QUARANTINED' });
  await expect(pipeline.cull.requestDoc('four')).rejects.toMatchObject({ code: 'REQUEST_NOT_FOUND' });
  await expect(bad('one')).resolves.toBe('one');
  const refused = await cli('dead', 'retry', 'one');
  expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('RELEASE_QUARANTINED') as string]);
  const service = await openService(pipeline.cull);
  const body = { template: 'product', policy: 'generic', inputs: { ...INPUTS, prompt: 'five' }, candidates: 1 };
  const posted = await service.call('POST', '/v1/requests', { body });
  expect([posted.status, await posted.json()]).toMatchObject([409, { code: 'RELEASE_QUARANTINED', retry: false }]);
  expect((await service.call('POST', '/v1/requests', { body, tenant: 'rival' })).status).toBe(202);
  service.end();
  const batch = await startBatch(pipeline.cull, {
    lines: ['{"seed":1}'],
    optionsOf: async (line) => ({ release: await readProduct(), inputs: INPUTS, deliver: 1, ...(line as object) }),
  });
  expect(batch).toMatchObject({ lines: 1, invalid: 1, refused: [{ line: 1, code: 'RELEASE_QUARANTINED' }] });
  expect(await drawings()).toBeLessThanOrEqual(drawn + 1);

  // the cause is mended
  for (const sandbox of sandboxes) await sandbox.reset();
  const [doc] = lines<QuarantineDoc>((await cli('quarantine', 'list', '--json')).stdout);
  expect(doc?.held).toMatchObject([{ tenant: 'default', evidence: [{}, {}, {}] }]);
  const name = doc!.release.replace('sha256:', '').slice(0, 12);
  expect((await cli('quarantine', 'release', name)).stdout).toContain('of product may draw again');
  expect((await cli('quarantine', 'release', name)).stderr).toContain('QUARANTINE_NOT_FOUND');
  expect((await cli('quarantine', 'list')).stderr).toContain('no release is held back');

  const again = lines((await cli('dead', 'retry', 'one', 'two', '--json')).stdout);
  expect(again).toEqual(['one', 'two'].map((request) => ({ request, retriedAs: `${request}-again1` })));
  expect(lines((await cli('dead', 'retry', 'one', '--json')).stdout)).toEqual(again.slice(0, 1));
  const { result } = await pipeline.end('one-again1');
  expect(result.state).toBe('delivered');
  const retried = await pipeline.cull.requestDoc('one-again1');
  expect(retried).toMatchObject({ retryOf: 'one', inputs: { prompt: 'one' } });
  expect(retried.seed).not.toBe(SEED);
  expect((await cli('dead', 'show', 'one')).stdout).toContain('comfy-cull status one-again1');

  await cli('dead', 'drop', 'one', 'two');
  const left = lines<DeadLetterDoc>((await cli('dead', 'list', '--json')).stdout);
  expect(left.map(({ request }) => request)).toEqual(['three']);
  expect((await cli('dead', 'show', 'one')).stderr).toContain('DEAD_LETTER_NOT_FOUND');
});

test('a graph that both refuse leaves a letter with both of them', async () => {
  const key = 'refused';
  await pipeline.generate({ key, inputs: { ...INPUTS, checkpoint: 'missing.safetensors' }, candidates: 8 });
  await pipeline.end(key);
  const [letter] = lines<DeadLetterDoc>((await cli('dead', 'show', key, '--json')).stdout);
  expect(letter).toMatchObject({ state: 'failed', failures: [{ code: 'COMFY_INVALID_GRAPH', lost: 0 }] });
  expect(letter?.failures[0]?.hosts?.length).toBeGreaterThan(0);
  expect((await cli('dead', 'show', key)).stdout).toContain('a template or an input is at fault');
});

const drawings = async (): Promise<number> =>
  (await Promise.all(sandboxes.map((sandbox) => sandbox.log()))).flat().length;
