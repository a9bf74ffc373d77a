/**
 * `npm run bench:batch`: a batch of 5,000 lines x 8 candidates (256 x 256) on two sandbox ComfyUIs as fast as they can. How long histories become, what worker
 * and server hold in memory on the way, and candidates a second beside a bare loop over the same activities.
 *
 *   npm run bench:batch [-- --json --lines=5000 --bare-lines=200 --window=32]
 */
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { batchProgress, batchResult } from '../../client/batch-reads.js';
import { startBatch } from '../../client/batch.js';
import { readRelease } from '../../cli/release.js';
import { WORKER_MEMORY } from '../../stack/supervise.js';
import { resolveTemporalBinary } from '../../stack/temporal-binary.js';
import { batchWorkflowId } from '../../workflows/batch-contract.js';
import { bestOfNWorkflowId } from '../../workflows/contract.js';
import { PROMPT } from '../support/pipeline.js';
import { openStorm, type Storm } from '../support/storm.js';
import { bareBatch } from './bare-batch.js';
import { cpuMs, residentBytes } from './cpu.js';
import { json, note, option } from './options.js';

const [LINES, WINDOW] = [option('lines', 5_000), option('window', 32)];
const BARE_LINES = Math.min(LINES, option('bare-lines', 200));
const CANDIDATES = 8;
const HOSTS = 2;
const MAX_EVENTS = 4_000;
const SAMPLE_MS = 2_000;
/** What is held at the start, in the middle and at the end: the mean of so much of the run, as one sample shows where a garbage collector stands. */
const SPAN = 0.1;
const root = join(import.meta.dirname, '../..');

const release = await readRelease('examples/templates/product.json', {
  policyPath: 'examples/policies/generic.yaml',
  scorers: [],
  allowNodes: [],
});
const optionsOf = (seed: number) => ({
  release,
  inputs: { prompt: PROMPT, width: 256, height: 256 },
  ...{ deliver: 1, candidates: CANDIDATES, seed },
});

interface Sample {
  /** Requests that have ended. */
  ended: number;
  seconds: number;
  workerMiB: number;
  serverMiB: number;
}

const mib = (pid: number): number => Math.round(residentBytes(pid) / 2 ** 20);

/** Runs the batch; samples are taken until it has ended. */
async function runBatch({
  pipeline,
  serverPid,
}: Storm): Promise<{ batch: string; seconds: number; samples: Sample[] }> {
  const { cull, worker } = pipeline;
  const startedAt = performance.now();
  const { batch } = await startBatch(cull, {
    lines: Array.from({ length: LINES }, (_, seed) => JSON.stringify(seed)),
    window: WINDOW,
    optionsOf: (seed) => optionsOf(seed as number),
  });
  const samples: Sample[] = [];
  for (;;) {
    const result = await batchResult(cull, batch);
    const seconds = (performance.now() - startedAt) / 1000;
    if (result) return { batch, seconds, samples };
    const progress = await batchProgress(cull, batch);
    if (progress) {
      const { delivered, shortfall, failed, cancelled } = progress.counts;
      const ended = delivered + shortfall + failed + cancelled;
      samples.push({ ended, seconds, workerMiB: mib(worker.pid), serverMiB: mib(serverPid) });
      if (samples.length % 30 === 0)
        note(
          `${ended} of ${LINES} lines, ${Math.round(seconds)} s, worker ${mib(worker.pid)} MiB, server ${mib(serverPid)} MiB`,
        );
    }
    await wait(SAMPLE_MS);
  }
}

/** The longest history of the batch's own runs, and of its requests'. */
async function longestHistories(
  { pipeline: { cull } }: Storm,
  batch: string,
): Promise<{ batch: number; request: number; runs: number }> {
  const longest = { batch: 0, request: 0, runs: 0 };
  const own = batchWorkflowId(cull.tenant, batch);
  const query = `WorkflowId = '${own}' OR WorkflowId STARTS_WITH '${bestOfNWorkflowId(cull.tenant, `${batch}.`)}'`;
  for await (const { workflowId, historyLength } of cull.temporal.workflow.list({ query, pageSize: 1_000 })) {
    const of = workflowId === own ? 'batch' : 'request';
    if (of === 'batch') longest.runs++;
    longest[of] = Math.max(longest[of], historyLength);
  }
  return longest;
}

