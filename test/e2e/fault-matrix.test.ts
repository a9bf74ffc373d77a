/**
 * The fault matrix: each fault of test/support/fault-cases.ts, for a candidate alone on one ComfyUI and during a request of 48 on four. The
 * delivered result must be that of an undisturbed run, with no candidate lost and none drawn twice beyond what the fault forces.
 *
 * `npm run reliability` writes the table of docs/reliability.md from this run; a plain run checks that it has the same rows.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest';
import { deriveSeed } from '../../selection/seeds.js';
import { FAULT_CASES, type FaultCase } from '../support/fault-cases.js';
import { essenceOf, openStorm, wasted, type Storm } from '../support/storm.js';

const SEED = 20_261_124;
const DOC = new URL('../../docs/reliability.md', import.meta.url);
const SIZES = [
  { name: 'alone', hosts: 1, candidates: 1, deliver: 1 },
  { name: 'of 48', hosts: 4, candidates: 48, deliver: 8 },
] as const;

interface Outcome {
  /** Milliseconds from the request to its result. */
  tookMs: number;
  redrawn: number;
  essence: ReturnType<typeof essenceOf>;
}
const extra = new Map<string, string>();

describe.each(SIZES)('$name', ({ name, hosts, candidates, deliver }) => {
  const seeds = Array.from({ length: candidates }, (_, candidate) => deriveSeed(SEED, candidate));
  let storm: Storm;
  let calm: Outcome;

  /** One request, struck by `fault` if there is one. */
  async function run(key: string, fault?: FaultCase): Promise<Outcome> {
    await storm.calm();
    await served(storm);
    if (fault?.when === 'start') await fault.strike(storm, { host: 0, seeds });
    const startedAt = Date.now();
    // all scores of all candidates are compared; which of them run everything by lot depends on the request's name
    const request = await storm.pipeline.generate({ key, candidates, deliver, seed: SEED, explain: 'all' });
    const ended = storm.pipeline.end(request);
    if (fault?.when === 'running') {
      await untilRunning(storm, 0, candidates > 1 ? 3 : 0);
      await fault.strike(storm, { host: 0, seeds });
    }
    if (fault?.heal?.when === 'when reported') await untilUnhealthy(storm);
    await fault?.heal?.how(storm, 0);
    const end = await ended;
    const drawings = await storm.drawings();
    expect(wasted(drawings), 'drawn twice without need').toEqual([]);
    return { tookMs: Date.now() - startedAt, redrawn: redrawnOf(drawings), essence: essenceOf(end) };
  }

  beforeAll(async () => {
    storm = await openStorm({
      temporalBinary: inject('temporalBinary'),
      hosts,
      secondsPerImage: 0.3,
      env: { CULL_COMFYUI_TIMEOUTS: 'noProgress=3,loader=3,workerDead=4' },
    });
    await run('warm-up');
    calm = await run('calm');
  });
  afterAll(() => storm.close());

  test('undisturbed, everything is drawn once', () => {
    expect(calm.essence.counts).toMatchObject({ drawn: candidates, scored: candidates, lost: 0, cancelled: 0 });
    expect(calm.redrawn).toBe(0);
  });

  test.each(FAULT_CASES)('$id: $what', async (fault) => {
    const struck = await run(fault.id, fault);
    expect(struck.essence).toEqual(calm.essence);
    extra.set(`${fault.id} ${name}`, cell(struck, calm));
  });
});

test('docs/reliability.md has a row for each fault', async () => {
  const doc = await readFile(DOC, 'utf8');
  const [head = '', tail = ''] = doc.split(/<!-- matrix -->[\s\S]*<!-- end of matrix -->/);
  if (process.env['CULL_WRITE_DOCS'] !== undefined) {
    const rows = FAULT_CASES.map(({ id, what }) => [
      id,
      what,
      ...SIZES.map(({ name }) => extra.get(`${id} ${name}`) ?? '–'),
    ]);
    const table = [['fault', 'what happens', 'alone', 'of 48'], ['---', '---', '---', '---'], ...rows];
    const text = table.map((row) => `| ${row.join(' | ')} |`).join('\n');
    await writeFile(DOC, `${head}<!-- matrix -->\n\n${text}\n\n<!-- end of matrix -->${tail}`);
  }
  const [, matrix = ''] = (await readFile(DOC, 'utf8')).split(/<!-- (?:end of )?matrix -->/);
  const rows = [...matrix.matchAll(/^\| ([a-z0-9-]+) +\|/gm)].map(([, id]) => id);
  expect(rows.filter((id) => id !== 'fault' && !/^-+$/.test(id ?? ''))).toEqual(FAULT_CASES.map(({ id }) => id));
});

const cell = (struck: Outcome, calm: Outcome): string =>
  `equal, 0 lost, ${struck.redrawn} drawn again, +${Math.max(0, (struck.tookMs - calm.tookMs) / 1000).toFixed(1)} s`;

function redrawnOf(drawings: Awaited<ReturnType<Storm['drawings']>>): number {
  const drawn = drawings.filter((one) => one.drawn);
  return drawn.length - new Set(drawn.map(({ seed }) => seed)).size;
}

/** Until `ended` prompts have ended on the host and another one runs. */
async function untilRunning(storm: Storm, host: number, ended: number): Promise<void> {
  await vi.waitUntil(
    async () => {
      const log = (await storm.drawings()).filter((one) => one.host === host);
      return (
        log.filter(({ endedMs }) => endedMs !== null).length >= ended && log.some(({ status }) => status === 'running')
      );
    },
    { timeout: 60_000, interval: 20 },
  );
}

async function untilUnhealthy(storm: Storm): Promise<void> {
  const isReported = async () => (await storm.pipeline.cull.unhealthyHosts()).length > 0;
  await vi.waitUntil(isReported, { timeout: 90_000, interval: 100 });
}

/** Until the worker serves every host again. */
async function served(storm: Storm): Promise<void> {
  const isServed = async () => (await storm.pipeline.cull.unhealthyHosts()).length === 0;
  await vi.waitUntil(isServed, { timeout: 60_000, interval: 100 });
}
