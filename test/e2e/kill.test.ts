/** The promise of the whole: a crash of every part of ours loses no finished render and draws none twice. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { Cull } from '../../client/cull.js';
import { embeddedTarget } from '../../client/temporal.js';
import { readRelease } from '../../cli/release.js';
import { freePort, startServer, type TemporalServer } from '../../stack/temporal-server.js';
import { openStorage } from '../../storage/index.js';
import type { CandidateRecord } from '../../workflows/contract.js';
import { startSandbox, type TestSandbox } from '../support/sandbox.js';
import { startWorker, type WorkerProcess } from '../support/worker-process.js';

const CANDIDATES = 48;
const SEED = 20_261_123;

let dir: string;
let sandboxes: TestSandbox[];
let server: TemporalServer;
let worker: WorkerProcess;

const startTemporal = (port: number) =>
  startServer({
    binary: inject('temporalBinary'),
    port,
    dbFile: join(dir, 'temporal.sqlite'),
    logFile: join(dir, 'temporal.log'),
  });

const workerEnv = () => ({
  CULL_DIR: join(dir, '.cull'),
  CULL_STORAGE: join(dir, 'storage'),
  CULL_COMFYUI_URLS: sandboxes.map(({ url }) => url).join(','),
  TEMPORAL_ADDRESS: server.address,
});

const connect = (tenant: string) =>
  Cull.connect({ target: embeddedTarget(server.address), storage: openStorage(join(dir, 'storage')), tenant });

/** What must not depend on crashes: pixels and verdict of each candidate. */
const essence = (records: CandidateRecord[]) =>
  records.map(({ candidate, seed, state, image, verdict }) => ({
    candidate,
    seed,
    state,
    pixels: image?.pixelSha256,
    verdict,
  }));

async function run(
  tenant: string,
  whileRunning: (cull: Cull, request: string) => Promise<void> = () => Promise.resolve(),
) {
  const release = await readRelease('examples/templates/product.json', {
    policyPath: undefined,
    scorers: [],
    allowNodes: [],
  });
  let cull = await connect(tenant);
  const request = await cull.generate({
    // which candidates run everything by lot depends on the request's name, and all scores are compared
    explain: 'all',
    release,
    inputs: { prompt: 'product photo of a blue bottle on a white background', width: 256, height: 256 },
    deliver: 8,
    candidates: CANDIDATES,
    seed: SEED,
  });
  await whileRunning(cull, request);
  await cull.close();
  cull = await connect(tenant);
  const watching = cull.watch(request);
  for (;;) {
    const step = await watching.next();
    if (!step.done) continue;
    const records = await cull.records(request);
    await cull.close();
    return { result: step.value, records };
  }
}

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'cull-kill-'));
  sandboxes = await Promise.all(Array.from({ length: 4 }, () => startSandbox({ secondsPerImage: 0.5 })));
  server = await startTemporal(await freePort());
  worker = await startWorker(workerEnv());
});

afterAll(async () => {
  await worker.kill('SIGTERM');
  await server.stop();
  await Promise.all(sandboxes.map((sandbox) => sandbox.close()));
  await rm(dir, { recursive: true, force: true });
});

describe('48 candidates on 4 ComfyUIs', () => {
  test('worker and Temporal server killed half-way: all finish, none is drawn twice, the result is that of an undisturbed run', async () => {
    const calm = await run('calm');
    await Promise.all(sandboxes.map((sandbox) => sandbox.reset()));

    const unfinished: number[] = [];
    const stormy = await run('stormy', async (cull, request) => {
      for await (const { progress } of cull.watch(request)) if ((progress?.state.drawn ?? 0) >= CANDIDATES / 3) break;
      await worker.kill('SIGKILL');
      const port = Number(server.address.split(':')[1]);
      server.process.kill('SIGKILL');
      await new Promise((resolve) => server.process.once('exit', resolve));
      for (const sandbox of sandboxes)
        for (const { seed, endedMs } of await sandbox.log())
          if (endedMs === null && seed !== null) unfinished.push(seed);
      server = await startTemporal(port);
      worker = await startWorker(workerEnv());
    });

    expect(unfinished.length).toBeGreaterThan(0);
    expect(stormy.result.counts).toMatchObject({ drawn: CANDIDATES, scored: CANDIDATES, lost: 0, cancelled: 0 });
    const drawn = (await Promise.all(sandboxes.map((sandbox) => sandbox.log()))).flat().filter((entry) => entry.drawn);
    const times = new Map<number, number>();
    // a warm-up draws too: of no candidate, and it saves nothing
    const seeds = new Set(stormy.records.map(({ seed }) => seed));
    for (const { seed, saved } of drawn)
      if (seed !== null && (saved > 0 || seeds.has(seed))) times.set(seed, (times.get(seed) ?? 0) + 1);
    expect(times.size).toBe(CANDIDATES);
    const twice = [...times].filter(([, count]) => count > 1).map(([seed]) => seed);
    expect(unfinished).toEqual(expect.arrayContaining(twice));

    expect(essence(stormy.records)).toEqual(essence(calm.records));
    const winners = ({ result }: typeof calm) =>
      result.delivered.map(({ candidate, rank, quality }) => ({ candidate, rank, quality }));
    expect(winners(stormy)).toEqual(winners(calm));
  });
});
