/** Parts that are away for a while: the request waits, says why, and goes on. */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { freePort } from '../../stack/temporal-server.js';
import { keys } from '../../storage/keys.js';
import { openPipeline } from '../support/pipeline.js';
import { startSandbox, startSandboxProcess, type TestSandbox } from '../support/sandbox.js';
import { temporalAddress } from '../support/temporal-address.js';

let sandbox: TestSandbox;
beforeAll(async () => {
  sandbox = await startSandbox({ secondsPerImage: 0.05 });
});
afterAll(() => sandbox.close());
beforeEach(() => sandbox.reset());

test('one of two ComfyUIs is down: the request says so, and the other carries on', async () => {
  const down = `http://127.0.0.1:${await freePort()}`;
  const pipeline = await openPipeline({ address: temporalAddress, comfyUrls: [sandbox.url, down] });
  try {
    const reasons = new Set<string>();
    const { result } = await pipeline.end(await pipeline.generate({ candidates: 4 }), ({ unhealthy }) => {
      for (const { url } of unhealthy) reasons.add(url);
    });
    expect(result.counts).toMatchObject({ drawn: 4, scored: 4, lost: 0 });
    expect([...reasons]).toEqual([down]);
  } finally {
    await pipeline.close();
  }
});

test('the only ComfyUI is down: the request waits for it, says why, and ends once it is there', async () => {
  const port = await freePort();
  const pipeline = await openPipeline({ address: temporalAddress, comfyUrls: [`http://127.0.0.1:${port}`] });
  try {
    const request = await pipeline.generate({ candidates: 3 });
    let reason: string | null = null;
    for await (const { unhealthy } of pipeline.cull.watch(request)) {
      reason = unhealthy[0]?.reason ?? null;
      if (reason !== null) break;
    }
    expect(reason).toMatch(/refused|answer|connect/i);
    const back = await startSandboxProcess({ port });
    const { result } = await pipeline.end(request);
    expect(result.counts).toMatchObject({ drawn: 3, scored: 3, lost: 0 });
    await back.close();
  } finally {
    await pipeline.close();
  }
});

test('a ComfyUI dies while it draws: its candidates are drawn by the other', async () => {
  const doomed = await startSandboxProcess({ secondsPerImage: 60 });
  const pipeline = await openPipeline({ address: temporalAddress, comfyUrls: [sandbox.url, doomed.url] });
  try {
    const request = await pipeline.generate({ candidates: 6 });
    for await (const _ of pipeline.cull.watch(request))
      if ((await doomed.log()).some(({ status }) => status === 'running')) break;
    await doomed.kill('SIGKILL');
    const { result } = await pipeline.end(request);
    expect(result.counts).toMatchObject({ drawn: 6, scored: 6, lost: 0 });
    expect((await sandbox.log()).filter(({ drawn }) => drawn)).toHaveLength(6);
  } finally {
    await pipeline.close();
  }
});

test('storage that cannot be written: the request fails with that reason, and resumes without drawing again what ComfyUI kept', async () => {
  const pipeline = await openPipeline({ address: temporalAddress, comfyUrls: [sandbox.url] });
  try {
    const key = 'blocked';
    // A file where the folder of the candidates must be.
    const folder = join(pipeline.dir, 'storage', dirname(keys.image('default', key, 0)));
    await mkdir(dirname(folder), { recursive: true });
    await writeFile(folder, 'in the way');
    const { result } = await pipeline.end(await pipeline.generate({ key, candidates: 3 }));
    expect(result).toMatchObject({ state: 'failed', error: { code: 'STORAGE_UNWRITABLE' } });
    await rm(folder);
    await pipeline.cull.resume(key);
    const resumed = await pipeline.end(key);
    expect(resumed.result.state).not.toBe('failed');
    expect(resumed.result.counts).toMatchObject({ drawn: 3, scored: 3, lost: 0 });
    expect((await sandbox.log()).filter(({ drawn }) => drawn)).toHaveLength(3);
  } finally {
    await pipeline.close();
  }
});
