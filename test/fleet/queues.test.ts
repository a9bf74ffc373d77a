/** Queues by models: who has them loaded draws, nobody starves, models are loaded ahead. */
import { expect, test } from 'vitest';
import { hostId } from '../../providers/comfyui/index.js';
import { modelSet } from '../../templates/models.js';
import { gpuQueue } from '../../workflows/contract.js';
import { INPUTS, openPipeline, type Pipeline } from '../support/pipeline.js';
import { startSandbox } from '../support/sandbox.js';
import { until } from './support.js';
import { temporalAddress } from '../support/temporal-address.js';

const CHECKPOINTS = ['v1-5-pruned-emaonly-fp16.safetensors', 'other.safetensors'];
const queueOf = (checkpoint: string) => gpuQueue('default', modelSet([checkpoint]));

/** A request of the product template that draws with the given checkpoint. */
const generate = (pipeline: Pipeline, checkpoint: string, candidates: number): Promise<string> =>
  pipeline.generate({ inputs: { ...INPUTS, checkpoint }, candidates });

const serving = async (pipeline: Pipeline) =>
  Object.fromEntries((await pipeline.cull.hosts()).map(({ host, queue }) => [host, queue]));

test('two idle ComfyUIs take over a new set of models at once; the next request of that set finds it loaded', async () => {
  const sandboxes = await Promise.all(
    [1, 2].map(() => startSandbox({ secondsPerImage: 0.2, loadSeconds: 0.5, checkpoints: CHECKPOINTS })),
  );
  const pipeline = await openPipeline({
    address: temporalAddress,
    comfyUrls: sandboxes.map(({ url }) => url),
  });
  try {
    for (const checkpoint of CHECKPOINTS) {
      const { result } = await pipeline.end(await generate(pipeline, checkpoint, 8));
      expect(result.counts).toMatchObject({ drawn: 8, scored: 8, lost: 0 });
      const queue = queueOf(checkpoint);
      expect(Object.values(await serving(pipeline))).toEqual([queue, queue]);
    }
    for (const sandbox of sandboxes) expect((await sandbox.log()).some(({ drawn }) => drawn)).toBe(true);
  } finally {
    await pipeline.close();
    await Promise.all(sandboxes.map((sandbox) => sandbox.close()));
  }
});

test('a busy ComfyUI opens a queue that has waited, and comes back', async () => {
  const comfy = await startSandbox({ secondsPerImage: 0.1, checkpoints: CHECKPOINTS });
  const env = { CULL_COLD_QUEUE_SECONDS: '2' };
  const pipeline = await openPipeline({ address: temporalAddress, comfyUrls: [comfy.url], env });
  try {
    const long = await generate(pipeline, CHECKPOINTS[0]!, 120);
    await until(async () => (await comfy.log()).length > 2);
    const short = await generate(pipeline, CHECKPOINTS[1]!, 2);
    const { result } = await pipeline.end(short);
    expect(result.counts).toMatchObject({ drawn: 2, lost: 0 });
    expect(await pipeline.cull.result(long)).toBeUndefined();
    await until(async () => (await serving(pipeline))[hostId(comfy.url)] === queueOf(CHECKPOINTS[0]!));
    expect((await pipeline.end(long)).result.counts).toMatchObject({ drawn: 120, lost: 0 });
    expect((await comfy.log()).filter(({ drawn }) => drawn)).toHaveLength(122);
  } finally {
    await pipeline.close();
    await comfy.close();
  }
});

test('a ComfyUI that is needed but gets no candidate loads the models ahead', async () => {
  const sandboxes = await Promise.all(
    [1, 2].map(() => startSandbox({ secondsPerImage: 2, loadSeconds: 0.1, checkpoints: CHECKPOINTS })),
  );
  const pipeline = await openPipeline({
    address: temporalAddress,
    comfyUrls: sandboxes.map(({ url }) => url),
  });
  try {
    const request = await generate(pipeline, CHECKPOINTS[0]!, 1);
    await pipeline.end(request);
    const next = await generate(pipeline, CHECKPOINTS[1]!, 3);
    await until(async () =>
      Object.values(await serving(pipeline)).every((queue) => queue === queueOf(CHECKPOINTS[1]!)),
    );
    await pipeline.end(next);
    const hosts = await pipeline.cull.hosts();
    expect(hosts.map(({ loaded }) => loaded)).toEqual([queueOf(CHECKPOINTS[1]!), queueOf(CHECKPOINTS[1]!)]);
  } finally {
    await pipeline.close();
    await Promise.all(sandboxes.map((sandbox) => sandbox.close()));
  }
});
