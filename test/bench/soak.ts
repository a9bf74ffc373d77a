/**
 * `npm run soak`: 8 ComfyUIs at 1 s per 256 x 256 image for 10 minutes with a random fault every 5 s, after 2 minutes without any. Wanted: at least
 * 0.8 of the undisturbed throughput, nothing lost, nothing drawn twice beyond what a fault takes along.
 *
 * The limits of waiting are those that an operator of 1 s images would set (--timeouts): 15 s without progress instead of a minute.
 *
 * Options: --minutes=10 --calm-minutes=2 --every=5 (seconds) --hosts=8 --seed=N (printed; the same seed strikes the same way) --json
 */
import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { deriveSeed } from '../../selection/seeds.js';
import { resolveTemporalBinary } from '../../stack/temporal-binary.js';
import type { ResultDoc } from '../../workflows/contract.js';
import { dice } from '../support/dice.js';
import { FAULT_CASES, type FaultCase } from '../support/fault-cases.js';
import { openStorm, wasted, type Storm } from '../support/storm.js';

const option = (name: string, fallback: number) =>
  Number(process.argv.find((arg) => arg.startsWith(`--${name}=`))?.split('=')[1] ?? fallback);
const MINUTES = option('minutes', 10);
const CALM_MINUTES = option('calm-minutes', 2);
const EVERY_MS = option('every', 5) * 1000;
const HOSTS = option('hosts', 8);
const SEED = option('seed', randomInt(2 ** 31));
/** Candidates of one request; two are always open, so that the queue never runs dry. */
const BATCH = 200;
const OPEN = 2;
/** A host that was killed comes back after so long. */
const DOWN_MS = 3_000;
const TIMEOUTS = process.argv.find((arg) => arg.startsWith('--timeouts='))?.slice(11) ?? 'noProgress=15,workerDead=15';
const json = process.argv.includes('--json');
const note = (text: string) => process.stderr.write(`${text}\n`);
const root = join(import.meta.dirname, '../..');

interface Load {
  readonly seeds: () => readonly number[];
  /** Stops asking, waits for what is open, and tells how all ended. */
  finish(): Promise<ResultDoc[]>;
}

/** Keeps requests open until told to finish. */
function load(storm: Storm, first: number): Load {
  const results: ResultDoc[] = [];
  const open: number[] = [];
  let stop = false;
  let next = first;
  const loop = async (): Promise<void> => {
    while (!stop) {
      const seed = next++;
      open.push(seed);
      const inputs = { prompt: 'product photo of a red mug on a white background', width: 256, height: 256 };
      const request = await storm.pipeline.generate({ seed, inputs, candidates: BATCH, deliver: 4 });
      results.push((await storm.pipeline.end(request)).result);
      open.splice(open.indexOf(seed), 1);
    }
  };
  const loops = Array.from({ length: OPEN }, loop);
  return {
    seeds: () => open.flatMap((seed) => Array.from({ length: BATCH }, (_, i) => deriveSeed(seed, i))),
    async finish() {
      stop = true;
      await Promise.all(loops);
      return results;
    },
  };
}

/** Images stored per second while `during` runs. */
async function throughput(storm: Storm, during: () => Promise<void>): Promise<number> {
  const from = Date.now();
  const saved = async () => (await storm.drawings()).filter(({ status }) => status === 'success').length;
  const before = await saved();
  await during();
  return ((await saved()) - before) / ((Date.now() - from) / 1000);
}

/** Strikes one fault, and brings the host back as its row says. */
async function strike(storm: Storm, fault: FaultCase, at: { host: number; seeds: readonly number[] }): Promise<void> {
  await fault.strike(storm, at);
  if (fault.heal?.when === 'at once') {
    await wait(DOWN_MS);
    await fault.heal.how(storm, at.host);
  } else if (fault.heal) {
    const { host } = at;
    const url = storm.url(host);
    while (!(await storm.pipeline.cull.unhealthyHosts()).some((one) => one.url === url)) await wait(500);
    await fault.heal.how(storm, host);
  } else {
    // What lasts by itself (a skewed clock, no websockets) ends with the next strike's turn.
    await wait(EVERY_MS * 3);
    await storm.config(at.host, { fault: { clockSkewMs: 0, noWebsocket: false } });
  }
}

const binary = await resolveTemporalBinary({
  dir: join(root, '.cull/test'),
  cliPath: process.env['TEMPORAL_CLI_PATH'],
});
const storm = await openStorm({
  temporalBinary: binary.path,
  hosts: HOSTS,
  secondsPerImage: 1,
  prerenderedFolder: join(root, '.cache/prerendered'),
  env: { CULL_COMFYUI_TIMEOUTS: TIMEOUTS },
});
note(`seed ${SEED}: ${CALM_MINUTES} min undisturbed, then ${MINUTES} min with a fault every ${EVERY_MS / 1000} s`);
const requests = load(storm, SEED);
await wait(5_000);
const calm = await throughput(storm, () => wait(CALM_MINUTES * 60_000));
note(`undisturbed: ${calm.toFixed(2)} images/s`);

const roll = dice(SEED);
const busy = new Set<number>();
const struck: Record<string, number> = {};
const healing = new Set<Promise<void>>();
const stormy = await throughput(storm, async () => {
  const until = Date.now() + MINUTES * 60_000;
  while (Date.now() < until) {
    await wait(EVERY_MS);
    const fault = FAULT_CASES[roll(FAULT_CASES.length)];
    const host = roll(HOSTS);
    // A host that still lies down from the last blow is not struck again; the turn passes to the next one that stands.
    const target = Array.from({ length: HOSTS }, (_, i) => (host + i) % HOSTS).find((one) => !busy.has(one));
    if (!fault || target === undefined) continue;
    busy.add(target);
    struck[fault.id] = (struck[fault.id] ?? 0) + 1;
    note(`${fault.id} on ${target}`);
    const blow: Promise<void> = strike(storm, fault, { host: target, seeds: requests.seeds().slice(-2) })
      .catch((error: unknown) => note(`  ${String(error)}`))
      .then(() => {
        busy.delete(target);
        healing.delete(blow);
      });
    healing.add(blow);
  }
});
await Promise.all(healing);
const results = await requests.finish();
const twice = wasted(await storm.drawings());
const sum = (of: (result: ResultDoc) => number) => results.reduce((total, result) => total + of(result), 0);
const report = {
  seed: SEED,
  hosts: HOSTS,
  minutes: MINUTES,
  timeouts: TIMEOUTS,
  faults: struck,
  imagesPerSecond: { undisturbed: calm, stormy },
  ratio: stormy / calm,
  requests: results.length,
  candidates: results.length * BATCH,
  scored: sum(({ counts }) => counts.scored),
  lost: sum(({ counts }) => counts.lost),
  drawnTwiceWithoutNeed: twice.length,
};
if (json) process.stdout.write(`${JSON.stringify(report)}\n`);
else
  process.stdout.write(
    `${stormy.toFixed(2)} of ${calm.toFixed(2)} images/s (${report.ratio.toFixed(3)}; wanted 0.8); ${Object.values(struck).reduce((a, b) => a + b, 0)} faults; ` +
      `${report.scored} of ${report.candidates} candidates scored, ${report.lost} lost, ${twice.length} drawn twice without need; seed ${SEED}\n${JSON.stringify(struck)}\n`,
  );
await storm.close();
process.exit(
  report.ratio >= 0.8 && report.lost === 0 && report.scored === report.candidates && twice.length === 0 ? 0 : 1,
);
