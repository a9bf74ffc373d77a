import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  ComfyClient,
  ComfyEvents,
  createComfyProvider,
  type ComfyEvent,
  type ComfyTimeouts,
} from '../../../providers/comfyui/index.js';
import { startSandbox, type TestSandbox } from '../../support/sandbox.js';
import { address, jobFor, watch } from './support.js';

/** The faults of a ComfyUI that events and waiting are about, played by the sandbox. */

let comfy: TestSandbox;
const cleanUp: (() => unknown)[] = [];
beforeAll(async () => {
  comfy = await startSandbox();
});
afterAll(() => comfy.close());
afterEach(async () => {
  for (const one of cleanUp.splice(0).reverse()) await one();
  await comfy.config({ secondsPerImage: 0 });
  await comfy.reset();
});

function provider(timeouts: ComfyTimeouts = {}, of = comfy) {
  const made = createComfyProvider({ host: address(of.url), timeouts: { giveUpMs: 5_000, ...timeouts } });
  cleanUp.push(() => made.close());
  return made;
}
const txt2img = (seed: number) => jobFor('txt2img', { seed, inputs: { prompt: 'x', width: 64, height: 64 } });
const drawn = async (): Promise<number> => (await comfy.log()).filter((entry) => entry.drawn).length;

describe('a ComfyUI', () => {
  it('that refuses websockets is drawn on by polling alone', async () => {
    await comfy.config({ secondsPerImage: 0.5, fault: { noWebsocket: true } });
    const run = watch(provider(), await txt2img(1));
    expect(await run.result).toMatchObject({ width: 64 });
    expect(run.progress).toEqual([]);
    expect(await drawn()).toBe(1);
  });

  it.each([
    ['loses the start, a node and the end', { loseEvents: 40 }],
    ['cuts the connection in the middle', { dropAtEvent: 6 }],
    ['has a clock that is two hours off', { clockSkewMs: -7_200_000 }],
  ])('that %s is drawn on once', async (_, fault) => {
    await comfy.config({ secondsPerImage: 0.5, fault });
    expect(await watch(provider(), await txt2img(2)).result).toMatchObject({ width: 64 });
    expect(await drawn()).toBe(1);
  });

  it('whose sampler hangs is told to stop, and the error names the node', async () => {
    await comfy.config({ fault: { stallPrompts: 1 } });
    const run = watch(provider({ noProgressMs: 400 }), await txt2img(3));
    await expect(run.result).rejects.toMatchObject({
      code: 'COMFY_STALLED',
      message: expect.stringContaining('KSampler') as string,
      details: { limit: 'noProgressMs', node: '3', cancelled: true },
    });
    expect((await comfy.log()).map(({ status }) => status)).toEqual(['interrupted']);
  });

  it('whose worker thread dies is found out by the prompt that ran', async () => {
    const dying = await startSandbox({ secondsPerImage: 0.5 });
    cleanUp.push(() => dying.close());
    await dying.config({ fault: { deadWorker: true } });
    const p = provider({ noProgressMs: 1_000, workerDeadMs: 1_000 }, dying);
    await expect(watch(p, await txt2img(4)).result).rejects.toMatchObject({
      code: 'COMFY_WORKER_DEAD',
      hint: expect.stringContaining('restart') as string,
      details: { state: 'running', cancelled: false },
    });
  });
});

describe('events of a sandbox', () => {
  it('come back after the connection was cut, for prompts submitted then', async () => {
    await comfy.config({ secondsPerImage: 0.2 });
    const client = new ComfyClient({ url: comfy.url });
    const events = new ComfyEvents({ address: client.address, reconnectMs: 5 });
    cleanUp.push(() => events.close());
    await events.ready();
    const lost = events.subscribe();
    await comfy.config({ fault: { dropConnections: true } });
    for await (const { type } of lost) if (type === 'disconnected') break;
    for await (const { type } of events.subscribe()) if (type === 'connected') break;
    const { graph } = await txt2img(5);
    const promptId = 'a9d1f3c0-0000-4000-8000-000000000005';
    const news = events.subscribe({ promptId });
    await client.submit({ graph, promptId, clientId: events.clientId });
    const seen: ComfyEvent['type'][] = [];
    for await (const event of news) {
      seen.push(event.type);
      if (event.type === 'executing' && event.node === null) break;
    }
    expect(seen.filter((type) => type === 'unknown')).toEqual([]);
    expect(seen).toEqual(expect.arrayContaining(['execution_start', 'progress', 'executed', 'execution_success']));
    expect((await client.job(promptId)).state).toBe('succeeded');
  });
});
