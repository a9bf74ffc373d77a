/**
 * `npm run bench:pipeline`: 240 candidates of 256 x 256 on 8 sandbox ComfyUIs at 1 s.
 * (A) drawing and storing, ours beside two other clients, undisturbed (`--rounds=3`, interleaved: one run differs from the next by more than the
 * clients do) and with one server killed half-way; (B) with scoring; and the CPU time
 * per candidate of each process at 0.2 s. Makespan: from the call to the last picture stored. Ideal: N x seconds / servers.
 */
import { execFileSync, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Cull } from '../../client/cull.js';
import { embeddedTarget } from '../../client/temporal.js';
import { readRelease } from '../../cli/release.js';
import { resolveTemporalBinary } from '../../stack/temporal-binary.js';
import { freePort, startServer } from '../../stack/temporal-server.js';
import { openStorage } from '../../storage/index.js';
import { startSandboxProcess, type SandboxProcess } from '../support/sandbox.js';
import { startWorker } from '../support/worker-process.js';
import { cpuMs } from './cpu.js';

const option = (name: string, fallback: number) =>
  Number(process.argv.find((arg) => arg.startsWith(`--${name}=`))?.split('=')[1] ?? fallback);
const N = option('n', 240);
const SERVERS = option('servers', 8);
const SECONDS = option('seconds', 1);
const ROUNDS = option('rounds', 3);
const FAST_SECONDS = 0.2;
const json = process.argv.includes('--json');
const note = (text: string) => process.stderr.write(`${text}\n`);

interface Run {
  who: string;
  run: 'A' | 'A, one server killed' | 'B';
  stored: number;
  seconds: number | null;
  /** makespan / ideal makespan of an undisturbed run; null where not all were stored. */
  ratio: number | null;
  error: string | null;
}

const root = join(import.meta.dirname, '../..');
const peersDir = join(import.meta.dirname, 'peers');
if (!existsSync(join(peersDir, 'node_modules'))) {
  note('installing the peers (once)');
  execFileSync('npm', ['ci', '--prefix', peersDir], { stdio: ['ignore', 'ignore', 'inherit'] });
}
const dir = await mkdtemp(join(tmpdir(), 'cull-bench-'));
const graphFile = join(dir, 'graph.json');
const release = await readRelease('examples/templates/product.json', {
  policyPath: undefined,
  scorers: [],
  allowNodes: [],
});
const graph = structuredClone(release.graph);
Object.assign(graph['5']?.inputs ?? {}, { width: 256, height: 256 });
await writeFile(graphFile, JSON.stringify(graph));
const binary = await resolveTemporalBinary({
  dir: join(root, '.cull/test'),
  cliPath: process.env['TEMPORAL_CLI_PATH'],
  onStep: note,
});

const startSandboxes = (seconds: number): Promise<SandboxProcess[]> =>
  Promise.all(
    Array.from({ length: SERVERS }, () =>
      startSandboxProcess({
        secondsPerImage: seconds,
        prerendered: true,
        prerenderedFolder: join(root, '.cache/prerendered'),
      }),
    ),
  );

