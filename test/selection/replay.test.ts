import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { asStopped, isFull } from '../../selection/cascade.js';
import { createComparison } from '../../selection/comparable.js';
import { judge } from '../../selection/judge.js';
import { createReplayTally } from '../../selection/replay-totals.js';
import { replay, type ReplayRecord } from '../../selection/replay.js';
import { select } from '../../selection/select.js';
import { chanceFrom, type Chance } from '../../selection/tuning/random.js';
import type { Policy, Score, Scores, SelectionCandidate } from '../../selection/types.js';
import { demandingArbitrary, ok, policyArbitrary, policyOf, requestArbitrary, threshold } from './samples.js';

const SHARP = 'sharpness.tileP90';
const NOISE = 'noise.sigma';
const atLeast = (min: number): Policy =>
  policyOf([threshold({ dimension: SHARP, accept: { min } })], { rank: { [SHARP]: 1 } });
const notRun: Score = { status: 'notRun', scorer: 'test@1.0.0' };

/** The records that a request leaves: judged and selected by its own policy. */
function recordsOf(candidates: readonly SelectionCandidate[], policy: Policy, deliver: number): ReplayRecord[] {
  const won = select(candidates, policy, deliver).winners.map(({ candidate }) => candidate);
  return candidates.map(({ candidate, scores, verdict, fingerprint, pixelSha256 }) => ({
    candidate,
    state: won.includes(candidate) ? 'delivered' : verdict.pass ? 'passed' : 'rejected',
    scores: fingerprint === undefined ? scores : { ...scores, 'fingerprint.phash': hashed(fingerprint) },
    verdict,
    image: { pixelSha256: pixelSha256 ?? null },
  }));
}
const hashed = (hex: string): Score => ({ ...ok(0), facts: { hex } });

const drawn = (policy: Policy, deliver: number, ...all: Scores[]): ReplayRecord[] =>
  recordsOf(
    all.map((scores, candidate) => ({ candidate, scores, verdict: judge(scores, policy) })),
    policy,
    deliver,
  );
const sharp = (...qualities: number[]): Scores[] => qualities.map((quality) => ({ [SHARP]: ok(0, quality) }));

