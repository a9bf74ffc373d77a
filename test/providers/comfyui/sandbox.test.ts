import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import sharp from 'sharp';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  ComfyClient,
  createComfyProvider,
  promptIdOf,
  type ComfyProvider,
  type ComfyTimeouts,
} from '../../../providers/comfyui/index.js';
import { startSandbox, type TestSandbox } from '../../support/sandbox.js';
import { address, jobFor, watch } from './support.js';

let a: TestSandbox;
let b: TestSandbox;
const open: ComfyProvider[] = [];

function provider(of: TestSandbox = a, timeouts: ComfyTimeouts = {}): ComfyProvider {
  const made = createComfyProvider({
    host: address(of.url),
    peers: [address(a.url), address(b.url)],
    timeouts: { giveUpMs: 5_000, refusedMs: 500, ...timeouts },
  });
  open.push(made);
  return made;
}

beforeAll(async () => {
  [a, b] = await Promise.all([startSandbox(), startSandbox()]);
});
afterAll(async () => {
  await Promise.all(open.map((one) => one.close()));
  await Promise.all([a.close(), b.close()]);
});
beforeEach(async () => {
  for (const one of [a, b]) {
    await one.config({ secondsPerImage: 0 });
    await one.reset();
  }
});

/** Progress is only a hint and may come late: the sandbox itself knows when it draws. */
const drawing = (sandbox: TestSandbox) =>
  vi.waitFor(async () => expect((await sandbox.log()).some(({ status }) => status === 'running')).toBe(true), {
    timeout: 20_000,
    interval: 20,
  });

const pixels = async (bytes: Uint8Array): Promise<string> => (await sharp(bytes).raw().toBuffer()).toString('base64');

describe('drawing', () => {
  it('draws the model-free graph and tells where', async () => {
    const job = await jobFor('noise', { inputs: { width: 64, height: 48 } });
    const run = watch(provider(), job);
    const drawn = await run.result;
    const promptId = promptIdOf({ ...job, turn: 0 });
    expect(drawn).toMatchObject({ format: 'png', width: 64, height: 48, host: address(a.url).id, promptId });
    expect(run.handles).toEqual([{ host: address(a.url).id, promptId }]);
    expect(drawn.timing.drawMs).toBeGreaterThanOrEqual(0);
    expect(JSON.stringify(run.handles[0]).length).toBeLessThan(200);
  });

  it('draws the usual text-to-image graph with progress by step', async () => {
    await a.config({ secondsPerImage: 0.2 });
    const run = watch(
      provider(),
      await jobFor('txt2img', { inputs: { prompt: 'a red mug 100% %width%', width: 64, height: 64 } }),
    );
    await run.result;
    expect(run.progress).toContainEqual(expect.objectContaining({ node: '3', of: 20 }));
  });

  it('gives the same pixels for the same seed, and others for another', async () => {
    const p = provider();
    const [one, same, other] = await Promise.all(
      [5, 5, 6].map(async (seed, i) =>
        pixels((await watch(p, await jobFor('noise', { seed, request: `r${i}` })).result).bytes),
      ),
    );
    expect(same).toBe(one);
    expect(other).not.toBe(one);
  });

  it('keeps many prompts of one connection apart', async () => {
    const p = provider();
    const jobs = await Promise.all(
      Array.from({ length: 12 }, (_, i) => jobFor('noise', { seed: i, inputs: { width: 32 + i, height: 32 } })),
    );
    const drawn = await Promise.all(jobs.map((job) => watch(p, job).result));
    expect(drawn.map((one) => one.width)).toEqual(jobs.map((_, i) => 32 + i));
    expect(await a.log()).toHaveLength(12);
  });

  it('sends an input file once per host, under its content', async () => {
    const bytes = await sharp({ create: { width: 40, height: 30, channels: 3, background: 'red' } })
      .png()
      .toBuffer();
    const job = await jobFor('noise');
    let opened = 0;
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const open = () => {
      opened++;
      return Promise.resolve({ size: bytes.length, body: Readable.from([bytes]) });
    };
    const files = [{ name: 'photo.png', sha256, open }];
    const graph = { ...job.graph, '1': { class_type: 'LoadImage', inputs: { image: 'photo.png' } } };
    const p = provider();
    for (const candidate of [1001, 1002]) {
      expect(await watch(p, { ...job, graph, files, candidate }).result).toMatchObject({ width: 40, height: 30 });
    }
    expect(opened).toBe(1);
    const [entry] = await new ComfyClient({ url: a.url }).history();
    expect(entry?.graph['1']?.inputs.image).toBe(`cull/acme/${sha256}.png`);
  });
});

