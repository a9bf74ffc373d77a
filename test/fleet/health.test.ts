/** ComfyUIs that answer and do not draw: found, told, restarted, and nothing is lost on them. */
import { randomUUID } from 'node:crypto';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { hostId } from '../../providers/comfyui/index.js';
import { openPipeline } from '../support/pipeline.js';
import { startSandbox, startSandboxProcess } from '../support/sandbox.js';
import { drawnTimes, until, untilHost } from './support.js';
import { temporalAddress } from '../support/temporal-address.js';

/** What somebody else sends. The second node has no inputs, as in prompts that stop a real ComfyUI's worker. */
const POISON = {
  '1': { class_type: 'EmptyImage', inputs: { width: 16, height: 16, batch_size: 1, color: 0 } },
  '2': { class_type: 'PreviewImage', inputs: { images: ['1', 0] } },
  '3': { class_type: 'EmptyImage' },
};
const post = async (url: string, graph: unknown) => {
  const body = JSON.stringify({ prompt: graph, prompt_id: randomUUID(), client_id: 'somebody' });
  expect((await fetch(`${url}/prompt`, { method: 'POST', body })).status).toBe(200);
};

test('a dead worker thread is told and its candidates are drawn elsewhere', async () => {
  const [dead, alive] = await Promise.all([
    startSandbox({ secondsPerImage: 60 }),
    startSandbox({ secondsPerImage: 0.05 }),
  ]);
  const pipeline = await openPipeline({ address: temporalAddress, comfyUrls: [dead.url, alive.url] });
  try {
    await untilHost(pipeline.cull, hostId(dead.url), 'serving');
    await dead.config({ fault: { deadWorker: true } });
    await post(dead.url, POISON);
    const request = await pipeline.generate({ candidates: 8 });
    expect(await untilHost(pipeline.cull, hostId(dead.url), 'unhealthy')).toMatchObject({ needsRestart: true });
    const { result, records } = await pipeline.end(request);
    expect(result.counts).toMatchObject({ drawn: 8, scored: 8, lost: 0 });
    expect(new Set(records.map(({ host }) => host))).toEqual(new Set([hostId(alive.url)]));
    expect([...(await drawnTimes([alive])).values()]).toEqual(Array(8).fill(1));
  } finally {
    await pipeline.close();
    await Promise.all([dead.close(), alive.close()]);
  }
});

test('the restart command runs, and the request goes on once it has helped', async () => {
  const sick = await startSandboxProcess({ secondsPerImage: 0.05 });
  const port = Number(new URL(sick.url).port);
  const pipeline = await openPipeline({
    address: temporalAddress,
    comfyUrls: [sick.url],
    env: { CULL_COMFYUI_RESTART: 'echo restarting $CULL_COMFYUI_ID; touch "$CULL_DIR-restart"' },
  });
  try {
    await untilHost(pipeline.cull, hostId(sick.url), 'serving');
    await sick.config({ fault: { deadWorker: true } });
    await post(sick.url, POISON);
    const request = await pipeline.generate({ candidates: 3 });
    const exists = () =>
      access(join(pipeline.dir, '.cull-restart')).then(
        () => true,
        () => false,
      );
    await until(exists);
    await sick.kill('SIGKILL');
    const fresh = await startSandboxProcess({ port, secondsPerImage: 0.05 });
    const { result } = await pipeline.end(request);
    expect(result.counts).toMatchObject({ drawn: 3, scored: 3, lost: 0 });
    expect(pipeline.worker.lines.join('\n')).toContain(`restarting ${hostId(sick.url)}`);
    expect(await untilHost(pipeline.cull, hostId(sick.url), 'serving')).toMatchObject({ needsRestart: false });
    await fresh.close();
  } finally {
    await pipeline.close();
  }
});

test('a ComfyUI that fails fast gets a rest and the other draws', async () => {
  const [broken, well] = await Promise.all([
    startSandbox({ secondsPerImage: 0 }),
    startSandbox({ secondsPerImage: 0.2 }),
  ]);
  const pipeline = await openPipeline({ address: temporalAddress, comfyUrls: [broken.url, well.url] });
  try {
    await broken.config({ fault: { diskFull: 1_000 } });
    // one request may be drawn by the other alone, before this one has failed often enough, or is tried again
    const drawUntil = async (state: 'paused' | 'serving') => {
      const reached = untilHost(pipeline.cull, hostId(broken.url), state);
      for (let isReached = false; !isReached;) {
        const request = await pipeline.generate({ candidates: 24 });
        const ended = pipeline.end(request);
        isReached = await Promise.race([reached.then(() => true), ended.then(() => false)]);
        expect((await ended).result.counts).toMatchObject({ drawn: 24, lost: 0 });
      }
      return reached;
    };
    expect(await drawUntil('paused')).toMatchObject({
      reason: expect.stringContaining('5 candidates in a row') as string,
    });
    expect((await broken.log()).length).toBeLessThan(24);
    await broken.config({ fault: { diskFull: 0 } });
    await drawUntil('serving');
  } finally {
    await pipeline.close();
    await Promise.all([broken.close(), well.close()]);
  }
});

test('a card that is full while nothing runs makes it unhealthy', async () => {
  const comfy = await startSandbox();
  await comfy.config({ fault: { vramFree: 1_000_000 } });
  const pipeline = await openPipeline({ address: temporalAddress, comfyUrls: [comfy.url] });
  try {
    expect((await untilHost(pipeline.cull, hostId(comfy.url), 'unhealthy')).reason).toMatch(
      /MiB free while nothing runs/,
    );
    await comfy.config({ fault: { vramFree: -1 } });
    await untilHost(pipeline.cull, hostId(comfy.url), 'serving');
  } finally {
    await pipeline.close();
    await comfy.close();
  }
});
