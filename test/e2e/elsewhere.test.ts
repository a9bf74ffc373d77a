/** What fails on one ComfyUI is drawn on another one, and nothing is lost by it. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { hostId } from '../../providers/comfyui/index.js';
import { deriveSeed } from '../../selection/seeds.js';
import { openPipeline, type Pipeline } from '../support/pipeline.js';
import { startSandbox, type TestSandbox } from '../support/sandbox.js';
import { temporalAddress } from '../support/temporal-address.js';

const CANDIDATES = 6;
const SEEDS = Array.from({ length: CANDIDATES }, (_, candidate) => deriveSeed(1, candidate));

let broken: TestSandbox;
let well: TestSandbox;
let pipeline: Pipeline;
beforeAll(async () => {
  [broken, well] = await Promise.all([startSandbox({ secondsPerImage: 0.1 }), startSandbox({ secondsPerImage: 0.1 })]);
  pipeline = await openPipeline({ address: temporalAddress, comfyUrls: [broken.url, well.url] });
});
afterAll(async () => {
  await pipeline.close();
  await Promise.all([broken.close(), well.close()]);
});
beforeEach(() => Promise.all([broken.reset(), well.reset()]));

/** Of every candidate that came to the broken one, how its prompts there ended. */
async function endsOnBroken(): Promise<Map<number, string[]>> {
  const ends = new Map<number, string[]>();
  for (const { seed, status } of await broken.log()) {
    const candidate = SEEDS.indexOf(Number(seed));
    ends.set(candidate, [...(ends.get(candidate) ?? []), status]);
  }
  return ends;
}

describe('a ComfyUI', () => {
  test('whose memory is too small draws each candidate twice, then another one draws it', async () => {
    await broken.config({ fault: { oomTimes: 100, oomSeeds: SEEDS } });
    const request = await pipeline.generate({ deliver: 1, candidates: CANDIDATES });
    const { result, records } = await pipeline.end(request);
    expect(result.counts).toMatchObject({ drawn: CANDIDATES, scored: CANDIDATES, lost: 0 });
    expect(new Set(records.map(({ host }) => host))).toEqual(new Set([hostId(well.url)]));
    const ends = await endsOnBroken();
    expect(ends.size).toBeGreaterThan(0);
    // Once, and once more after the models were unloaded. Never a third time: it is handed back there.
    for (const statuses of ends.values()) expect(statuses).toEqual(['error', 'error']);
    expect((await well.log()).filter(({ status }) => status === 'success')).toHaveLength(CANDIDATES);
  });

  test('where a node fails for everybody costs no candidate', async () => {
    await broken.config({ fault: { failSeeds: SEEDS } });
    const { result, records } = await pipeline.end(await pipeline.generate({ deliver: 1, candidates: CANDIDATES }));
    expect(result.counts).toMatchObject({ drawn: CANDIDATES, scored: CANDIDATES, lost: 0 });
    expect(new Set(records.map(({ host }) => host))).toEqual(new Set([hostId(well.url)]));
    for (const statuses of (await endsOnBroken()).values()) expect(statuses).toEqual(['error']);
  });

  test('that is the only one left gets the candidate back after about 30 s', async () => {
    // Its worker is alive and has said so, but it takes nothing: it hangs in two prompts of its own.
    await well.config({ fault: { stallPrompts: 100 } });
    await broken.config({ fault: { oomTimes: 2, oomSeeds: SEEDS } });
    const request = await pipeline.generate({ deliver: 1, candidates: 3 });
    for await (const _ of pipeline.cull.watch(request)) {
      if ((await broken.log()).some(({ status }) => status === 'success')) break;
    }
    const ends = await endsOnBroken();
    expect([...ends.values()].some((statuses) => statuses.join() === 'error,error,success')).toBe(true);
    await pipeline.cull.cancel(request);
    await pipeline.end(request);
  });
});
