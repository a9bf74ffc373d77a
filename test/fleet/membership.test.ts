/** ComfyUIs come and go while a request runs. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { addComfy, drainComfy, removeComfy } from '../../fleet/registry.js';
import { hostId } from '../../providers/comfyui/index.js';
import { runCli } from '../support/cli.js';
import { openPipeline } from '../support/pipeline.js';
import { startSandbox, type TestSandbox } from '../support/sandbox.js';
import { startWorker } from '../support/worker-process.js';
import { drawnTimes, until, untilHost } from './support.js';
import { temporalAddress } from '../support/temporal-address.js';

let sandboxes: TestSandbox[];
beforeAll(async () => {
  // the first is slow: enough waits for the second whatever this machine can score
  sandboxes = await Promise.all([2, 0.2].map((secondsPerImage) => startSandbox({ secondsPerImage })));
});
afterAll(() => Promise.all(sandboxes.map((sandbox) => sandbox.close())));
beforeEach(() => Promise.all(sandboxes.map((sandbox) => sandbox.reset())));

const drew = async (sandbox: TestSandbox) => (await sandbox.log()).some(({ drawn }) => drawn);

test('one is added, the other drained and removed while a request runs: all is drawn once', async () => {
  const [first, second] = sandboxes.map(({ url }) => ({ url, id: hostId(url) }));
  const pipeline = await openPipeline({ address: temporalAddress, comfyUrls: [first!.url] });
  const { cull } = pipeline;
  try {
    const request = await pipeline.generate({ candidates: 24, deliver: 24 });
    await until(() => drew(sandboxes[0]!));
    await addComfy(cull.storage, { url: second!.url });
    await until(() => drew(sandboxes[1]!));
    await drainComfy(cull.storage, first!.id);
    await untilHost(cull, first!.id, 'drained');
    const before = (await sandboxes[0]!.log()).length;
    const { result, records } = await pipeline.end(request);
    expect(result.counts).toMatchObject({ drawn: 24, scored: 24, lost: 0 });
    expect([...(await drawnTimes(sandboxes)).values()]).toEqual(Array(24).fill(1));
    expect(await sandboxes[0]!.log()).toHaveLength(before);
    expect(new Set(records.map(({ host }) => host))).toEqual(new Set([first!.id, second!.id]));

    await removeComfy(cull.storage, second!.id);
    await until(async () => !(await cull.hosts()).some(({ host }) => host === second!.id));
    expect(await cull.hosts()).toMatchObject([{ host: first!.id, state: 'drained' }]);
  } finally {
    await pipeline.close();
  }
});

test('the file is read again when it changes; doctor and fleet list tell the states', async () => {
  const pipeline = await openPipeline({ address: temporalAddress, comfyUrls: [] });
  const file = join(pipeline.dir, 'fleet.yaml');
  const env = { ...pipeline.env, CULL_COMFYUI_FILE: file };
  await writeFile(file, '[]');
  const worker = await startWorker(env);
  try {
    await writeFile(file, `- { url: "${sandboxes[0]!.url}", id: gpu0, slots: 1 }\n`);
    await untilHost(pipeline.cull, 'gpu0', 'serving');
    const listed = await runCli(['fleet', 'list', '--json'], { env });
    expect(JSON.parse(listed.stdout)).toMatchObject({ host: 'gpu0', slots: 1, source: 'file', state: 'serving' });
    const drain = await runCli(['fleet', 'drain', 'gpu0'], { env });
    expect(drain).toMatchObject({ code: 0 });
    await untilHost(pipeline.cull, 'gpu0', 'drained');
    const doctor = await runCli(['doctor'], { env });
    expect(doctor.stdout).toMatch(/comfyui +gpu0 at .* answers, 0 in its queue, drained/);
    expect(await runCli(['fleet', 'remove', 'gpu7'], { env })).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('gpu0') as string,
    });
  } finally {
    await worker.kill('SIGTERM');
    await pipeline.close();
  }
});

test('SIGTERM: what cannot end within the grace is left in ComfyUI, and the next worker attaches to it', async () => {
  const slow = await startSandbox({ secondsPerImage: 3 });
  const pipeline = await openPipeline({
    address: temporalAddress,
    comfyUrls: [slow.url],
    env: { CULL_GRACE_SECONDS: '0.5' },
  });
  try {
    const request = await pipeline.generate({ candidates: 2 });
    await until(async () => (await slow.log()).some(({ status }) => status === 'running'));
    await pipeline.worker.kill('SIGTERM');
    expect(await pipeline.cull.hosts()).toMatchObject([{ state: 'stopped' }]);
    const next = await startWorker(pipeline.env);
    const { result } = await pipeline.end(request);
    expect(result.counts).toMatchObject({ drawn: 2, scored: 2, lost: 0 });
    expect([...(await drawnTimes([slow])).values()]).toEqual([1, 1]);
    expect(await slow.log()).toHaveLength(2);
    await next.kill('SIGTERM');
  } finally {
    await pipeline.close();
    await slow.close();
  }
});
