/**
 * `npm run acceptance:comfyui`: 60 candidates on three real ComfyUIs. One is killed with kill -9 half-way and started again, one is drowned in a
 * foreign client's jobs, and the worker is killed once. Wanted: 60 scored, or lost for a stated reason, none drawn twice beyond what
 * the kills took along, foreign jobs untouched.
 *
 * CULL_COMFYUI_TEST_START: the shell command that starts one ComfyUI on 127.0.0.1:$PORT in the background and ends once it answers.
 * CULL_COMFYUI_TEST_CHECKPOINT: the checkpoint to load. PORT: the first of three ports. Linux with lsof.
 */
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { Cull } from '../../client/cull.js';
import { embeddedTarget } from '../../client/temporal.js';
import { readRelease } from '../../cli/release.js';
import { resolveTemporalBinary } from '../../stack/temporal-binary.js';
import { freePort, startServer } from '../../stack/temporal-server.js';
import { openStorage } from '../../storage/index.js';
import { startWorker } from '../support/worker-process.js';

const CANDIDATES = 60;
const FOREIGN = 40;
const first = Number(process.env['PORT'] ?? 8188);
const ports = [first, first + 1, first + 2];
const command = process.env['CULL_COMFYUI_TEST_START'];
if (command === undefined)
  throw new Error('set CULL_COMFYUI_TEST_START to the command that starts one ComfyUI on $PORT');
const checkpoint = process.env['CULL_COMFYUI_TEST_CHECKPOINT'] ?? 'tiny-random-sd15.safetensors';
const note = (text: string) => process.stderr.write(`${text}\n`);

const start = (port: number): void => {
  execFileSync('sh', ['-c', command], {
    env: { ...process.env, PORT: String(port), N: '1' },
    stdio: ['ignore', 'ignore', 'ignore'],
  });
};
const kill9 = (port: number): void => {
  const pids = execFileSync('lsof', ['-t', '-sTCP:LISTEN', `-iTCP:${port}`])
    .toString()
    .trim()
    .split('\n');
  for (const pid of pids) process.kill(Number(pid), 'SIGKILL');
};

type Entry = {
  prompt: [number, string, unknown, { cull?: { candidate: number } }, unknown];
  status: { status_str: string };
};
const urlOf = (port: number) => `http://127.0.0.1:${port}`;
const historyOf = async (port: number): Promise<Record<string, Entry>> =>
  (await (await fetch(`${urlOf(port)}/history`)).json()) as Record<string, Entry>;

async function remainingOn(port: number): Promise<number> {
  const body = (await (await fetch(`${urlOf(port)}/prompt`)).json()) as { exec_info: { queue_remaining: number } };
  return body.exec_info.queue_remaining;
}

/** Candidates of ours that ended well there, one entry per render. */
const drawnOn = async (port: number): Promise<{ promptId: string; candidate: number }[]> =>
  Object.entries(await historyOf(port)).flatMap(([promptId, { prompt, status }]) =>
    prompt[3].cull && status.status_str === 'success' ? [{ promptId, candidate: prompt[3].cull.candidate }] : [],
  );

/** Somebody else's jobs, queued behind and between ours. */
async function drown(port: number): Promise<string[]> {
  const client = randomUUID();
  const ids: string[] = [];
  for (let i = 0; i < FOREIGN; i++) {
    const prompt = {
      '1': { class_type: 'EmptyImage', inputs: { width: 512, height: 512, batch_size: 1, color: 255 } },
      '2': { class_type: 'ImageAddNoise', inputs: { image: ['1', 0], seed: i, strength: 0.5 } },
      '3': { class_type: 'ImageBlur', inputs: { image: ['2', 0], blur_radius: 15, sigma: 4 } },
      '4': { class_type: 'SaveImage', inputs: { images: ['3', 0], filename_prefix: `foreign/${i}` } },
    };
    const id = randomUUID();
    const answer = await fetch(`${urlOf(port)}/prompt`, {
      method: 'POST',
      body: JSON.stringify({ prompt, prompt_id: id, client_id: client }),
    });
    if (!answer.ok) throw new Error(`the foreign job was refused: ${await answer.text()}`);
    ids.push(id);
  }
  return ids;
}

function countsOf(values: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const value of values) counts[value] = (counts[value] ?? 0) + 1;
  return counts;
}

