/**
 * `npm run bench:quota`: K = 60 that pass, on 8 sandbox ComfyUIs at 2 s, 20 requests one after the other, in a hurry (`--hurry 1`), painted at 256 x 256 and judged
 * by examples/policies/generic.yaml. How busy the GPUs are until the K-th pass, and how many candidates are started once the K-th that passes has been drawn: nobody
 * needs them, and nobody knows it before the verdict. They may be at most 8 x (1 + score delay / draw time): in so much time a GPU begins no more. Beside it, what is
 * being drawn at that moment and has to be interrupted as well, what of it still waited in ComfyUI, and the seconds that GPUs spend after the verdict.
 *
 *   npm run bench:quota [-- --json --runs=20 --deliver=60 --servers=8 --seconds=2]
 */
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fingerprintOf } from '../../selection/fingerprint.js';
import { rankQuality } from '../../selection/rank.js';
import { countPicked, type Passing } from '../../selection/select.js';
import { resolveTemporalBinary } from '../../stack/temporal-binary.js';
import { freePort, startServer } from '../../stack/temporal-server.js';
import { candidateName } from '../../storage/keys.js';
import { readPolicy } from '../../cli/release.js';
import type { CandidateRecord } from '../../workflows/contract.js';
import { openPipeline } from '../support/pipeline.js';
import { startSandboxProcess } from '../support/sandbox.js';

const option = (name: string, fallback: number) =>
  Number(process.argv.find((arg) => arg.startsWith(`--${name}=`))?.split('=')[1] ?? fallback);
const [RUNS, K, SERVERS, SECONDS] = [
  option('runs', 20),
  option('deliver', 60),
  option('servers', 8),
  option('seconds', 2),
];
const json = process.argv.includes('--json');
const note = (text: string) => process.stderr.write(`${text}\n`);

const dir = await mkdtemp(join(tmpdir(), 'cull-quota-'));
const binary = await resolveTemporalBinary({
  dir: join(import.meta.dirname, '../../.cull/test'),
  cliPath: process.env['TEMPORAL_CLI_PATH'],
  onStep: note,
});
const server = await startServer({ binary: binary.path, port: await freePort(), dbFile: join(dir, 'temporal.sqlite') });
const sandboxes = await Promise.all(
  Array.from({ length: SERVERS }, () => startSandboxProcess({ secondsPerImage: SECONDS })),
);
const pipeline = await openPipeline({ address: server.address, comfyUrls: sandboxes.map(({ url }) => url) });
const policy = await readPolicy('examples/policies/generic.yaml', []);

interface Run {
  busy: number;
  /** Started once the K-th that passes had been drawn. */
  beyond: number;
  bound: number;
  /** Begun before, and not drawn by then. */
  underWay: number;
  /** Taken off ComfyUI's queue before it was begun. */
  dequeued: number;
  /** GPU-seconds from the verdict to the interrupts. */
  late: number;
  drawn: number;
  seconds: number;
  state: string;
}

/** When the K-th was scored, by the time of its record's last write. */
async function kthPass(request: string, records: CandidateRecord[]): Promise<{ at: number; record: CandidateRecord }> {
  const folder = join(pipeline.dir, 'storage/default/requests', request, 'candidates');
  const passing = await Promise.all(
    records
      .filter(({ verdict }) => verdict?.pass === true)
      .map(async (record) => ({
        record,
        at: (await stat(join(folder, `${candidateName(record.candidate)}.json`))).mtimeMs,
      })),
  );
  passing.sort((a, b) => a.at - b.at);
  const seen: Passing[] = [];
  for (const { record, at } of passing) {
    const fingerprint = fingerprintOf(record.scores);
    const pixelSha256 = record.image?.pixelSha256;
    seen.push({
      candidate: record.candidate,
      quality: rankQuality(record.scores, policy),
      ...(fingerprint !== undefined && { fingerprint }),
      ...(pixelSha256 && { pixelSha256 }),
    });
    if (countPicked(seen, { k: K, minDistance: policy.diversity.minDistance }) === K) return { at, record };
  }
  throw new Error(`${request}: fewer than ${K} passed`);
}

