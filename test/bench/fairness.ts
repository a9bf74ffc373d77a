/**
 * `npm run bench:fairness`: how long a tenant that asks for four images waits behind one that has 10,000 candidates in the queue. Wanted: beside an idle pool at most
 * two draws more (one where a ComfyUI takes one candidate at a time), and two seconds.
 *
 *   npm run bench:fairness [-- --json --hosts=8 --seconds=1 --backlog=10000 --rounds=20 --only=batch|interactive|one-slot]
 */
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { startBatch } from '../../client/batch.js';
import type { Cull } from '../../client/cull.js';
import { countQueued } from '../../client/load.js';
import { readRelease } from '../../cli/release.js';
import { DEFAULT_SLOTS } from '../../fleet/members.js';
import { windowFor } from '../../selection/stopping.js';
import { resolveTemporalBinary } from '../../stack/temporal-binary.js';
import { MAX_BATCH_WINDOW } from '../../workflows/batch-contract.js';
import { PROMPT } from '../support/pipeline.js';
import { openStorm } from '../support/storm.js';
import { json, note, option } from './options.js';

const [HOSTS, SECONDS] = [option('hosts', 8), option('seconds', 1)];
const [BACKLOG, ROUNDS] = [option('backlog', 10_000), option('rounds', 20)];
const IDLE_ROUNDS = 5;
const IMAGES = 4;
const LEEWAY_MS = 2_000;
/** More than a request has in flight: none of the backlog ends while it is looked at. */
const CANDIDATES = 200;
const LOOK_MS = 20;
/** Of what a request has in flight some is drawn or scored, and lies in no queue. */
const SPARE = 1.25;
const root = join(import.meta.dirname, '../..');

const release = await readRelease('examples/templates/product.json', {
  policyPath: 'examples/policies/generic.yaml',
  scorers: [],
  allowNodes: [],
});
const asked = (seed: number) => ({
  release,
  inputs: { prompt: PROMPT, width: 256, height: 256 },
  ...{ deliver: IMAGES, candidates: CANDIDATES, seed },
});

interface Scenario {
  name: string;
  what: string;
  kind: 'batch' | 'interactive';
  slots: number;
}

const SCENARIOS: readonly Scenario[] = [
  { name: 'batch', what: 'behind batches', kind: 'batch', slots: DEFAULT_SLOTS },
  { name: 'interactive', what: 'beside interactive requests', kind: 'interactive', slots: DEFAULT_SLOTS },
  { name: 'one-slot', what: 'behind batches, one slot', kind: 'batch', slots: 1 },
];

/** Four images, from the call to the result, in milliseconds. */
async function timed(cull: Cull, seed: number): Promise<number> {
  const from = performance.now();
  const request = await cull.generate({ ...asked(seed), candidates: IMAGES });
  while (!(await cull.result(request))) await wait(LOOK_MS);
  return performance.now() - from;
}

/** Puts candidates into Temporal's queue until at least BACKLOG wait there. */
async function fill(cull: Cull, { kind, slots }: Scenario): Promise<number> {
  const requests = Math.ceil((BACKLOG * SPARE) / windowFor(slots * HOSTS));
  if (kind === 'interactive') for (let seed = 0; seed < requests; seed++) await cull.generate(asked(10_000 + seed));
  else
    for (let from = 0; from < requests; from += MAX_BATCH_WINDOW) {
      const some = Array.from({ length: Math.min(MAX_BATCH_WINDOW, requests - from) }, (_, n) => 10_000 + from + n);
      const optionsOf = (seed: unknown) => asked(seed as number);
      await startBatch(cull, { lines: some.map((seed) => JSON.stringify(seed)), window: MAX_BATCH_WINDOW, optionsOf });
    }
  for (;;) {
    const queued = await countQueued(cull);
    note(`${queued} in the queue`);
    if (queued >= BACKLOG) return queued;
    await wait(2_000);
  }
}

const middle = (sorted: readonly number[]): number => sorted[Math.floor(sorted.length / 2)] ?? NaN;
const rising = (values: readonly number[]): number[] => [...values].sort((a, b) => a - b);

async function measure(scenario: Scenario, temporalBinary: string) {
  const { name, what, slots } = scenario;
  const storm = await openStorm({
    ...{ temporalBinary, hosts: HOSTS, secondsPerImage: SECONDS, slots },
    prerenderedFolder: join(root, '.cache/prerendered'),
  });
  try {
    const { cull } = storm.pipeline;
    const [big, small] = [cull.forTenant('big'), cull.forTenant('small')];
    await timed(small, 1);
    const idle: number[] = [];
    for (let round = 0; round < IDLE_ROUNDS; round++) idle.push(await timed(small, 100 + round));
    const idleMs = middle(rising(idle));
    note(`${what}: ${Math.round(idleMs)} ms alone`);
    const queuedBefore = await fill(big, scenario);
    const delays: number[] = [];
    for (let round = 0; round < ROUNDS; round++) delays.push((await timed(small, 200 + round)) - idleMs);
    const queuedAfter = await countQueued(cull);
    const sorted = rising(delays);
    const [p50, max] = [middle(sorted), sorted.at(-1) ?? NaN];
    const boundMs = slots * SECONDS * 1_000 + LEEWAY_MS;
    note(`${what}: later by p50 ${Math.round(p50)} ms, max ${Math.round(max)} ms`);
    return {
      name,
      what,
      slots,
      idleMs,
      queuedBefore,
      queuedAfter,
      delaysMs: { p50, max },
      boundMs,
      holds: max <= boundMs,
    };
  } finally {
    await storm.close();
  }
}

const binary = await resolveTemporalBinary({
  dir: join(root, '.cull/test'),
  cliPath: process.env['TEMPORAL_CLI_PATH'],
  onStep: note,
});
const only = process.argv.find((arg) => arg.startsWith('--only='))?.slice('--only='.length);
const rows: Awaited<ReturnType<typeof measure>>[] = [];
for (const scenario of SCENARIOS)
  if (only === undefined || only === scenario.name) rows.push(await measure(scenario, binary.path));

if (json)
  process.stdout.write(
    `${JSON.stringify({ bench: 'fairness', hosts: HOSTS, secondsPerImage: SECONDS, rounds: ROUNDS, rows })}\n`,
  );
else {
  process.stdout.write(
    'four images                   queue before, after    alone ms   later by p50 ms      max   bound\n',
  );
  for (const { what, idleMs, queuedBefore, queuedAfter, delaysMs, boundMs } of rows)
    process.stdout.write(
      `${what.padEnd(30)}${`${queuedBefore}, ${queuedAfter}`.padStart(19)}${String(Math.round(idleMs)).padStart(12)}` +
        `${String(Math.round(delaysMs.p50)).padStart(18)}${String(Math.round(delaysMs.max)).padStart(9)}${String(boundMs).padStart(8)}\n`,
    );
}
process.exit(rows.every(({ holds }) => holds) ? 0 : 1);
