/**
 * How long a replay of 100,000 candidates takes: made here in a folder that is then removed, the product policy with two thresholds changed, the command line
 * in a process of its own. Beside it, in the same run: reading the same lines and bare JSON.parse.
 *
 *   npm run bench:replay [-- --json] [--requests 420] [--candidates 240] [--scores 110]
 */
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { ReplaySummary } from '../../cli/commands/replay.js';
import { builtInScorers, dimensionsOf } from '../../scorers/registry.js';
import { dimensionsRead } from '../../selection/dimensions.js';
import { parsePolicy } from '../../selection/policy-file.js';
import { chanceFrom, type Chance } from '../../selection/tuning/random.js';
import type { Gate, Policy, Score, Scores } from '../../selection/types.js';
import { createFsStorage, keys } from '../../storage/index.js';
import { storeRequest } from '../support/stored-requests.js';
import { residentBytes } from './cpu.js';

const WANTED_SECONDS = 10;
const DELIVER = 60;
/** Of each gate: 14 of them let a quarter pass. */
const PASS_RATE = 0.9;
const BOX = { left: 101.5, top: 98.2, width: 300.1, height: 311.9 };
const root = resolve(import.meta.dirname, '../..');

const { values: flags } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    requests: { type: 'string', default: '420' },
    candidates: { type: 'string', default: '240' },
    // of each candidate, as many as a worker stores: those that no policy reads are stored all the same
    scores: { type: 'string', default: '0' },
  },
});
const [requests, candidates] = [Number(flags.requests), Number(flags.candidates)];

/** The product policy without the gate that needs a model: 14 gates, 15 dimensions with those that rank. */
async function productPolicy(): Promise<Policy> {
  const text = await readFile(join(root, 'examples/policies/product.yaml'), 'utf8');
  const policy = parsePolicy(text, { file: 'product.yaml', dimensions: dimensionsOf(builtInScorers) });
  return { ...policy, gates: policy.gates.filter(({ id }) => id !== 'alignment.margin') };
}

/** JSON is YAML: the short form of a policy file, with other bounds for some gates. */
function policyFile(policy: Policy, changes: Record<string, number>): string {
  const gates: Record<string, Record<string, unknown>> = {};
  for (const gate of policy.gates) {
    if (gate.kind !== 'threshold') continue;
    const { id, tier, on, accept, onUnassessable } = gate;
    const bounds = Object.hasOwn(changes, id) ? { max: changes[id] } : accept;
    gates[tier] = { ...gates[tier], [id]: { [on]: bounds, onUnassessable } };
  }
  return JSON.stringify({ policy: 'changed', gates, rank: policy.rank, diversity: policy.diversity });
}

const labels = new Map(
  builtInScorers.flatMap(({ spec }) =>
    Object.keys(spec.dimensions).map((id) => [id, `${spec.id}@${spec.version}`] as const),
  ),
);

/** Scores of one candidate: what the policy reads, the fingerprint, and others up to `--scores`. */
function drawScores(policy: Policy, chance: Chance): Scores {
  const byDimension = new Map(policy.gates.map((gate) => [gate.id, gate]));
  const scores: Scores = {};
  for (const dimension of dimensionsRead(policy)) scores[dimension] = scoreOf(dimension, byDimension, chance);
  for (const [i, dimension] of [...labels.keys()].filter((id) => !Object.hasOwn(scores, id)).entries()) {
    if (Object.keys(scores).length + 1 >= Number(flags.scores)) break;
    // every second one says where it looked, as real ones do
    const score = scoreOf(dimension, byDimension, chance);
    scores[dimension] = i % 2 === 0 ? score : { ...score, facts: { box: BOX, share: chance.share() } };
  }
  const hex = Array.from({ length: 16 }, () => chance.below(16).toString(16)).join('');
  scores['fingerprint.phash'] = { ...okScore('fingerprint.phash', 0, 100), facts: { hex } };
  return scores;
}

function scoreOf(dimension: string, gates: ReadonlyMap<string, Gate>, chance: Chance): Score {
  const gate = gates.get(dimension);
  const quality = Math.round(chance.share() * 10_000) / 100;
  if (gate?.kind !== 'threshold') return okScore(dimension, chance.share(), quality);
  const { min, max } = gate.accept;
  const bound = max ?? min ?? 0;
  const isPass = chance.share() < PASS_RATE;
  // inside or outside of the bound, by up to its half
  const outwards = (max === undefined) === isPass ? 1 : -1;
  const raw = bound + outwards * Math.abs(bound) * 0.5 * chance.share();
  return { ...okScore(dimension, raw, quality), facts: { box: BOX, share: chance.share() } };
}