async function measure(seed: number): Promise<Run> {
  const startedAt = Date.now();
  const request = await pipeline.generate({
    inputs: { prompt: 'product photo of a red mug on a white background', width: 256, height: 256 },
    deliver: K,
    candidates: undefined,
    cap: 8 * K,
    hurry: 1,
    seed,
  });
  const { result, records } = await pipeline.end(request);
  const logs = (await Promise.all(sandboxes.map((sandbox) => sandbox.log()))).map((log) =>
    log.filter(({ submittedMs }) => submittedMs >= startedAt),
  );
  const { at: stop, record: last } = await kthPass(request, records);
  const lastDrawn = logs.flat().find(({ promptId }) => promptId === last.promptId)?.endedMs ?? stop;
  const first = Math.min(...logs.flat().flatMap(({ startedMs }) => startedMs ?? []));
  const busyMs = logs.flat().reduce((sum, { startedMs, endedMs }) => {
    if (startedMs === null) return sum;
    return sum + Math.max(0, Math.min(endedMs ?? stop, stop) - startedMs);
  }, 0);
  const begun = logs.flat().flatMap(({ startedMs, endedMs }) => (startedMs === null ? [] : { startedMs, endedMs }));
  const count = (counts: (one: (typeof begun)[number]) => boolean): number => begun.filter(counts).length;
  return {
    busy: busyMs / (SERVERS * (stop - first)),
    beyond: count(({ startedMs }) => startedMs >= lastDrawn),
    bound: SERVERS * (1 + (stop - lastDrawn) / (SECONDS * 1000)),
    underWay: count(({ startedMs, endedMs }) => startedMs < lastDrawn && (endedMs ?? Infinity) > lastDrawn),
    dequeued: logs.flat().length - begun.length,
    late:
      begun.reduce(
        (sum, { startedMs, endedMs }) => sum + Math.max(0, (endedMs ?? stop) - Math.max(stop, startedMs)),
        0,
      ) / 1000,
    drawn: begun.length,
    seconds: (stop - first) / 1000,
    state: result.state,
  };
}

const runs: Run[] = [];
try {
  for (let run = 0; run < RUNS; run++) {
    const one = await measure(40_000_000 + run);
    runs.push(one);
    note(
      `${run + 1}/${RUNS}: ${one.state}, busy ${one.busy.toFixed(3)}, beyond ${one.beyond} (bound ${one.bound.toFixed(1)}), under way ${one.underWay}, dequeued ${one.dequeued}, ${one.late.toFixed(1)} GPU-s late, ${one.drawn} started, ${one.seconds.toFixed(1)} s`,
    );
  }
} finally {
  await pipeline.close();
  await Promise.all(sandboxes.map((sandbox) => sandbox.close()));
  await server.stop();
  await rm(dir, { recursive: true, force: true });
}
const least = Math.min(...runs.map(({ busy }) => busy));
const mean = (of: (run: Run) => number): number => runs.reduce((sum, run) => sum + of(run), 0) / runs.length;
const [worst] = [...runs].sort((a, b) => b.beyond - b.bound - (a.beyond - a.bound));
if (json) console.log(JSON.stringify({ runs, least, mean: mean(({ busy }) => busy), worst }));
else {
  console.log(
    `busy until the stop: mean ${mean(({ busy }) => busy).toFixed(3)}, least ${least.toFixed(3)} (wanted 0.95)`,
  );
  const most = Math.max(...runs.map(({ beyond }) => beyond));
  console.log(
    `started once the K-th that passes had been drawn: worst ${worst?.beyond} with a bound of ${worst?.bound.toFixed(1)}, most ${most}`,
  );
  const together = Math.max(...runs.map(({ beyond, underWay }) => beyond + underWay));
  console.log(
    `with what was being drawn then: most ${together}; dequeued: ${mean(({ dequeued }) => dequeued).toFixed(1)} a request`,
  );
  console.log(`GPU-seconds after the verdict: ${mean(({ late }) => late).toFixed(1)} a request`);
  console.log(`all delivered: ${runs.every(({ state }) => state === 'delivered')}`);
}