describe('replay', () => {
  it('changes nothing with the policy that the request was judged by', () => {
    fc.assert(
      fc.property(
        requestArbitrary,
        demandingArbitrary,
        fc.integer({ min: 0, max: 8 }),
        (request, { diversity }, deliver) => {
          const policy = { ...request.policy, diversity };
          // the candidates of a request are of no group
          const candidates = request.candidates.map(({ group: _, ...one }) => one);
          const embeddings = new Map(
            candidates.flatMap((one) => (one.embedding ? [[one.candidate, one.embedding]] : [])),
          );
          const records = recordsOf(candidates, policy, deliver);
          const { before, after, entered, left, flips } = replay(records, { policy, deliver, embeddings });
          expect(after).toEqual(before);
          expect([entered, left, flips]).toEqual([[], [], []]);
        },
      ),
    );
  });

  it('keeps what people said of the band review, and asks nobody about what is rejected now', () => {
    const banded = (min: number): Policy =>
      policyOf([threshold({ dimension: SHARP, accept: { min: 60 }, review: { min } })]);
    const [good, left, bad] = drawn(banded(40), 3, ...sharp(70, 50, 45));
    const accepted: ReplayRecord = {
      ...left!,
      state: 'delivered',
      verdict: { ...left!.verdict!, pass: true },
      review: { decision: 'accept' },
    };
    const records = [good!, accepted, { ...bad!, review: { decision: 'reject' as const } }];
    const same = replay(records, { policy: banded(40), deliver: 3 });
    expect(same.after).toEqual(same.before);
    expect(same.after).toMatchObject({ passed: 2, delivered: [0, 1], missing: 1 });
    expect(replay(records, { policy: banded(55), deliver: 3 }).left).toEqual([1]);
  });

  it('adds up, whatever the other policy: before - left + entered = after, and what is not taken bounds it', () => {
    fc.assert(
      fc.property(
        requestArbitrary,
        policyArbitrary,
        fc.integer({ min: 0, max: 8 }),
        ({ policy: old, candidates }, policy, deliver) => {
          const { scored, before, after, entered, left, flips, notTaken } = replay(
            recordsOf(candidates, old, deliver),
            { policy, deliver },
          );
          expect(before.delivered.length - left.length + entered.length).toBe(after.delivered.length);
          expect(after.delivered.length + after.missing).toBe(deliver);
          expect(after.passed - before.passed).toBe(
            flips.filter(({ passes }) => passes).length - flips.filter(({ passes }) => !passes).length,
          );
          expect(notTaken.undecided).toBeLessThanOrEqual(notTaken.candidates);
          expect(notTaken.candidates).toBeLessThanOrEqual(scored);
          expect(notTaken.least).toBeLessThanOrEqual(after.delivered.length);
          expect(notTaken.most).toBeGreaterThanOrEqual(after.delivered.length);
        },
      ),
    );
  });

  it('says who comes in, who goes, what is missing and which gate rejects', () => {
    const records = drawn(atLeast(40), 2, ...sharp(90, 50, 45, 30));
    expect(replay(records, { policy: atLeast(60), deliver: 2 })).toMatchObject({
      scored: 4,
      before: { passed: 3, delivered: [0, 1], missing: 0, gates: { [SHARP]: 1 } },
      after: { passed: 1, delivered: [0], missing: 1, gates: { [SHARP]: 3 } },
      entered: [],
      left: [1],
    });
    expect(replay(drawn(atLeast(60), 2, ...sharp(90, 50, 45)), { policy: atLeast(40), deliver: 2 })).toMatchObject({
      entered: [1],
      left: [],
      after: { missing: 0 },
    });
  });

  it('names the gate of a verdict that turns, and how far the value is from its bound', () => {
    const [flip, ...others] = replay(drawn(atLeast(40), 2, ...sharp(90, 57)), {
      policy: atLeast(60),
      deliver: 2,
    }).flips;
    expect(others).toEqual([]);
    expect(flip).toMatchObject({ candidate: 1, passes: false, before: 'accept', after: 'reject', gate: SHARP });
    expect(flip?.margin).toBeCloseTo(0.03);
    expect(flip?.reason).toContain('57');
  });

  it('takes the furthest gate of those that reject now, and gives a gate that is gone no distance', () => {
    const both = policyOf([
      threshold({ dimension: SHARP, accept: { min: 60 } }),
      threshold({ dimension: NOISE, on: 'raw', accept: { max: 4 } }),
    ]);
    const scores = { [SHARP]: ok(0, 57), [NOISE]: ok(8, 50) };
    const now = replay(drawn(policyOf([]), 1, scores), { policy: both, deliver: 1 }).flips[0];
    expect(now).toMatchObject({ gate: NOISE, margin: 0.5 });
    const gone = replay(drawn(both, 1, scores), { policy: policyOf([]), deliver: 1 }).flips[0];
    expect(gone).toMatchObject({ passes: true, margin: null });
  });

  it('lets rules read what the request asked for', () => {
    const policy = policyOf([
      {
        kind: 'rule',
        id: 'dark',
        tier: 'business',
        rule: 'request.inputs.style == "dark" && request.deliver == 2',
        reason: 'it was to be dark',
        onUnassessable: 'reject',
        dimensions: [],
      },
    ]);
    const under = (style: string): number =>
      replay(drawn(atLeast(40), 2, ...sharp(90)), { policy, deliver: 2, inputs: { style } }).after.passed;
    expect([under('dark'), under('light')]).toEqual([1, 0]);
  });

  it('counts whom a score is missing for, and whose verdict rests on it', () => {
    const both = policyOf([
      threshold({ dimension: SHARP, accept: { min: 40 } }),
      threshold({ dimension: NOISE, accept: { min: 50 } }),
    ]);
    const records = drawn(
      atLeast(60),
      2,
      { [SHARP]: ok(0, 90), [NOISE]: ok(0, 90) },
      { [SHARP]: ok(0, 50), [NOISE]: notRun }, // was rejected at 60; passes sharpness now, and nobody knows its noise
      { [SHARP]: ok(0, 50) }, // the same, from before there was a score of noise
      { [SHARP]: ok(0, 20), [NOISE]: notRun }, // rejected by what was taken
    );
    const { notTaken, after } = replay(records, { policy: both, deliver: 2 });
    expect(after.delivered).toEqual([0]);
    expect(notTaken).toMatchObject({
      candidates: 3,
      undecided: 2,
      dimensions: { [NOISE]: 3 },
      gates: { [NOISE]: 2 },
      least: 1,
      most: 2,
      leftOut: 0,
      sample: { candidates: 0 },
    });
  });
});