const dir = await mkdtemp(join(tmpdir(), 'cull-acceptance-'));
for (const port of ports) start(port);
note(`three ComfyUIs on ${ports.join(', ')}`);
const root = join(import.meta.dirname, '../..');
const binary = await resolveTemporalBinary({
  dir: join(root, '.cull/test'),
  cliPath: process.env['TEMPORAL_CLI_PATH'],
});
const server = await startServer({ binary: binary.path, port: await freePort(), dbFile: join(dir, 'temporal.sqlite') });
const env = {
  CULL_DIR: join(dir, '.cull'),
  CULL_STORAGE: join(dir, 'storage'),
  CULL_COMFYUI_URLS: ports.map(urlOf).join(','),
  TEMPORAL_ADDRESS: server.address,
};
let worker = await startWorker(env);
const storage = openStorage(join(dir, 'storage'));
const cull = await Cull.connect({ target: embeddedTarget(server.address), storage, tenant: 'acceptance' });
const policyPath = join(root, 'examples/policies/generic.yaml');
const release = await readRelease(join(root, 'examples/templates/txt2img.json'), {
  policyPath,
  scorers: [],
  allowNodes: [],
});
const inputs = { prompt: 'a red mug on a table', width: 128, height: 128, steps: 8, checkpoint };
const startedAt = Date.now();
const request = await cull.generate({ release, inputs, candidates: CANDIDATES, deliver: 10, seed: 1 });
const at = () => `${((Date.now() - startedAt) / 1000).toFixed(0)} s`;
const untilDrawn = async (count: number): Promise<void> => {
  while (((await cull.progress(request))?.state.drawn ?? 0) < count) await wait(200);
};

await untilDrawn(10);
const foreign = await drown(ports[1] ?? 0);
note(`${at()}: ${FOREIGN} foreign jobs on ${ports[1]}`);
await untilDrawn(25);
const before = await drawnOn(ports[0] ?? 0);
kill9(ports[0] ?? 0);
note(`${at()}: kill -9 of the ComfyUI on ${ports[0]}, which had drawn ${before.length}`);
await wait(3_000);
start(ports[0] ?? 0);
note(`${at()}: it is back`);
await untilDrawn(40);
await worker.kill('SIGKILL');
note(`${at()}: kill -9 of the worker`);
worker = await startWorker(env);
note(`${at()}: another worker serves`);

const watching = cull.watch(request);
let step = await watching.next();
while (!step.done) step = await watching.next();
const result = step.value;
const seconds = (Date.now() - startedAt) / 1000;
const records = await cull.records(request);
const renders = [...before, ...(await Promise.all(ports.map(drawnOn))).flat()];
const used = new Set(records.map(({ promptId }) => promptId));
const times = new Map<number, number>();
for (const { candidate } of renders) times.set(candidate, (times.get(candidate) ?? 0) + 1);
// A render that had ended when its ComfyUI was killed, but was not fetched yet, went with it: drawing that one again is forced.
const taken = new Set(before.filter(({ promptId }) => !used.has(promptId)).map(({ candidate }) => candidate));
const twice = [...times]
  .filter(([candidate, count]) => count > 1 && !taken.has(candidate))
  .map(([candidate]) => candidate);
while ((await remainingOn(ports[1] ?? 0)) > 0) await wait(500);
const theirs = await historyOf(ports[1] ?? 0);
const untouched = foreign.filter((id) => theirs[id]?.status.status_str === 'success').length;
const lost = records.filter(({ state }) => state === 'lost');
const report = {
  candidates: CANDIDATES,
  seconds,
  state: result.state,
  counts: result.counts,
  lost: lost.map(({ candidate, error }) => ({ candidate, error })),
  renders: renders.length,
  drawnTwiceWithoutNeed: twice,
  takenByTheKill: [...taken],
  foreignJobs: { queued: foreign.length, done: untouched },
  byHost: countsOf(records.map(({ host }) => host ?? 'none')),
};
process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
await cull.close();
await worker.kill('SIGTERM');
await server.stop();
for (const port of ports) kill9(port);
await rm(dir, { recursive: true, force: true });
const ended = result.counts.scored + lost.length === CANDIDATES;
process.exit(ended && twice.length === 0 && untouched === foreign.length ? 0 : 1);