/** Mean at the start (once a tenth is done), in the middle and at the end, and the slope from there on by least squares. */
function memoryOf(samples: readonly Sample[], of: (sample: Sample) => number) {
  const steady = samples.filter(({ ended }) => ended >= LINES * SPAN);
  const near = (share: number): number | null => {
    const some = samples.filter(({ ended }) => ended > LINES * (share - SPAN) && ended <= LINES * share).map(of);
    return some.length === 0 ? null : Math.round(some.reduce((sum, value) => sum + value, 0) / some.length);
  };
  const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [x, y] = [mean(steady.map(({ ended }) => ended)), mean(steady.map(of))];
  const slope =
    mean(steady.map((sample) => (sample.ended - x) * (of(sample) - y))) /
    mean(steady.map(({ ended }) => (ended - x) ** 2));
  const peak = Math.max(...samples.map(of));
  return {
    start: near(2 * SPAN),
    middle: near(0.5 + SPAN / 2),
    end: near(1),
    peak,
    per1000Lines: Math.round(slope * 10_000) / 10,
  };
}

const binary = await resolveTemporalBinary({
  dir: join(root, '.cull/test'),
  cliPath: process.env['TEMPORAL_CLI_PATH'],
  onStep: note,
});
const storm = await openStorm({
  temporalBinary: binary.path,
  hosts: HOSTS,
  secondsPerImage: 0,
  prerenderedFolder: join(root, '.cache/prerendered'),
  env: WORKER_MEMORY,
});
const urls = Array.from({ length: HOSTS }, (_, host) => storm.url(host));
const bare = await bareBatch({ lines: BARE_LINES, window: WINDOW, urls, optionsOf });
const bareRate = bare.scored / bare.seconds;
note(`bare loop: ${bareRate.toFixed(1)} candidates a second`);

const { batch, seconds, samples } = await runBatch(storm);
const result = await batchResult(storm.pipeline.cull, batch);
const cpu = { worker: cpuMs(storm.pipeline.worker.pid), server: cpuMs(storm.serverPid) };
const candidates = LINES * CANDIDATES;
const rate = candidates / seconds;
const histories = await longestHistories(storm, batch);
const memory = { worker: memoryOf(samples, (one) => one.workerMiB), server: memoryOf(samples, (one) => one.serverMiB) };
await storm.close();

const report = {
  bench: 'batch',
  lines: LINES,
  candidatesPerLine: CANDIDATES,
  window: WINDOW,
  seconds: Math.round(seconds),
  counts: result?.counts,
  candidatesPerSecond: rate,
  bareLoop: { lines: BARE_LINES, candidatesPerSecond: bareRate },
  ratio: rate / bareRate,
  cpuMsPerCandidate: { worker: cpu.worker / candidates, server: cpu.server / candidates },
  longestHistory: histories,
  residentMiB: memory,
};
if (json) process.stdout.write(`${JSON.stringify(report)}\n`);
else {
  const held = ({ start, middle, end, peak, per1000Lines }: typeof memory.worker): string =>
    `${start} -> ${middle} -> ${end} MiB, peak ${peak}, ${per1000Lines} MiB per 1,000 lines`;
  process.stdout.write(
    `${LINES} lines x ${CANDIDATES}: ${report.seconds} s, ${JSON.stringify(report.counts)}\n` +
      `candidates a second: ${rate.toFixed(1)}, bare loop ${bareRate.toFixed(1)}, ratio ${report.ratio.toFixed(2)}\n` +
      `CPU a candidate: worker ${report.cpuMsPerCandidate.worker.toFixed(1)} ms, server ${report.cpuMsPerCandidate.server.toFixed(1)} ms\n` +
      `longest history: batch ${histories.batch} events (${histories.runs} runs), request ${histories.request} (wanted below ${MAX_EVENTS})\n` +
      `worker: ${held(memory.worker)}\nserver: ${held(memory.server)}\n`,
  );
}
const { delivered = 0, shortfall = 0 } = result?.counts ?? {};
const isWhole = delivered + shortfall === LINES;
process.exit(isWhole && Math.max(histories.batch, histories.request) < MAX_EVENTS ? 0 : 1);