/** A candidate's fate does not rest on scores that decide nothing. */
describe('a score that was not taken', () => {
  const sharpAndNoise = (more: Partial<Policy> = {}, banded: object = {}): Policy =>
    policyOf(
      [
        threshold({ dimension: SHARP, accept: { min: 40 }, ...banded }),
        threshold({ dimension: NOISE, accept: { min: 50 } }),
      ],
      more,
    );

  it('leaves the verdict alone where it only ranks', () => {
    const policy = policyOf([threshold({ dimension: SHARP, accept: { min: 40 } })], { rank: { [NOISE]: 1 } });
    const records = drawn(atLeast(60), 2, ...sharp(90, 50, 20).map((scores) => ({ ...scores, [NOISE]: notRun })));
    expect(replay(records, { policy, deliver: 2 })).toMatchObject({
      after: { delivered: [0, 1] },
      notTaken: { candidates: 3, undecided: 0, gates: {}, least: 2, most: 2 },
    });
  });

  it('cannot lift one out of the band review, unless a person accepted it or the band passes', () => {
    const banded = { accept: { min: 60 }, review: { min: 40 } };
    const records = drawn(sharpAndNoise({}, banded), 2, { [SHARP]: ok(0, 50), [NOISE]: notRun });
    const most = (some: readonly ReplayRecord[], more: Partial<Policy> = {}): number =>
      replay(some, { policy: sharpAndNoise(more, banded), deliver: 2 }).notTaken.most;
    expect(most(records)).toBe(0);
    expect(most(records, { deliverReview: true })).toBe(1);
    expect(most(records.map((record) => ({ ...record, review: { decision: 'accept' } })))).toBe(1);
  });
});

describe('a tally of replays', () => {
  it('sums requests, keeps the nearest disagreements, and tells who would have drawn on', () => {
    const tally = createReplayTally({ keep: 2 });
    for (const [request, qualities] of Object.entries({ a: [90, 50, 55], b: [59, 80, 90] }))
      tally.add(replay(drawn(atLeast(40), 2, ...sharp(...qualities)), { policy: atLeast(60), deliver: 2 }), {
        request,
        canDrawOn: true,
      });
    const totals = tally.totals();
    expect(totals).toMatchObject({
      requests: { replayed: 2, changed: 1, refused: 0 },
      candidates: 6,
      delivered: { before: 4, after: 3, entered: 0, left: 1 },
      shortfalls: { before: 0, after: 1, wouldDrawOn: 1 },
      gates: { [SHARP]: { before: 0, after: 3 } },
      disagreements: { count: 3 },
    });
    expect(totals.disagreements.nearest.map(({ request, candidate }) => `${request}/${candidate}`)).toEqual([
      'b/0',
      'a/2',
    ]);
  });
});