describe('after a crash', () => {
  it('attaches to the running prompt instead of drawing again', async () => {
    await a.config({ secondsPerImage: 2 });
    const job = await jobFor('noise', { seed: 21 });
    const crashed = provider();
    const first = watch(crashed, job);
    const handle = await first.submitted;
    await drawing(a);
    await crashed.close();
    await expect(first.result).rejects.toThrow('closed');
    const second = watch(provider(), { ...job, attempt: 2 }, { resume: handle });
    expect((await second.result).promptId).toBe(handle.promptId);
    expect(second.handles).toEqual([]);
    expect((await a.log()).map((entry) => entry.status)).toEqual(['success']);
  });

  it('finishes it on the host that has it, from the worker of another', async () => {
    const job = await jobFor('noise');
    const handle = (await watch(provider(a), job).result.then((drawn) => drawn)).promptId;
    const resumed = await watch(
      provider(b),
      { ...job, attempt: 2 },
      { resume: { host: address(a.url).id, promptId: handle } },
    ).result;
    expect(resumed).toMatchObject({ host: address(a.url).id, promptId: handle });
    expect(await b.log()).toEqual([]);
  });

  it('finds its own prompt even without a handle', async () => {
    const job = await jobFor('noise');
    const first = await watch(provider(), job).result;
    expect((await watch(provider(), job).result).promptId).toBe(first.promptId);
    expect(await a.log()).toHaveLength(1);
  });

  it('draws here when the other host does not know it, failed it, or is not configured any more', async () => {
    const p = provider(b);
    const resumes = [
      { host: address(a.url).id, promptId: '00000000-0000-4000-8000-000000000000' },
      { host: address(a.url).id, promptId: '00000000-0000-4000-8000-000000000000', failed: true },
      { host: 'gone-8188', promptId: '00000000-0000-4000-8000-000000000000' },
    ];
    for (const resume of resumes) {
      expect(await watch(p, await jobFor('noise'), { resume }).result).toMatchObject({ host: address(b.url).id });
    }
  });

  it('draws here when the other host is gone', async () => {
    const c = await startSandbox();
    const gone = address(c.url);
    await c.close();
    const p = createComfyProvider({ host: address(b.url), peers: [gone], timeouts: { refusedMs: 200 } });
    open.push(p);
    const resume = { host: gone.id, promptId: '00000000-0000-4000-8000-000000000000' };
    expect(await watch(p, await jobFor('noise'), { resume }).result).toMatchObject({ host: address(b.url).id });
  });

  it('never uses an id again that failed', async () => {
    await a.config({ fault: { failSeeds: [66] } });
    const job = await jobFor('noise', { seed: 66 });
    const failed = watch(provider(), job);
    await expect(failed.result).rejects.toMatchObject({ code: 'COMFY_NODE_FAILED' });
    await a.config({ fault: { failSeeds: [] } });
    const again = await watch(provider(), job).result;
    expect(again.promptId).toBe(promptIdOf({ ...job, turn: 1 }));
  });
});

describe('cancelling', () => {
  it('interrupts the prompt that runs', async () => {
    await a.config({ secondsPerImage: 30 });
    const stop = new AbortController();
    const run = watch(provider(), await jobFor('txt2img', { inputs: { prompt: 'x', width: 64, height: 64 } }), {
      signal: stop.signal,
    });
    await drawing(a);
    stop.abort(new Error('not wanted any more'));
    await expect(run.result).rejects.toThrow('not wanted any more');
    expect((await a.log()).map((entry) => entry.status)).toEqual(['interrupted']);
  });

  it('takes the waiting one out of the queue and leaves the running one alone', async () => {
    await a.config({ secondsPerImage: 60 });
    const p = provider();
    const end = new AbortController();
    const running = watch(p, await jobFor('noise', { seed: 1 }), { signal: end.signal });
    await drawing(a);
    const stop = new AbortController();
    const waiting = watch(p, await jobFor('noise', { seed: 2 }), { signal: stop.signal });
    await vi.waitFor(async () => expect(await a.log()).toHaveLength(2), { timeout: 20_000 });
    stop.abort(new Error('stop'));
    await expect(waiting.result).rejects.toThrow('stop');
    expect((await a.log()).map((entry) => [entry.seed, entry.status])).toEqual([
      [1, 'running'],
      [2, 'dequeued'],
    ]);
    end.abort(new Error('end'));
    await expect(running.result).rejects.toThrow('end');
  });

  it('submits nothing if it is cancelled before', async () => {
    const run = watch(provider(), await jobFor('noise'), { signal: AbortSignal.abort(new Error('never')) });
    await expect(run.result).rejects.toThrow('never');
    expect(await a.log()).toEqual([]);
  });
});

