import { afterAll, describe, expect, it } from 'vitest';
import { CullError } from '../../../errors.js';
import { ComfyClient, createComfyProvider, type ComfyProvider } from '../../../providers/comfyui/index.js';
import type { GenerationJob } from '../../../providers/provider.js';
import { noise, txt2img, type Graph } from '../../sandbox/comfyui/graphs.js';
import { realServer } from '../../sandbox/comfyui/protocol/real.js';
import { address, watch } from './support.js';

const comfy = await realServer();
const client = new ComfyClient({ url: comfy.url });
const open: ComfyProvider[] = [];
afterAll(() => Promise.all(open.map((one) => one.close())));

function provider(): ComfyProvider {
  const made = createComfyProvider({ host: address(comfy.url) });
  open.push(made);
  return made;
}

/** Nothing of an earlier run is found again, and nobody else's. */
const request = `real-${process.pid}-${Date.now()}`;
let candidates = 0;

function jobFor(graph: Graph, output: string): GenerationJob {
  return { tenant: 'test', request, candidate: candidates++, attempt: 1, seed: 7, graph, output: [output], files: [] };
}

const usual = (steps = 8): GenerationJob =>
  jobFor(txt2img({ seed: 7 + candidates, steps, prefix: 'real', checkpoint: comfy.checkpoint }), '9');
const plain = (): GenerationJob => jobFor(noise({ seed: 7 + candidates, prefix: 'real', size: 128 }), '4');

const failure = async (result: Promise<unknown>): Promise<CullError> => {
  const error: unknown = await result.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(CullError);
  return error as CullError;
};

describe(`provider ${comfy.version}`, () => {
  it('draws a text-to-image graph, with progress', async () => {
    const run = watch(provider(), usual());
    expect(await run.result).toMatchObject({ format: 'png', width: 128, height: 128 });
    expect(run.progress).toContainEqual(expect.objectContaining({ node: '3', of: 8 }));
  });

  it('draws a graph without a model', async () => {
    expect(await watch(provider(), plain()).result).toMatchObject({ format: 'png', width: 128, height: 128 });
  });

  it('cancels what runs', async () => {
    const stop = new AbortController();
    const run = watch(provider(), usual(10_000), { signal: stop.signal });
    await run.until(({ step }) => step !== undefined);
    const { promptId } = await run.submitted;
    stop.abort();
    await expect(run.result).rejects.toThrow();
    await expect.poll(() => client.job(promptId), { timeout: 60_000 }).toMatchObject({ state: 'cancelled' });
  });

  it('cancels what waits, and leaves alone what runs', async () => {
    const stop = new AbortController();
    const [first, second] = [new AbortController(), provider()];
    const running = watch(second, usual(10_000), { signal: first.signal });
    await running.until(({ step }) => step !== undefined);
    const waiting = watch(second, plain(), { signal: stop.signal });
    const { promptId } = await waiting.submitted;
    await expect.poll(async () => (await client.queue()).pending.map((item) => item.promptId)).toEqual([promptId]);
    stop.abort();
    await expect(waiting.result).rejects.toThrow();
    const { running: now, pending } = await client.queue();
    expect([now.map((item) => item.promptId), pending]).toEqual([[(await running.submitted).promptId], []]);
    first.abort();
    await expect(running.result).rejects.toThrow();
  });

  it('attaches to what runs after a crash', async () => {
    const job = usual(24);
    const crashed = provider();
    const run = watch(crashed, job);
    await run.until(({ step }) => step !== undefined);
    const handle = await run.submitted;
    await crashed.close();
    await expect(run.result).rejects.toThrow('closed');
    const again = watch(provider(), { ...job, attempt: 2 }, { resume: handle });
    expect(await again.result).toMatchObject({ promptId: handle.promptId, width: 128 });
    expect(again.handles).toEqual([]);
  });

  it('says so where memory runs out, and goes on', async () => {
    const graph = noise({ seed: 1, prefix: 'real' });
    const huge = { width: 16384, height: 16384, batch_size: 4096, color: 0 };
    const job = jobFor({ ...graph, '1': { class_type: 'EmptyImage', inputs: huge } }, '4');
    expect((await failure(watch(provider(), job).result)).code).toBe('COMFY_OUT_OF_MEMORY');
    expect(await watch(provider(), plain()).result).toMatchObject({ width: 128 });
  });

  it('says so where a checkpoint is missing', async () => {
    const job = jobFor(txt2img({ seed: 1, prefix: 'real', checkpoint: 'no-such.safetensors' }), '9');
    const error = await failure(watch(provider(), job).result);
    expect(error.message + (error.hint ?? '')).toContain('no-such.safetensors');
  });

  it('says so where an input is wrong', async () => {
    const graph = noise({ seed: 1, prefix: 'real' });
    const bad = { ...graph, '3': { ...graph['3']!, inputs: { ...graph['3']!.inputs, sigma: 99 } } };
    const error = await failure(watch(provider(), jobFor(bad, '4')).result);
    expect(error.message).toMatch(/sigma/);
  });
});