describe('candidates that ran everything', () => {
  const order = ['sharpness', 'noise'];
  const drawnAt = (sharp: number, noise: number): Policy =>
    policyOf([
      threshold({ dimension: SHARP, accept: { min: sharp } }),
      threshold({ dimension: NOISE, accept: { min: noise } }),
    ]);
  const old = drawnAt(60, 50);
  /** Sharpness lower, so that many are undecided: those are less sharp, and noisier than those that passed. */
  const policy = drawnAt(30, 55);
  const alike = (chance: Chance): Scores => {
    const sharp = 100 * chance.share();
    const noise = Math.min(100, Math.max(0, sharp + 80 * (chance.share() - 0.5)));
    return {
      [SHARP]: { ...ok(0, sharp), scorer: 'sharpness@1.0.0' },
      [NOISE]: { ...ok(0, noise), scorer: 'noise@1.0.0' },
    };
  };
  /** A request as the cascade leaves it, and how many would pass if every score had been taken. */
  function drawnBy(seed: number, { candidates, fullShare }: { candidates: number; fullShare: number }) {
    const chance = chanceFrom(seed);
    const request = `r${seed}`;
    const cascade = { order, gated: 2, fullShare };
    const all = Array.from({ length: candidates }, () => alike(chance));
    const records = all.map((scores, candidate): ReplayRecord => {
      const full = isFull({ request, candidate }, fullShare);
      const kept = full ? scores : asStopped(scores, { policy: old, order });
      const verdict = judge(kept, old);
      const image = { pixelSha256: `${seed}/${candidate}` };
      return {
        candidate,
        state: verdict.pass ? 'passed' : 'rejected',
        scores: kept,
        verdict,
        image,
        ...(full && { full }),
      };
    });
    const drawn = { policy: old, cascade };
    return { records, drawn, passing: all.filter((scores) => judge(scores, policy).pass).length };
  }

  it('say how many of those left out would pass; the truth lies within the bounds as often as they say', () => {
    const runs = 300;
    let [within, below] = [0, 0];
    let [estimated, truth, naive] = [0, 0, 0];
    for (let run = 0; run < runs; run++) {
      const tally = createReplayTally({ keep: 0 });
      let passing = 0;
      // requests of different shares, so that some stand for more than others
      for (const [i, fullShare] of [0.05, 0.2, 0.1].entries()) {
        const one = drawnBy(run * 10 + i, { candidates: 160, fullShare });
        passing += one.passing;
        const replayed = replay(one.records, { policy, deliver: 4, drawn: one.drawn });
        tally.add(replayed, { request: `r${run}/${i}`, canDrawOn: false });
      }
      const { passed, notTaken, candidates } = tally.totals();
      const left = passing - passed.after;
      const { rate, low, high } = notTaken.estimate!;
      within += Number(left >= low * notTaken.leftOut && left <= high * notTaken.leftOut);
      below += Number(left < low * notTaken.leftOut);
      estimated += rate * notTaken.leftOut;
      truth += left;
      naive += (passed.after / (candidates - notTaken.candidates)) * notTaken.leftOut;
      expect(notTaken.leftOut).toBe(notTaken.undecided);
    }
    expect(within / runs).toBeGreaterThanOrEqual(0.95);
    expect(below / runs).toBeLessThan(0.04);
    expect(Math.abs(estimated / truth - 1)).toBeLessThan(0.04);
    // the pass rate of those that have every score would be far off
    expect(Math.abs(naive / truth - 1)).toBeGreaterThan(0.15);
  });

  it('count none of those left out twice where a gate lets pass what was not measured, or only ranks by it', () => {
    // passes all that is not rejected by sharpness, measured or not
    const ignoring = policyOf(
      [
        threshold({ dimension: SHARP, accept: { min: 30 } }),
        threshold({ dimension: NOISE, accept: { min: 55 }, onUnassessable: 'ignore' }),
      ],
      { rank: { 'eyes.open': 1 } },
    );
    let [estimated, truth] = [0, 0];
    for (let run = 0; run < 60; run++) {
      const { records, drawn, passing } = drawnBy(7000 + run, { candidates: 160, fullShare: 0.2 });
      const tally = createReplayTally({ keep: 0 });
      tally.add(replay(records, { policy: ignoring, deliver: 4, drawn }), { request: `r${run}`, canDrawOn: false });
      const { passed, notTaken } = tally.totals();
      expect(notTaken.leftOutPassed).toBe(notTaken.leftOut);
      estimated += passed.after - notTaken.leftOutPassed + notTaken.estimate!.passing;
      truth += passing;
    }
    expect(Math.abs(estimated / truth - 1)).toBeLessThan(0.04);
  });

  it('speak only for what a hard failure left out, and not where nothing was', () => {
    const { records, drawn } = drawnBy(1, { candidates: 200, fullShare: 0.2 });
    const of = (some: readonly ReplayRecord[], how: object = { drawn }) =>
      replay(some, { policy, deliver: 4, ...how }).notTaken;
    expect(of(records).sample.candidates).toBeGreaterThan(0);
    // 4 others for each
    expect(of(records).sample.weight).toBeCloseTo(4 * of(records).sample.candidates);
    expect(of(records, {}).sample.candidates).toBe(0);
    const everything = drawnBy(1, { candidates: 200, fullShare: 1 });
    expect(of(everything.records, { drawn: everything.drawn })).toMatchObject({
      undecided: 0,
      sample: { candidates: 0 },
    });
    // where no candidate runs everything, none can be spoken for
    const nothing = drawnBy(1, { candidates: 200, fullShare: 0 });
    expect(of(nothing.records, { drawn: nothing.drawn })).toMatchObject({ leftOut: 0, sample: { candidates: 0 } });
    // the same policy decides everything
    expect(replay(records, { policy: old, deliver: 4, drawn }).notTaken).toMatchObject({
      undecided: 0,
      sample: { candidates: 0 },
    });
    // a dimension that nobody measured then
    const newer = policyOf([...policy.gates, threshold({ dimension: 'eyes.open', accept: { min: 1 } })]);
    expect(replay(records, { policy: newer, deliver: 4, drawn }).notTaken).toMatchObject({
      leftOut: 0,
      sample: { candidates: 0 },
    });
  });
});

