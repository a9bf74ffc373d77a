import { describe, expect, it } from 'vitest';
import { asStopped, isFull } from '../../selection/cascade.js';
import { createDriftTally, type DriftRecord, type DriftTest, type Period } from '../../selection/drift.js';
import { judge } from '../../selection/judge.js';
import { chanceFrom, type Chance } from '../../selection/tuning/random.js';
import { kolmogorovSmirnov } from '../../selection/two-samples.js';
import type { Score, Scores } from '../../selection/types.js';
import { policyOf, threshold } from './samples.js';

const policy = policyOf([
  threshold({ dimension: 'noise.sigma', on: 'raw', accept: { max: 0.5 } }),
  threshold({ dimension: 'eyes.open', on: 'raw', accept: { min: -10 }, onUnassessable: 'ignore' }),
]);
const score = (raw: number, more: Partial<Score> = {}): Score =>
  ({ status: 'ok', raw, quality: 50, scorer: 'noise@1.0.0', ...more }) as Score;
const record = (scores: Scores): DriftRecord => ({ candidate: 0, scores, verdict: judge(scores, policy) });
const asked = { request: 'r', policy, hasCascade: false };

/** Box and Muller. */
const normal = (chance: Chance): number =>
  Math.sqrt(-2 * Math.log(1 - chance.share())) * Math.cos(2 * Math.PI * chance.share());

/** Requests of eight candidates, half of whose variance is the prompt's; `shift` moves the recent ones. */
function drawn(seed: number, { shift = 0, requests = 30 } = {}) {
  const chance = chanceFrom(seed);
  const of = (by: number): number[][] =>
    Array.from({ length: requests }, () => {
      const prompt = normal(chance);
      return Array.from({ length: 8 }, () => prompt + normal(chance) + by);
    });
  return { reference: of(0), recent: of(shift) };
}

function testsOf(values: Record<Period, number[][]>): DriftTest[] {
  const tally = createDriftTally({ level: 0.05 });
  for (const period of ['reference', 'recent'] as const)
    for (const request of values[period]) {
      const records = request.map((raw) => record({ 'noise.sigma': score(raw), 'eyes.open': score(raw) }));
      tally.add({ ...asked, release: 'sha256:a', records }, period);
    }
  return tally.report()[0]?.tests ?? [];
}
const find = (tests: readonly DriftTest[], what: DriftTest['what'], name = '') =>
  tests.find((test) => test.what === what && test.name === name);

