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
import { bestOfNWorkflowId } from '../../workflows/contract.js';
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

interface Took {
  /** From the call to the result, in milliseconds. */
  wholeMs: number;
  /** Of that, from the moment the first candidate lies in the queue until the last is drawn and stored: the wait for ComfyUIs. */
  drawnMs: number;
}

/** Four images, drawn, scored and delivered. */
async function timed(cull: Cull, seed: number): Promise<Took> {
  const from = performance.now();
  const request = await cull.generate({ ...asked(seed), candidates: IMAGES });
  while (!(await cull.result(request))) await wait(LOOK_MS);
  const wholeMs = performance.now() - from;
  const handle = cull.temporal.workflow.getHandle(bestOfNWorkflowId(cull.tenant, request));
  const events = (await handle.fetchHistory()).events ?? [];
  const isDraw = new Set<string>();
  const [queued, drawn]: [number[], number[]] = [[], []];
  for (const { eventId, eventTime, ...event } of events) {
    const ms = Number(eventTime?.seconds) * 1_000 + (eventTime?.nanos ?? 0) / 1e6;
    if (event.activityTaskScheduledEventAttributes?.activityType?.name === 'generate') {
      isDraw.add(String(eventId));
      queued.push(ms);
    } else if (isDraw.has(String(event.activityTaskCompletedEventAttributes?.scheduledEventId))) drawn.push(ms);
  }
  return { wholeMs, drawnMs: Math.max(...drawn) - Math.min(...queued) };
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

/** By how much it takes longer than alone. */
function later(idle: readonly Took[], loaded: readonly Took[], of: keyof Took) {
  const aloneMs = middle(rising(idle.map((took) => took[of])));
  const delays = rising(loaded.map((took) => took[of] - aloneMs));
  return { aloneMs: Math.round(aloneMs), p50Ms: Math.round(middle(delays)), maxMs: Math.round(delays.at(-1) ?? NaN) };
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
    const idle: Took[] = [];
    for (let round = 0; round < IDLE_ROUNDS; round++) idle.push(await timed(small, 100 + round));
    const queuedBefore = await fill(big, scenario);
    const loaded: Took[] = [];
    for (let round = 0; round < ROUNDS; round++) loaded.push(await timed(small, 200 + round));
    const queuedAfter = await countQueued(cull);
    const boundMs = slots * SECONDS * 1_000 + LEEWAY_MS;
    const [whole, drawn] = [later(idle, loaded, 'wholeMs'), later(idle, loaded, 'drawnMs')];
    note(`${what}: ${JSON.stringify({ whole, drawn })}`);
    return { name, what, slots, queuedBefore, queuedAfter, whole, drawn, boundMs, holds: whole.maxMs <= boundMs };
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
  const told = ({ aloneMs, p50Ms, maxMs }: ReturnType<typeof later>): string =>
    `${aloneMs} ms alone, later by p50 ${p50Ms} ms, max ${maxMs} ms`;
  for (const { what, queuedBefore, queuedAfter, whole, drawn, boundMs } of rows)
    process.stdout.write(
      `four images ${what} (${queuedBefore} in the queue, ${queuedAfter} at the end): ${told(whole)}; bound ${boundMs} ms\n` +
        `  until they were drawn: ${told(drawn)}\n`,
    );
}
process.exit(rows.every(({ holds }) => holds) ? 0 : 1);