describe('what goes wrong', () => {
  it('names node, title and class of a graph that is refused', async () => {
    const run = watch(
      provider(),
      await jobFor('txt2img', { inputs: { prompt: 'x', checkpoint: 'sd_xl_base_1.0.safetensor' } }),
    );
    await expect(run.result).rejects.toMatchObject({
      code: 'COMFY_INVALID_GRAPH',
      retry: false,
      message: expect.stringContaining('node 4 "Load Checkpoint" (CheckpointLoaderSimple)') as string,
      hint: expect.stringContaining('did you mean "sd_xl_base_1.0.safetensors"') as string,
      details: [
        expect.objectContaining({
          node: '4',
          title: 'Load Checkpoint',
          class: 'CheckpointLoaderSimple',
          input: 'ckpt_name',
        }),
      ],
    });
    expect(await a.log()).toEqual([]);
  });

  it('names a class that the host does not have', async () => {
    const job = await jobFor('noise');
    const graph = { ...job.graph, '3': { ...job.graph['3']!, class_type: 'FancyBlur' } };
    await expect(watch(provider(), { ...job, graph }).result).rejects.toMatchObject({
      code: 'COMFY_INVALID_GRAPH',
      details: [expect.objectContaining({ node: '3', class: 'FancyBlur', title: 'Blur' })],
    });
  });

  it('names the node that failed', async () => {
    await a.config({ fault: { failSeeds: [13] } });
    await expect(watch(provider(), await jobFor('noise', { seed: 13 })).result).rejects.toMatchObject({
      code: 'COMFY_NODE_FAILED',
      details: { node: expect.any(String) as string, class: expect.any(String) as string },
    });
  });

  it.each(['truncateViews', 'cutViews', 'textViews'] as const)('downloads again after %s', async (fault) => {
    await a.config({ fault: { [fault]: 2 } });
    expect(await watch(provider(), await jobFor('noise')).result).toMatchObject({ width: 256 });
  });

  it.each(['truncateViews', 'textViews'] as const)('gives up when every download is bad (%s)', async (fault) => {
    await a.config({ fault: { [fault]: 99 } });
    await expect(watch(provider(), await jobFor('noise')).result).rejects.toMatchObject({
      code: 'COMFY_OUTPUT_NOT_AN_IMAGE',
      retry: true,
    });
  });

  it('carries on without the websocket', async () => {
    await a.config({ secondsPerImage: 2 });
    const run = watch(provider(), await jobFor('noise'));
    await drawing(a);
    await a.config({ fault: { dropConnections: true } });
    expect(await run.result).toMatchObject({ width: 256 });
  });

  it('waits out a host that refuses for a moment', async () => {
    await a.config({ secondsPerImage: 2 });
    const run = watch(provider(a, { refusedMs: 4_000 }), await jobFor('noise'));
    await drawing(a);
    await a.config({ fault: { refuseMs: 700 } });
    expect(await run.result).toMatchObject({ width: 256 });
    expect((await a.log()).filter((entry) => entry.drawn)).toHaveLength(1);
  });

  it('gives up a host that is gone, and says how it is', async () => {
    const c = await startSandbox();
    const p = provider(c, { refusedMs: 100 });
    expect(await p.health()).toMatchObject({ ok: true, queueDepth: 0 });
    await c.close();
    expect(await p.health()).toMatchObject({ ok: false, reason: expect.stringContaining('does not answer') as string });
    await expect(watch(p, await jobFor('noise')).result).rejects.toMatchObject({
      code: 'COMFY_UNREACHABLE',
      retry: true,
    });
  });
});