/** Our pipeline, fresh for each run: server, worker, storage. `scoring: false` answers every score at once, which leaves drawing and storing. */
async function ours(options: { run: Run['run']; seconds: number; scoring: boolean; kill: boolean; cpu?: boolean }) {
  const home = await mkdtemp(join(dir, 'ours-'));
  const sandboxes = await startSandboxes(options.seconds);
  const server = await startServer({
    binary: binary.path,
    port: await freePort(),
    dbFile: join(home, 'temporal.sqlite'),
  });
  const worker = await startWorker(
    {
      CULL_DIR: home,
      CULL_STORAGE: join(home, 'storage'),
      CULL_COMFYUI_URLS: sandboxes.map(({ url }) => url).join(','),
      TEMPORAL_ADDRESS: server.address,
    },
    options.scoring ? undefined : 'test/bench/worker-without-scoring',
  );
  const cull = await Cull.connect({
    target: embeddedTarget(server.address),
    storage: openStorage(join(home, 'storage')),
    tenant: 'bench',
  });
  try {
    // Every part has worked once: connections, caches and threads are warm, as the peers' connections are.
    await ask(cull, SERVERS * 2);
    const pids = { server: server.pid, worker: worker.pid, sandboxes: sandboxes.map(({ pid }) => pid) };
    const before = snapshot(pids);
    const startedAt = Date.now();
    const timer = options.kill
      ? setTimeout(() => void sandboxes[0]?.kill('SIGKILL'), (N / SERVERS / 2) * options.seconds * 1000)
      : undefined;
    const { request, result } = await ask(cull, N);
    clearTimeout(timer);
    const folder = join(home, 'storage/bench/requests', request, 'candidates');
    const pictures = (await readdir(folder)).filter((name) => name.endsWith('.png'));
    // (B) ends with the result: everything scored, selected, written.
    const ends =
      options.run === 'B'
        ? [Date.now()]
        : await Promise.all(pictures.map(async (name) => (await stat(join(folder, name))).mtimeMs));
    const seconds = (Math.max(...ends) - startedAt) / 1000;
    const idle = await idleOf(sandboxes, startedAt, Math.max(...ends));
    const after = snapshot(pids);
    const each = (key: keyof typeof before) => (after[key] - before[key]) / N;
    return {
      row: rowOf(
        { who: 'comfy-cull', run: options.run, stored: pictures.length, seconds, error: result.error?.message ?? null },
        options.seconds,
      ),
      idle,
      cpu: { temporal: each('server'), worker: each('worker'), sandboxes: each('sandboxes') },
    };
  } finally {
    await cull.close();
    await worker.kill('SIGTERM');
    await server.stop();
    await Promise.all(sandboxes.map((sandbox) => sandbox.close()));
    await rm(home, { recursive: true, force: true });
  }
}

/** Where the time beyond the ideal goes: before the first draw, between two draws of one server, and after the last. Milliseconds. */
async function idleOf(sandboxes: SandboxProcess[], startedAt: number, endedAt: number) {
  const logs = await Promise.all(sandboxes.map((sandbox) => sandbox.log().catch(() => [])));
  const drawn = logs.map((log) =>
    log.flatMap(({ startedMs, endedMs }) =>
      startedMs !== null && endedMs !== null && startedMs >= startedAt ? [{ startedMs, endedMs }] : [],
    ),
  );
  const gaps = drawn
    .flatMap((log) => log.slice(1).map(({ startedMs }, i) => startedMs - (log[i]?.endedMs ?? startedMs)))
    .sort((a, b) => a - b);
  const all = drawn.flat();
  const draws = all.map(({ startedMs, endedMs }) => endedMs - startedMs).sort((a, b) => a - b);
  const at = (values: number[], share: number) => values[Math.floor(values.length * share)] ?? 0;
  return {
    firstDraw: Math.min(...all.map(({ startedMs }) => startedMs)) - startedAt,
    gapP50: at(gaps, 0.5),
    gapP95: at(gaps, 0.95),
    drawP50: at(draws, 0.5),
    perServer: drawn.map(({ length }) => length),
    afterLastDraw: Math.round(endedAt - Math.max(...all.map(({ endedMs }) => endedMs))),
  };
}

async function ask(cull: Cull, candidates: number) {
  const inputs = { prompt: 'product photo of a red mug on a white background', width: 256, height: 256 };
  const request = await cull.generate({ release, inputs, deliver: 4, candidates, seed: candidates });
  const watching = cull.watch(request);
  for (;;) {
    const step = await watching.next();
    if (step.done) return { request, result: step.value };
  }
}

const snapshot = (pids: { server: number; worker: number; sandboxes: number[] }) => ({
  server: cpuMs(pids.server),
  worker: cpuMs(pids.worker),
  sandboxes: pids.sandboxes.reduce((sum, pid) => sum + cpuMs(pid), 0),
});

