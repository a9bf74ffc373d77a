/** What a dead worker leaves in a ComfyUI that others use, too. */
import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { hostId } from '../../providers/comfyui/index.js';
import { openPipeline } from '../support/pipeline.js';
import { startSandbox } from '../support/sandbox.js';
import { startWorker } from '../support/worker-process.js';
import { drawnTimes, until } from './support.js';
import { temporalAddress } from '../support/temporal-address.js';

/** A picture whose first seeded node takes the sandbox's time. */
const graph = (seed: number) => ({
  '1': { class_type: 'EmptyImage', inputs: { width: 16, height: 16, batch_size: 1, color: 0 } },
  '2': { class_type: 'ImageAddNoise', inputs: { image: ['1', 0], seed, strength: 0.5 } },
  '3': { class_type: 'SaveImage', inputs: { images: ['2', 0], filename_prefix: `foreign/${seed}` } },
});

async function post(url: string, seed: number, extraData: Record<string, unknown> = {}): Promise<string> {
  const prompt_id = randomUUID();
  const prompt = { prompt: graph(seed), prompt_id, client_id: 'somebody', extra_data: extraData };
  const answer = await fetch(`${url}/prompt`, { method: 'POST', body: JSON.stringify(prompt) });
  expect(answer.status).toBe(200);
  return prompt_id;
}

test('kill -9 with prompts waiting among those of others: ours are attached to, ended ones cleared, others untouched', async () => {
  const comfy = await startSandbox({ secondsPerImage: 0.1 });
  const host = hostId(comfy.url);
  const pipeline = await openPipeline({ address: temporalAddress, comfyUrls: [comfy.url] });
  const ids = async (status: string) =>
    (await comfy.log()).filter((entry) => entry.status === status).map(({ promptId }) => promptId);
  try {
    const { request: ended } = (await pipeline.end(await pipeline.generate({ candidates: 1 }))).result;
    await comfy.reset();
    // Slow until the next worker has looked through the queue.
    await comfy.config({ secondsPerImage: 5 });

    const foreign = [await post(comfy.url, 1), await post(comfy.url, 2)];
    const request = await pipeline.generate({ candidates: 4 });
    await until(async () => (await comfy.log()).length === 4);
    const mark = { pool: 'default', host, tenant: 'default', request: ended, candidate: 0 };
    const [unwanted, elsewhere, unknown, odd] = [
      await post(comfy.url, 3, { cull: mark }),
      await post(comfy.url, 4, { cull: { ...mark, host: 'another' } }),
      await post(comfy.url, 5, { cull: { ...mark, request: 'of-another-installation' } }),
      await post(comfy.url, 6, { cull: { ...mark, tenant: '../..' } }),
    ];
    await pipeline.worker.kill('SIGKILL');
    const left = await ids('pending');
    expect(left).toContain(unwanted);

    const next = await startWorker(pipeline.env);
    await until(async () => (await ids('dequeued')).includes(unwanted));
    await comfy.config({ secondsPerImage: 0.1 });
    const { result } = await pipeline.end(request);
    expect(result.counts).toMatchObject({ drawn: 4, scored: 4, lost: 0 });
    const all = [...foreign, elsewhere, unknown, odd];
    await until(async () => {
      const succeeded = await ids('success');
      return all.every((id) => succeeded.includes(id));
    });
    // 4 of the request, 5 of others, each once: nothing of ours was sent a second time.
    expect([...(await drawnTimes([comfy])).values()]).toEqual(Array(9).fill(1));
    expect(await comfy.log()).toHaveLength(10);
    await next.kill('SIGTERM');
  } finally {
    await pipeline.close();
    await comfy.close();
  }
});
