import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { startSandboxProcess } from '../../support/sandbox.js';
import { noise } from './graphs.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sandbox-test-'));
  vi.stubEnv('TMPDIR', folder); // the killed process leaves its temporary folder there
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true, force: true });
});

it('ends cleanly on SIGTERM; after SIGKILL the files are left, queue and history are lost', async () => {
  const first = await startSandboxProcess({ outputDir: folder });
  const prompt = noise({ seed: 1, prefix: 'kept/a' });
  await fetch(`${first.url}/prompt`, { method: 'POST', body: JSON.stringify({ prompt }) });
  await expect.poll(async () => (await first.log())[0]?.status, { timeout: 10_000 }).toBe('success');
  expect(await first.kill('SIGKILL')).toBeNull();

  const port = Number(new URL(first.url).port);
  const second = await startSandboxProcess({
    port,
    outputDir: folder,
    profile: '0.18.2',
    cache: 'none',
    previewMethod: 'auto',
    loadSeconds: 1,
    modelsHeld: 2,
    fault: { vramFree: 5 },
  });
  expect(await (await fetch(`${second.url}/system_stats`)).json()).toMatchObject({
    system: { comfyui_version: '0.18.2' },
    devices: [{ vram_free: 5 }],
  });
  expect(second.url).toBe(first.url);
  expect(await (await fetch(`${second.url}/history`)).json()).toEqual({});
  expect((await fetch(`${second.url}/view?filename=a_00001_.png&subfolder=kept`)).status).toBe(200);
  expect(await second.kill('SIGTERM')).toBe(0);
  expect(await readdir(join(folder, 'kept'))).toEqual(['a_00001_.png']);
});