async function peer(who: 'saintno' | 'stable-canvas', kill: boolean): Promise<Run> {
  const sandboxes = await startSandboxes(SECONDS);
  const folder = await mkdtemp(join(dir, `${who}-`));
  const limit = Math.ceil(((N * SECONDS) / SERVERS) * 2 + 10);
  const urls = sandboxes.map(({ url }) => url).join(',');
  const child = spawn(
    process.execPath,
    [join(peersDir, 'draw.mjs'), who, urls, String(N), folder, String(limit), graphFile],
    {
      cwd: peersDir,
      stdio: ['ignore', 'pipe', 'ignore'],
    },
  );
  const answer = await new Promise<{ stored: number; seconds: number | null; error: string | null }>((resolve) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (line.startsWith('{')) resolve(JSON.parse(line) as { stored: number; seconds: number; error: string | null });
      else if (line === 'started' && kill)
        setTimeout(() => void sandboxes[0]?.kill('SIGKILL'), (N / SERVERS / 2) * SECONDS * 1000);
    });
    child.once('exit', () => resolve({ stored: 0, seconds: null, error: 'it ended without an answer' }));
  });
  child.kill('SIGKILL');
  await Promise.all(sandboxes.map((sandbox) => sandbox.close()));
  await rm(folder, { recursive: true, force: true });
  return rowOf({ who, run: kill ? 'A, one server killed' : 'A', ...answer }, SECONDS);
}

function medianOf(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Infinity;
}

function rowOf(run: Omit<Run, 'ratio'>, seconds: number): Run {
  const ideal = (N * seconds) / SERVERS;
  return { ...run, ratio: run.seconds !== null && run.stored === N ? run.seconds / ideal : null };
}

try {
  await mkdir(join(root, '.cache'), { recursive: true });
  const rows: Run[] = [];
  const keep = (row: Run) => {
    rows.push(row);
    note(`  ${row.stored} stored, ratio ${row.ratio?.toFixed(4) ?? '-'}`);
  };
  let idle: Awaited<ReturnType<typeof idleOf>> | undefined;
  for (const kill of [...Array.from({ length: ROUNDS }, () => false), true]) {
    const run = kill ? 'A, one server killed' : 'A';
    note(`${run}: comfy-cull`);
    const mine = await ours({ run, seconds: SECONDS, scoring: false, kill });
    keep(mine.row);
    if (!kill) idle = mine.idle;
    for (const who of ['saintno', 'stable-canvas'] as const) {
      note(`${run}: ${who}`);
      keep(await peer(who, kill));
    }
  }
  const median = Object.fromEntries(
    ['comfy-cull', 'saintno', 'stable-canvas'].map((who) => [
      who,
      medianOf(rows.filter((row) => row.who === who && row.run === 'A').map(({ ratio }) => ratio ?? Infinity)),
    ]),
  );
  note('B: comfy-cull');
  keep((await ours({ run: 'B', seconds: SECONDS, scoring: true, kill: false })).row);
  note(`CPU at ${FAST_SECONDS} s an image`);
  const { cpu } = await ours({ run: 'B', seconds: FAST_SECONDS, scoring: true, kill: false });
  const peers = JSON.parse(await readFile(join(peersDir, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>;
  };
  const report = {
    n: N,
    servers: SERVERS,
    secondsPerImage: SECONDS,
    idealSeconds: (N * SECONDS) / SERVERS,
    peers: peers.dependencies,
    runs: rows,
    /** Of the undisturbed runs of A, by client. */
    medianRatio: median,
    idleMs: idle,
    cpuMsPerCandidate: cpu,
  };
  if (json) process.stdout.write(`${JSON.stringify(report)}\n`);
  else {
    process.stdout.write(
      `${N} candidates, ${SERVERS} servers, ${SECONDS} s an image: ideal ${report.idealSeconds} s\n`,
    );
    for (const row of rows)
      process.stdout.write(
        `${row.run.padEnd(22)} ${row.who.padEnd(14)} ${String(row.stored).padStart(4)} stored  ${row.seconds?.toFixed(2).padStart(7) ?? '      -'} s  ratio ${row.ratio?.toFixed(3) ?? '-'}  ${row.error ?? ''}\n`,
      );
    process.stdout.write(
      `A, median of ${ROUNDS}: ${Object.entries(median)
        .map(([who, ratio]) => `${who} ${ratio.toFixed(4)}`)
        .join(', ')}\n`,
    );
    process.stdout.write(`ours, ms: ${JSON.stringify(idle)}\n`);
    process.stdout.write(
      `CPU ms per candidate at ${FAST_SECONDS} s: ${Object.entries(cpu)
        .map(([who, ms]) => `${who} ${ms.toFixed(1)}`)
        .join(', ')}\n`,
    );
  }
} finally {
  await rm(dir, { recursive: true, force: true });
}
process.exit();
