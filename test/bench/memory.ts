/**
 * `npm run bench:memory`: one request of 2,000 candidates (256 x 256, four sandbox ComfyUIs as fast as they can); the worker's resident size
 * around candidate 200 beside that around candidate 2,000. Wanted: within 15 %.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { resolveTemporalBinary } from '../../stack/temporal-binary.js';
import { freePort, startServer } from '../../stack/temporal-server.js';
import { WORKER_MEMORY } from '../../stack/supervise.js';
import { openPipeline } from '../support/pipeline.js';
import { startSandboxProcess } from '../support/sandbox.js';
import { residentBytes } from './cpu.js';

const N = 2_000;
/** Mean over the samples of so many candidates before the mark: one sample would mostly show where the garbage collector stands. */
const SPAN = 100;
const root = join(import.meta.dirname, '../..');
const json = process.argv.includes('--json');
const dir = await mkdtemp(join(tmpdir(), 'cull-memory-'));
const binary = await resolveTemporalBinary({
  dir: join(root, '.cull/test'),
  cliPath: process.env['TEMPORAL_CLI_PATH'],
});
const server = await startServer({ binary: binary.path, port: await freePort(), dbFile: join(dir, 'temporal.sqlite') });
const sandboxes = await Promise.all(
  Array.from({ length: 4 }, () =>
    startSandboxProcess({ secondsPerImage: 0, prerendered: true, prerenderedFolder: join(root, '.cache/prerendered') }),
  ),
);
const pipeline = await openPipeline({
  address: server.address,
  comfyUrls: sandboxes.map(({ url }) => url),
  env: WORKER_MEMORY,
});
const samples: { scored: number; bytes: number }[] = [];
const startedAt = Date.now();
const request = await pipeline.generate({
  candidates: N,
  deliver: 60,
  inputs: { prompt: 'a red mug', width: 256, height: 256 },
});
let done = false;
const ended = pipeline.end(request).finally(() => (done = true));
while (!(done as boolean)) {
  const progress = await pipeline.cull.progress(request);
  if (progress) samples.push({ scored: progress.state.scored, bytes: residentBytes(pipeline.worker.pid) });
  await wait(200);
}
const { result } = await ended;
const seconds = (Date.now() - startedAt) / 1000;
const meanAt = (mark: number) => {
  const near = samples.filter(({ scored }) => scored > mark - SPAN && scored <= mark);
  return near.reduce((sum, { bytes }) => sum + bytes, 0) / near.length;
};
const [early, late] = [meanAt(200), meanAt(N)];
const peak = Math.max(...samples.map(({ bytes }) => bytes));
const mb = (bytes: number) => Math.round(bytes / 1024 / 1024);
const report = {
  candidates: N,
  counts: result.counts,
  seconds,
  workerMiB: { at200: mb(early), at2000: mb(late), peak: mb(peak) },
  growth: late / early - 1,
  /** MiB along the way, to tell a leak from a heap that finds its size. */
  at: Object.fromEntries([200, 400, 800, 1200, 1600, N].map((mark) => [mark, mb(meanAt(mark))])),
};
if (json) process.stdout.write(`${JSON.stringify(report)}\n`);
else
  process.stdout.write(
    `worker resident: ${mb(early)} MiB at 200, ${mb(late)} MiB at ${N} (${(report.growth * 100).toFixed(1)} %), peak ${mb(peak)} MiB; ${seconds.toFixed(0)} s, ${JSON.stringify(result.counts)}\nMiB at ${JSON.stringify(report.at)}\n`,
  );
await pipeline.close();
await Promise.all(sandboxes.map((sandbox) => sandbox.close()));
await server.stop();
await rm(dir, { recursive: true, force: true });
process.exit();