describe('drift', () => {
  it('finds what moved, in shares and in values, and leaves the rest alone', () => {
    const tests = testsOf(drawn(1, { shift: 1.5, requests: 40 }));
    expect(find(tests, 'pass')).toMatchObject({ drifted: true, reference: { requests: 40, candidates: 320 } });
    expect(find(tests, 'gate', 'noise.sigma')?.drifted).toBe(true);
    expect(find(tests, 'score', 'noise.sigma')?.drifted).toBe(true);
    expect(find(tests, 'gate', 'eyes.open')).toMatchObject({ drifted: false, distance: 0 });
    expect(find(tests, 'measured', 'noise.sigma')).toMatchObject({ drifted: false, p: 1 });
    for (const { p, corrected } of tests) expect(corrected).toBeGreaterThanOrEqual(p);
    expect(find(tests, 'score', 'noise.sigma')?.recent.effective).toBeLessThan(150);
  });

  it('keeps to its level where candidates of one prompt are alike, which counting images would not', () => {
    const runs = 300;
    let [alarms, naive] = [0, 0];
    for (let seed = 1; seed <= runs; seed++) {
      const values = drawn(seed);
      if ((find(testsOf(values), 'score', 'noise.sigma')?.p ?? 1) <= 0.05) alarms++;
      if (kolmogorovSmirnov(values.reference.flat(), values.recent.flat()).p <= 0.05) naive++;
    }
    // 5 % of 300 is 15; more than 27 would be a chance of 1 in 500
    expect(alarms).toBeLessThanOrEqual(27);
    expect(naive).toBeGreaterThan(60);
  });

  it('raises no more alarms a run than its level where prompts decide what rarely fails', () => {
    const ids = Array.from({ length: 8 }, (_, i) => `noise.of${i}`);
    const rare = policyOf(ids.map((dimension) => threshold({ dimension, on: 'raw', accept: { min: -1 } })));
    const runs = 100;
    let alarms = 0;
    for (let seed = 1; seed <= runs; seed++) {
      const chance = chanceFrom(seed);
      const tally = createDriftTally({ level: 0.05 });
      for (const period of ['reference', 'recent'] as const)
        for (let i = 0; i < 10; i++) {
          const prompt = ids.map(() => Math.sqrt(0.8) * normal(chance));
          const records = Array.from({ length: 4 + chance.below(17) }, (_, candidate) => {
            const values = ids.map(
              (id, at) => [id, score((prompt[at] ?? 0) + Math.sqrt(0.2) * normal(chance))] as const,
            );
            const scores = Object.fromEntries(values);
            return { candidate, scores, verdict: judge(scores, rare) };
          });
          tally.add({ request: `${period}${i}`, release: 'r', policy: rare, records, hasCascade: false }, period);
        }
      if (tally.report().some(({ tests }) => tests.some(({ drifted }) => drifted))) alarms++;
    }
    // 5 % of 100 is 5; more than 12 would be a chance of 1 in 700
    expect(alarms).toBeLessThanOrEqual(12);
  });

  it('notices that something can be measured less often', () => {
    const tally = createDriftTally({ level: 0.05 });
    const blind: Score = { status: 'unassessable', reason: 'no-face', scorer: 'noise@1.0.0' };
    for (let i = 0; i < 60; i++) {
      const scores = (seen: boolean) => ({ 'noise.sigma': score(i), 'eyes.open': seen ? score(i) : blind });
      tally.add({ ...asked, release: 'r', records: [record(scores(true))] }, 'reference');
      tally.add({ ...asked, release: 'r', records: [record(scores(i % 2 === 0))] }, 'recent');
    }
    const [release] = tally.report();
    expect(find(release?.tests ?? [], 'measured', 'eyes.open')).toMatchObject({
      drifted: true,
      reference: { value: 1 },
      recent: { value: 0.5 },
    });
  });

  it('counts a gate only where its scores were taken', () => {
    const tally = createDriftTally({ level: 0.05 });
    const left: Score = { status: 'notRun', scorer: 'noise@1.0.0' };
    for (const period of ['reference', 'recent'] as const)
      for (let i = 0; i < 20; i++)
        tally.add(
          {
            ...asked,
            release: 'r',
            records: [record({ 'noise.sigma': score(0), 'eyes.open': i < 12 ? score(0) : left })],
          },
          period,
        );
    const [release] = tally.report();
    expect(find(release?.tests ?? [], 'gate', 'eyes.open')?.recent).toMatchObject({ candidates: 12, requests: 12 });
    expect(find(release?.tests ?? [], 'pass')?.recent.candidates).toBe(20);
  });

  it('takes another order of the scorers for no drift, nor one request in which all ran everything', () => {
    const strict = policyOf(
      ['noise', 'eyes'].map((id) => threshold({ dimension: `${id}.value`, on: 'raw', accept: { max: 0 } })),
      { fullShare: 0.2 },
    );
    const values = (chance: Chance): Scores => {
      // alike: what fails one gate mostly fails the other
      const [common, own] = [normal(chance), normal(chance)];
      const of = (id: string, raw: number): Scores => ({ [`${id}.value`]: { ...score(raw), scorer: `${id}@1.0.0` } });
      return { ...of('noise', common), ...of('eyes', common + 0.3 * own) };
    };
    const testsFor = (hasCascade: boolean): DriftTest[] => {
      const chance = chanceFrom(5);
      const tally = createDriftTally({ level: 0.05 });
      for (const period of ['reference', 'recent'] as const)
        for (let i = 0; i < 400; i++) {
          const request = `${period}${i}`;
          const order = period === 'reference' ? ['noise', 'eyes'] : ['eyes', 'noise'];
          const fullShare = i % 4 === 0 ? 1 : 0.2;
          const records = Array.from({ length: 4 }, (_, candidate): DriftRecord => {
            const all = values(chance);
            const full = isFull({ request, candidate }, fullShare);
            const scores = full ? all : asStopped(all, { policy: strict, order });
            return { candidate, scores, verdict: judge(scores, strict), ...(full && { full }) };
          });
          tally.add({ request, release: 'r', policy: strict, records, hasCascade }, period);
        }
      return tally.report()[0]?.tests ?? [];
    };
    expect(testsFor(true).filter(({ drifted }) => drifted)).toEqual([]);
    expect(testsFor(true)).toHaveLength(7);
    // what was taken, as it is, depends on the order
    expect(
      testsFor(false)
        .filter(({ drifted }) => drifted)
        .map(({ what }) => what),
    ).toContain('score');
  });

  it('refuses scores of two versions or models, and what rests on them', () => {
    const tally = createDriftTally({ level: 0.05 });
    const add = (period: Period, eyes: Partial<Score>) => {
      for (let i = 0; i < 20; i++) {
        const scores = { 'noise.sigma': score(i), 'eyes.open': score(i, eyes) };
        tally.add({ ...asked, release: 'r', records: [record(scores)] }, period);
      }
    };
    add('reference', { models: { facemesh: 'aaa' } });
    add('recent', { models: { facemesh: 'bbb' } });
    const [release] = tally.report();
    expect(release?.refused).toEqual([
      { dimension: 'eyes.open', measures: ['noise@1.0.0 with facemesh aaa', 'noise@1.0.0 with facemesh bbb'] },
    ]);
    expect(release?.tests.map(({ what, name }) => `${what} ${name}`)).toEqual([
      'gate noise.sigma',
      'measured noise.sigma',
      'score noise.sigma',
    ]);
  });

  it('says nothing of few candidates, of one prompt, or of a release that is new', () => {
    const few = createDriftTally({ level: 0.05 });
    const of = (n: number) =>
      Array.from({ length: n }, (_, i) => record({ 'noise.sigma': score(i), 'eyes.open': score(i) }));
    few.add({ ...asked, release: 'r', records: of(500) }, 'reference');
    few.add({ ...asked, release: 'r', records: of(9) }, 'recent');
    few.add({ ...asked, release: 'new', records: of(9) }, 'recent');
    const [release, ...more] = few.report();
    expect(more).toEqual([]);
    expect(release?.tests).toEqual([]);
    expect(release?.tooFew).toHaveLength(7);
    expect(release?.candidates).toEqual({ reference: 500, recent: 9 });
  });
});
