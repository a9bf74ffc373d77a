/** Retention end to end: a real worker with a path to its ComfyUI's folders, the schedule, the command line, and what callers see afterwards. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { ensureSweepSchedule, sweepNow } from '../../client/sweep.js';
import { ComfyClient } from '../../providers/comfyui/index.js';
import { keys } from '../../storage/index.js';
import { SWEEP_SCHEDULE, type SweepReport } from '../../workflows/sweep-contract.js';
import { runCli } from '../support/cli.js';
import { readMetrics, sumOf } from '../support/exposition.js';
import { openPipeline, type Pipeline } from '../support/pipeline.js';
import { startSandbox, type TestSandbox } from '../support/sandbox.js';
import { temporalAddress } from '../support/temporal-address.js';

const DAY_MS = 86_400_000;
const METRICS_PORT = 19_467;
let folder: string;
let sandbox: TestSandbox;
let pipeline: Pipeline;
let temporal: Client;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cull-sweep-'));
  const folders = { outputDir: join(folder, 'output'), inputDir: join(folder, 'input') };
  sandbox = await startSandbox(folders);
  pipeline = await openPipeline({
    address: temporalAddress,
    comfyUrls: [sandbox.url],
    env: {
      CULL_COMFYUI_OUTPUT: folders.outputDir,
      CULL_COMFYUI_INPUT: folders.inputDir,
      CULL_RETENTION: 'rejected=7d,passed=7d,comfyui=1d',
      CULL_METRICS_PORT: String(METRICS_PORT),
    },
  });
  temporal = new Client({ connection: await Connection.connect({ address: temporalAddress }) });
});
afterAll(async () => {
  await temporal.connection.close();
  await pipeline.close();
  await sandbox.close();
  await rm(folder, { recursive: true, force: true });
});

const keysOf = async (request: string): Promise<string[]> => {
  const found: string[] = [];
  for await (const { key } of pipeline.cull.storage.list(keys.requestDir('default', request)))
    found.push(key.slice(key.lastIndexOf('/') + 1));
  return found;
};

test('the schedule is there, made once by whichever worker, and its sweep ends', async () => {
  const schedule = temporal.schedule.getHandle(SWEEP_SCHEDULE);
  expect((await schedule.describe()).policies.overlap).toBe('SKIP');
  expect(await ensureSweepSchedule(temporal)).toBe(false);
  await schedule.trigger();
  const started = await vi.waitFor(async () => {
    const [last] = (await schedule.describe()).info.recentActions;
    if (last?.action.type !== 'startWorkflow') throw new Error('not started yet');
    return last.action.workflow;
  }, 30_000);
  const report = (await temporal.workflow
    .getHandle(started.workflowId, started.firstExecutionRunId)
    .result()) as SweepReport;
  expect(report).toMatchObject({ dryRun: false, swept: {}, unreached: [] });
});

test('what was not delivered goes from storage and from the ComfyUI, once', async () => {
  const request = await pipeline.generate({ deliver: 1, candidates: 4 });
  const { result } = await pipeline.end(request);
  const [winner] = result.delivered;
  const before = await keysOf(request);
  const left = join(folder, 'output', 'cull', 'default', request);
  expect(await readdir(left)).toHaveLength(4);

  const dry = await runCli(['sweep', '--dry-run', '--retention', 'rejected=0d,passed=0d,comfyui=0d'], {
    env: pipeline.env,
  });
  expect(dry.code, dry.stderr).toBe(0);
  expect(dry.stdout).toMatch(
    /^would delete, of 1 request:\n {2}pictures: 3, \d+\.\d MB\n {2}prompts on ComfyUIs: 4\n {2}files on ComfyUIs: 4, /,
  );
  expect(await keysOf(request)).toEqual(before);
  expect(await readdir(left)).toHaveLength(4);

  const now = await runCli(['sweep', '--json'], { env: pipeline.env });
  expect(JSON.parse(now.stdout)).toEqual({ dryRun: false, requests: 0, swept: {}, unreached: [] });

  const report = await sweepNow(temporal, { now: Date.now() + 8 * DAY_MS });
  expect(report).toMatchObject({
    ...{ requests: 1, unreached: [] },
    swept: { pictures: { objects: 3 }, comfyuiPrompts: { objects: 4 }, comfyuiFiles: { objects: 4 } },
  });
  const pictures = (await keysOf(request)).filter((name) => name.endsWith('.png'));
  expect(pictures).toEqual([winner?.key.split('/').at(-1)]);
  expect(await keysOf(request)).toContain('manifest.ndjson');
  expect(await new ComfyClient({ url: sandbox.url }).history()).toEqual([]);
  await expect(readdir(left)).rejects.toMatchObject({ code: 'ENOENT' });
  expect((await sweepNow(temporal, { now: Date.now() + 8 * DAY_MS })).swept).toEqual({});

  const metrics = await readMetrics(`http://127.0.0.1:${METRICS_PORT}/metrics`);
  expect(sumOf(metrics, 'cull_swept_objects_total', { kind: 'pictures' })).toBe(3);
  expect(sumOf(metrics, 'cull_sweep_last_success_timestamp_seconds')).toBeGreaterThan(Date.now() / 1_000);
});

test('a ComfyUI without a worker is named, and the rest goes on', async () => {
  const doc = { host: 'gone-1', url: 'http://gone:1', pool: 'default', state: 'serving', reason: null, at: '' };
  await pipeline.cull.storage.put(keys.host('gone-1'), JSON.stringify(doc));
  const run = await runCli(['sweep', '--dry-run'], { env: pipeline.env });
  expect(run.code, run.stderr).toBe(0);
  expect(run.stdout).toBe('nothing would be deleted\nnot swept: gone-1: no worker of it took the sweep\n');
  await pipeline.cull.storage.delete(keys.host('gone-1'));
});

test('a request whose pictures have expired is not resumed', async () => {
  await sandbox.config({ secondsPerImage: 0.3 });
  const request = await pipeline.generate({ candidates: 40, deliver: 40, seed: 9 });
  await vi.waitFor(async () => expect(await keysOf(request)).toContain('0001.json'), 60_000);
  await pipeline.cull.cancel(request);
  await pipeline.end(request);
  await sweepNow(temporal, { now: Date.now() + 8 * DAY_MS });
  expect((await keysOf(request)).filter((name) => name.endsWith('.png'))).toEqual([]);
  await expect(pipeline.cull.resume(request)).rejects.toThrow(/have expired/);
});

test('a wrong age is refused before anything is asked', async () => {
  const wrong = await runCli(['sweep', '--dry-run', '--retention', 'rejcted=7d'], { env: pipeline.env });
  expect(wrong).toMatchObject({ code: 2, stderr: expect.stringContaining('"rejcted=7d" is no age') as string });
  const real = await runCli(['sweep', '--retention', 'rejected=0d'], { env: pipeline.env });
  expect(real).toMatchObject({ code: 2, stderr: expect.stringContaining('--dry-run') as string });
});
