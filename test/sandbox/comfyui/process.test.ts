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

it('keeps its log over a kill, where a file is named; a prompt that ran is told as killed', async () => {
  const logFile = join(folder, 'log.ndjson');
  const first = await startSandboxProcess({ logFile, fault: { stallPrompts: 1 } });
  const send = (url: string, seed: number): Promise<Response> =>
    fetch(`${url}/prompt`, { method: 'POST', body: JSON.stringify({ prompt: noise({ seed, prefix: 'a' }) }) });
  await send(first.url, 1);
  await expect.poll(async () => (await first.log())[0]?.faults, { timeout: 10_000 }).toEqual(['stallPrompts']);
  await first.kill('SIGKILL');
  const second = await startSandboxProcess({ logFile });
  await send(second.url, 1);
  const known = async (): Promise<unknown> => (await second.log()).map((e) => [e.seed, e.status, e.drawn]);
  await expect.poll(known, { timeout: 10_000 }).toEqual([
    [1, 'killed', false],
    [1, 'success', true],
  ]);
  expect(await second.seeds()).toMatchObject({
    1: { submitted: 2, started: 2, drawn: 1, faults: { stallPrompts: 1 } },
  });
  await second.reset();
  expect(await second.log()).toEqual([]);
  await second.close();
});
