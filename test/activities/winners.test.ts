/** winners.json as several workers write it at once. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readJson } from '../../activities/documents.js';
import { float32 } from '../../activities/float32.js';
import { createAnnouncer, endWinners } from '../../activities/winners.js';
import type { PassedSoFar, WinnersDoc } from '../../selection/winners.js';
import type { Policy } from '../../selection/types.js';
import { keys, openStorage, type Storage } from '../../storage/index.js';
import type { PlanDoc } from '../../workflows/contract.js';
import { policyOf } from '../selection/samples.js';

let folder: string;
let storage: Storage;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cull-winners-'));
  storage = openStorage(folder);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const planOf = (request: string, policy: Policy = policyOf([])): PlanDoc =>
  ({ tenant: 'default', request, policy, deliver: 2 }) as PlanDoc;
const passed = (candidate: number, quality: number): PassedSoFar => ({
  candidate,
  quality,
  seed: candidate,
  key: `${candidate}.png`,
});
const read = async (request: string): Promise<WinnersDoc> =>
  (await readJson<WinnersDoc>(storage, keys.winners('default', request)))!;

describe('announcing passes', () => {
  it('loses none and numbers all without gaps, however many workers do it at once, twice each', async () => {
    const plan = planOf('many');
    const workers = [createAnnouncer(storage), createAnnouncer(storage), createAnnouncer(storage)];
    const all = Array.from({ length: 60 }, (_, candidate) => passed(candidate, (candidate * 37) % 60));
    await Promise.all(all.flatMap((one, i) => [workers[i % 3]!(plan, one), workers[(i + 1) % 3]!(plan, one)]));
    const { passed: known, winners, events } = await read('many');
    expect(known.map(({ candidate }) => candidate).sort((a, b) => a - b)).toEqual(all.map((one) => one.candidate));
    const best = all.toSorted((a, b) => b.quality - a.quality).slice(0, 2);
    expect(winners).toEqual(best.map(({ candidate }) => candidate));
    expect(events.map(({ event }) => event)).toEqual(events.map((_, i) => i + 1));
  });

  it('compares stored embeddings where the policy wants variety', async () => {
    const varied = planOf('varied', policyOf([], { diversity: { minDistance: 0, lambda: 0.5 } }));
    const looks = [Float32Array.of(1, 0), Float32Array.of(0.8, 0.6), Float32Array.of(0, 1)];
    for (const [candidate, look] of looks.entries())
      await storage.put(keys.embedding('default', 'varied', candidate), float32(look));
    const announce = createAnnouncer(storage);
    for (const one of [passed(0, 90), passed(1, 85)]) await announce(varied, one);
    expect((await read('varied')).winners).toEqual([0, 1]);
    // another worker, which has seen none of the others
    await createAnnouncer(storage)(varied, passed(2, 60));
    const { winners, events } = await read('varied');
    expect(winners).toEqual([0, 2]);
    expect(events.at(-1)?.left).toEqual([{ candidate: 1, why: 'ranked 2 of 3; others are less alike' }]);
  });

  it('ends once, also where nothing passed', async () => {
    const end = { state: 'shortfall' as const, delivered: [], why: () => '' };
    const ref = { tenant: 'default', request: 'nothing' };
    await endWinners(storage, ref, end);
    await endWinners(storage, ref, end);
    expect((await read('nothing')).events).toMatchObject([{ event: 1, kind: 'end', state: 'shortfall' }]);
  });
});