describe('a comparison', () => {
  const measures = { [SHARP]: { scorer: 'test@1.0.0', models: {} }, [NOISE]: { scorer: 'test@1.0.0' } };
  const policy = policyOf([
    threshold({ dimension: SHARP, accept: { min: 40 } }),
    threshold({ dimension: NOISE, accept: { min: 40 } }),
  ]);
  const made = (models: Record<string, string>): Score => ({ ...ok(1), models });

  it('refuses another version and another model; what was not taken differs from nothing', () => {
    const { differences } = createComparison(policy, measures);
    expect(differences([{ scores: { [SHARP]: ok(1), [NOISE]: notRun } }], policy)).toEqual([]);
    expect(differences([{ scores: { [SHARP]: { ...ok(1), scorer: 'test@0.9.0' } } }], policy)).toEqual([
      { dimension: SHARP, was: 'test@0.9.0', is: 'test@1.0.0' },
    ]);
    expect(differences([{ scores: { [SHARP]: made({ clip: 'f'.repeat(64) }) } }], policy)).toMatchObject([
      { dimension: SHARP, was: 'test@1.0.0 with clip ffffffffffff…', is: 'test@1.0.0 with no model' },
    ]);
  });

  it('reads only what the policy reads', () => {
    const { differences } = createComparison(atLeast(40), measures);
    expect(differences([{ scores: { [NOISE]: { ...ok(1), scorer: 'test@0.1.0' } } }], policy)).toEqual([]);
  });

  it('never mixes two models where this machine has none: the first score met says which', () => {
    const { differences, assumed } = createComparison(policy, measures);
    expect(differences([{ scores: { [NOISE]: made({ clip: 'aa' }) } }], policy)).toEqual([]);
    expect(differences([{ scores: { [NOISE]: made({ clip: 'bb' }) } }], policy)).toHaveLength(1);
    expect(assumed()).toEqual({ [NOISE]: { clip: 'aa' } });
  });

  it('holds scores against the models that the policy pins, also of scorers whose networks are not all known here', () => {
    const pins = { scorers: { noise: '0.9.0' }, models: { clip: 'aa' } };
    const old = { ...measures, [NOISE]: { scorer: 'noise@0.9.0' } };
    const { differences, assumed } = createComparison({ ...policy, pins }, old);
    const noise = (models: Record<string, string>) => [
      { scores: { [NOISE]: { ...made(models), scorer: 'noise@0.9.0' } } },
    ];
    expect(differences(noise({ clip: 'bb', iris: 'cc' }), policy)).toEqual([
      { dimension: NOISE, was: 'noise@0.9.0 with clip bb, iris cc', is: 'noise@0.9.0 with clip aa' },
    ]);
    expect(assumed()).toEqual({});
    expect(differences(noise({ clip: 'aa', iris: 'cc' }), policy)).toEqual([]);
    expect(differences(noise({ clip: 'aa', iris: 'dd' }), policy)).toHaveLength(1);
  });

  it('refuses what another model found nothing in', () => {
    const here = { ...measures, [NOISE]: { scorer: 'test@1.0.0', models: { clip: 'aa', iris: 'cc' } } };
    const { differences } = createComparison(policy, here);
    const nothing = (models?: Record<string, string>) => [
      {
        scores: {
          [NOISE]: {
            status: 'unassessable' as const,
            reason: 'no-face',
            scorer: 'test@1.0.0',
            ...(models && { models }),
          },
        },
      },
    ];
    expect([...differences(nothing(), policy), ...differences(nothing({ clip: 'aa' }), policy)]).toEqual([]);
    expect(differences(nothing({ clip: 'bb' }), policy)).toHaveLength(1);
  });

  it('refuses scores that were taken with other parameters, or as the answer to another question', () => {
    const { differences } = createComparison({ ...policy, params: { noise: { block: 8 } } }, measures);
    expect(differences([{ scores: { [NOISE]: ok(1) } }], policy)).toHaveLength(1);
    expect(differences([{ scores: { [NOISE]: ok(1) } }], { ...policy, params: { noise: { block: 8 } } })).toEqual([]);
    const asking = (ask: string): Policy => ({
      ...policyOf([threshold({ dimension: 'question.hands', accept: { min: 50 } })]),
      questions: { hands: { ask, want: 'yes' } },
    });
    const asked = createComparison(asking('Are the hands whole?'), {
      'question.hands': { scorer: 'test@1.0.0', models: {} },
    });
    expect(asked.differences([{ scores: { 'question.hands': ok(1) } }], asking('Any hands?'))).toHaveLength(1);
    expect(asked.differences([{ scores: { 'question.hands': ok(1) } }], asking('Are the hands whole?'))).toEqual([]);
  });
});
