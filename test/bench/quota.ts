/**
 * `npm run bench:quota`: K = 60 that pass, on 8 sandbox ComfyUIs at 2 s, 20 requests one after the other, in a hurry (`--hurry 1`), painted at 256 x 256 and judged
 * by examples/policies/generic.yaml. How busy the GPUs are until the K-th pass, and how many candidates were not yet drawn when the K-th that passes had been: those
 * are drawn for nothing, and may be at most 8 x (1 + score delay / draw time). The peer is that bound: an operator who sees each verdict at once cannot do better than 8.
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
  beyond: number;
  bound: number;
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
  const beyond = logs
    .flat()
    .filter(({ startedMs, endedMs }) => startedMs !== null && (endedMs ?? Infinity) > lastDrawn).length;
  return {
    busy: busyMs / (SERVERS * (stop - first)),
    beyond,
    bound: SERVERS * (1 + (stop - lastDrawn) / (SECONDS * 1000)),
    drawn: logs.flat().filter(({ startedMs }) => startedMs !== null).length,
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
      `${run + 1}/${RUNS}: ${one.state}, busy ${one.busy.toFixed(3)}, beyond ${one.beyond} (bound ${one.bound.toFixed(1)}), ${one.drawn} started, ${one.seconds.toFixed(1)} s`,
    );
  }
} finally {
  await pipeline.close();
  await Promise.all(sandboxes.map((sandbox) => sandbox.close()));
  await server.stop();
  await rm(dir, { recursive: true, force: true });
}
const least = Math.min(...runs.map(({ busy }) => busy));
const mean = runs.reduce((sum, { busy }) => sum + busy, 0) / runs.length;
const [worst] = [...runs].sort((a, b) => b.beyond - b.bound - (a.beyond - a.bound));
if (json) console.log(JSON.stringify({ runs, least, mean, worst }));
else {
  console.log(`busy until the stop: mean ${mean.toFixed(3)}, least ${least.toFixed(3)} (wanted 0.95)`);
  console.log(
    `not yet drawn when the K-th that passes had been: worst ${worst?.beyond} with a bound of ${worst?.bound.toFixed(1)}`,
  );
  console.log(
    `most ${Math.max(...runs.map(({ beyond }) => beyond))}, all delivered: ${runs.every(({ state }) => state === 'delivered')}`,
  );
}