const okScore = (dimension: string, raw: number, quality: number): Score => ({
  status: 'ok',
  raw,
  quality,
  scorer: labels.get(dimension) ?? '',
});

interface Run {
  seconds: number;
  peakMiB: number;
  stdout: string;
}

/** The command line in a process of its own, from its start to its end. */
async function run(args: string[], env: Record<string, string>): Promise<Run> {
  const began = performance.now();
  const child = spawn(process.execPath, [join(root, 'bin/comfy-cull.js'), ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let stdout = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk));
  let peak = 0;
  const watching = setInterval(() => {
    try {
      if (child.pid !== undefined) peak = Math.max(peak, residentBytes(child.pid));
    } catch {
      // it has ended
    }
  }, 50);
  const code = await new Promise((ended) => child.once('close', ended));
  clearInterval(watching);
  if (code !== 0) throw new Error(`comfy-cull ${args.join(' ')} ended with ${String(code)}`);
  return { seconds: (performance.now() - began) / 1000, peakMiB: peak / 2 ** 20, stdout };
}

const dir = await mkdtemp(join(tmpdir(), 'cull-bench-replay-'));
try {
  const policy = await productPolicy();
  const storage = createFsStorage({ root: join(dir, 'storage') });
  const chance = chanceFrom(1);
  const createdAt = new Date(Date.now() - 86_400_000).toISOString();
  const names = Array.from({ length: requests }, (_, i) => `request-${String(i).padStart(4, '0')}`);
  for (const request of names) {
    const scores = Array.from({ length: candidates }, () => drawScores(policy, chance));
    await storeRequest(storage, { request, createdAt, policy, deliver: DELIVER, scores });
  }
  const changes = { 'sharpness.edgeBlur': 1.2, 'background.dirt': 5 };
  await writeFile(join(dir, 'changed.yaml'), policyFile(policy, changes));

  const env = { CULL_STORAGE: join(dir, 'storage'), CULL_TENANT: 'default', CULL_SCORERS: '' };
  const start = await run(['replay', '--help'], env);
  const replayed = await run(['replay', '--policy', join(dir, 'changed.yaml'), '--since', '7d', '--json'], env);
  const last = replayed.stdout.trimEnd().split('\n').at(-1) ?? '';
  const { summary } = JSON.parse(last) as { summary: ReplaySummary };

  const began = performance.now();
  let [lines, bytes, scores] = [0, 0, 0];
  for (const request of names) {
    const { body } = (await storage.get(keys.manifest('default', request))) as { body: Buffer };
    bytes += body.length;
    for (const line of body.toString('utf8').split('\n')) {
      if (line === '') continue;
      lines++;
      scores += Object.keys((JSON.parse(line) as { scores: Scores }).scores).length;
    }
  }
  const parseSeconds = (performance.now() - began) / 1000;

  const figures = {
    candidates: summary.candidates,
    scoresEach: scores / lines,
    bytesPerLine: bytes / lines,
    seconds: replayed.seconds,
    wanted: WANTED_SECONDS,
    startSeconds: start.seconds,
    parseSeconds,
    peakMiB: replayed.peakMiB,
    delivered: summary.delivered,
  };
  if (flags.json) console.log(JSON.stringify(figures));
  else {
    const holds = figures.seconds < WANTED_SECONDS;
    console.log(
      `${figures.candidates} candidates of ${requests} requests, ${figures.scoresEach} scores each, ${figures.bytesPerLine.toFixed(0)} bytes a line, two thresholds changed`,
    );
    console.log(
      `${holds ? 'ok  ' : 'MISS'} cold process, start to end: ${figures.seconds.toFixed(2)} s (wanted < ${WANTED_SECONDS}), of which its start ${figures.startSeconds.toFixed(2)} s; peak ${figures.peakMiB.toFixed(0)} MiB`,
    );
    console.log(`     reading the same lines and JSON.parse, warm: ${parseSeconds.toFixed(2)} s`);
    console.log(`     delivered ${summary.delivered.before} before, ${summary.delivered.after} after`);
  }
} finally {
  await rm(dir, { recursive: true, force: true });
}
