import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  asStopped,
  cascadeOrder,
  cascadeRun,
  gateWatch,
  isFull,
  rejectingGates,
  type CascadeScorer,
  type CascadeStats,
} from '../../selection/cascade.js';
import { judge } from '../../selection/judge.js';
import type { Gate, Policy, Scores } from '../../selection/types.js';
import { ok, policyOf, threshold } from './samples.js';

/** Scorers `a` to `f`, each with two dimensions; those from `d` on have models. */
const IDS = ['a', 'b', 'c', 'd', 'e', 'f'];
const scorers = IDS.map((id, i): CascadeScorer => ({
  id,
  cost: i < 3 ? 'cheap' : 'model',
  dimensions: { [`${id}.one`]: {}, [`${id}.two`]: {} },
}));
const DIMENSIONS = scorers.flatMap(({ dimensions }) => Object.keys(dimensions));

const onUnassessable = fc.constantFrom('reject' as const, 'review' as const, 'ignore' as const);
const dimension = fc.constantFrom(...DIMENSIONS, 'elsewhere.value');
const thresholds = fc
  .record({ dimension, min: fc.integer({ min: 0, max: 100 }), slack: fc.integer({ min: 1, max: 40 }), onUnassessable })
  .map(({ min, slack, ...rest }): Gate => threshold({ ...rest, accept: { min }, review: { min: min - slack } }));
const rules = fc
  .record({ reads: fc.uniqueArray(dimension, { minLength: 0, maxLength: 3 }), n: fc.nat(), onUnassessable })
  .map(({ reads, n, onUnassessable }): Gate => ({
    kind: 'rule',
    id: `rule${n}`,
    tier: 'business',
    rule: ['request.deliver < 5', ...reads.map((one) => `scores.${one}.quality > 30.0`)].join(' && '),
    reason: 'no',
    onUnassessable,
    dimensions: reads,
  }));
const policies = fc
  .record({
    gates: fc.uniqueArray(fc.oneof({ weight: 3, arbitrary: thresholds }, rules), {
      maxLength: 7,
      selector: ({ id }) => id,
    }),
    rank: fc.dictionary(dimension, fc.constant(1), { noNullPrototype: true }),
    deliverReview: fc.boolean(),
  })
  .map(({ gates, ...more }) => policyOf(gates, more));
/** Every dimension of the scorers has a score, and one is measured elsewhere. */
const full: fc.Arbitrary<Scores> = fc
  .tuple(...[...DIMENSIONS, 'elsewhere.value'].map(() => fc.option(fc.integer({ min: 0, max: 100 }), { freq: 8 })))
  .map((values) =>
    Object.fromEntries(
      [...DIMENSIONS, 'elsewhere.value'].map((name, i) => {
        const scorer = `${name.split('.')[0]}@1.0.0`;
        const quality = values[i];
        return [
          name,
          quality == null ? { status: 'unassessable', reason: 'no-subject', scorer } : { ...ok(quality), scorer },
        ];
      }),
    ),
  );
const statistics: fc.Arbitrary<CascadeStats> = fc.record({
  ms: fc.dictionary(fc.constantFrom(...IDS), fc.double({ min: 0, max: 500, noNaN: true }), { noNullPrototype: true }),
  rejected: fc.array(
    fc.record({ gates: fc.subarray(DIMENSIONS, { minLength: 1 }), candidates: fc.integer({ min: 1, max: 50 }) }),
    { maxLength: 8 },
  ),
});
const request = { deliver: 4 };

/** One gate on the first dimension of each of some scorers. */
const gatesOn = (...ids: string[]): Policy =>
  policyOf(ids.map((id) => threshold({ dimension: `${id}.one`, accept: { min: 50 } })));
const rejectedBy = (counts: Record<string, number>): CascadeStats['rejected'] =>
  Object.entries(counts).map(([id, candidates]) => ({ gates: [`${id}.one`], candidates }));

describe('cascadeOrder', () => {
  it('names every scorer once, those that gates read first, whatever is known', () => {
    fc.assert(
      fc.property(policies, statistics, (policy, stats) => {
        const { order, gated } = cascadeOrder(policy, { scorers, stats });
        expect([...order].sort()).toEqual(IDS);
        expect(cascadeOrder(policy, { scorers, stats })).toEqual({ order, gated });
        const first = order.slice(0, gated);
        for (const gate of policy.gates) {
          const reads = gate.kind === 'rule' ? gate.dimensions : [gate.dimension];
          if (reads.includes('elsewhere.value')) continue;
          for (const one of reads) expect(first).toContain(one.split('.')[0]);
        }
      }),
    );
  });

  it('does not let the order of what is known decide', () => {
    fc.assert(
      fc.property(policies, statistics, (policy, { ms, rejected }) => {
        const backwards = {
          ms: Object.fromEntries(Object.entries(ms).reverse()),
          rejected: rejected.toReversed().map((one) => ({ ...one, gates: one.gates.toReversed() })),
        };
        expect(cascadeOrder(policy, { scorers, stats: backwards })).toEqual(
          cascadeOrder(policy, { scorers, stats: { ms, rejected } }),
        );
      }),
    );
  });

  it('runs cheap scorers first where nothing is known, and what no gate reads last: what ranks before what nothing needs', () => {
    const policy = { ...gatesOn('e', 'b'), rank: { 'f.one': 1 } };
    expect(cascadeOrder(policy, { scorers })).toEqual({ order: ['b', 'e', 'f', 'a', 'c', 'd'], gated: 2 });
  });

  it('lets a scorer with a model come first that rejects most of what is drawn', () => {
    const stats = { ms: { a: 10, b: 5, d: 40 }, rejected: rejectedBy({ a: 1, b: 2, d: 60 }) };
    expect(cascadeOrder(gatesOn('a', 'b', 'd'), { scorers, stats }).order.slice(0, 3)).toEqual(['d', 'b', 'a']);
  });

  it('counts only what those before would let through', () => {
    // b rejects more than c, but nothing that a does not reject too
    const rejected = [
      { gates: ['a.one', 'b.one'], candidates: 50 },
      { gates: ['a.one'], candidates: 10 },
      { gates: ['c.one'], candidates: 5 },
    ];
    const stats = { ms: { a: 10, b: 10, c: 10 }, rejected };
    expect(cascadeOrder(gatesOn('b', 'c', 'a'), { scorers, stats }).order.slice(0, 3)).toEqual(['a', 'c', 'b']);
  });

  it('weighs a rule with all the scorers that it still lacks', () => {
    const rule: Gate = {
      kind: 'rule',
      id: 'both',
      tier: 'business',
      rule: 'scores.a.one.raw + scores.d.one.raw > 0.0',
      reason: 'no',
      onUnassessable: 'reject',
      dimensions: ['a.one', 'd.one'],
    };
    const policy = policyOf([...gatesOn('b').gates, rule]);
    const orderOf = (both: number): string[] => {
      const rejected = [...rejectedBy({ b: 10 }), { gates: ['both'], candidates: both }];
      return cascadeOrder(policy, { scorers, stats: { ms: { a: 1, b: 10, d: 99 }, rejected } }).order.slice(0, 3);
    };
    // 10 per 10 ms against `both` per 100 ms: a alone is nearly free, and says nothing
    expect(orderOf(90)).toEqual(['b', 'a', 'd']);
    expect(orderOf(120)).toEqual(['a', 'd', 'b']);
  });

  it('moves a scorer only forwards when it gets cheaper or rejects more', () => {
    const known = fc.record({
      ms: fc.tuple(...IDS.map(() => fc.integer({ min: 1, max: 500 }))),
      rejects: fc.tuple(...IDS.map(() => fc.integer({ min: 0, max: 100 }))),
      which: fc.nat({ max: IDS.length - 1 }),
      faster: fc.double({ min: 0.01, max: 1, noNaN: true }),
      more: fc.nat({ max: 100 }),
    });
    fc.assert(
      fc.property(known, ({ ms, rejects, which, faster, more }) => {
        const placeOf = (better: { faster: number; more: number }): number => {
          const at = (i: number, a: number, b: number): number => (i === which ? b : a);
          const stats = {
            ms: Object.fromEntries(IDS.map((id, i) => [id, at(i, ms[i]!, ms[i]! * better.faster)])),
            rejected: rejectedBy(
              Object.fromEntries(IDS.map((id, i) => [id, at(i, rejects[i]!, rejects[i]! + better.more)])),
            ),
          };
          return cascadeOrder(gatesOn(...IDS), { scorers, stats }).order.indexOf(IDS[which]!);
        };
        const before = placeOf({ faster: 1, more: 0 });
        expect(placeOf({ faster, more: 0 })).toBeLessThanOrEqual(before);
        expect(placeOf({ faster: 1, more })).toBeLessThanOrEqual(before);
      }),
    );
  });

  it('is the best order there is for gates that reject independently of one another', () => {
    // ten thousand candidates, each gate rejects its share of whatever there is
    const shares = [0.5, 0.3, 0.8, 0.1];
    const ids = ['a', 'b', 'd', 'e'];
    const ms: Record<string, number> = { a: 8, b: 2, d: 30, e: 1 };
    const subsets = Array.from({ length: 2 ** ids.length }, (_, bits) => ids.map((_, i) => (bits >> i) % 2 === 1));
    const rejected = subsets.map((fails) => ({
      gates: ids.filter((_, i) => fails[i]).map((id) => `${id}.one`),
      candidates: 10_000 * fails.reduce((all, fail, i) => all * (fail ? shares[i]! : 1 - shares[i]!), 1),
    }));
    const costOf = (order: readonly string[]): number => {
      let reach = 1;
      let sum = 0;
      for (const id of order) {
        sum += reach * ms[id]!;
        reach *= 1 - shares[ids.indexOf(id)]!;
      }
      return sum;
    };
    const found = cascadeOrder(gatesOn(...ids), { scorers, stats: { ms, rejected } }).order.slice(0, ids.length);
    const all = permutations(ids).map(costOf);
    expect(costOf(found)).toBeCloseTo(Math.min(...all), 2);
    expect(Math.max(...all)).toBeGreaterThan(1.5 * Math.min(...all));
  });
});

const permutations = (items: readonly string[]): string[][] =>
  items.length === 0
    ? [[]]
    : items.flatMap((item) => permutations(items.filter((other) => other !== item)).map((rest) => [item, ...rest]));

describe('a candidate that stops at the first hard failure', () => {
  it('passes exactly when it would have passed with every score, in any order; its gates are among those that reject', () => {
    fc.assert(
      fc.property(policies, full, fc.shuffledSubarray(IDS, { minLength: IDS.length }), (policy, scores, order) => {
        const whole = judge(scores, policy, request);
        const left = asStopped(scores, { policy, order, request });
        expect(Object.keys(left).sort()).toEqual(Object.keys(scores).sort());
        const verdict = judge(left, policy, request);
        expect([verdict.pass, verdict.band]).toEqual([whole.pass, whole.band]);
        const isStopped = Object.values(left).some(({ status }) => status === 'notRun');
        if (!isStopped) expect(verdict).toEqual(whole);
        expect(isStopped && whole.pass).toBe(false);
        const named = whole.failed.map(({ gate }) => gate);
        for (const { gate } of verdict.failed) expect(named).toContain(gate);
      }),
      { numRuns: 500 },
    );
  });

  it('runs no scorer after the one whose gate rejects, nor one elsewhere; review stops nothing', () => {
    const scores: Scores = Object.fromEntries(
      ['a.one', 'b.one', 'd.one', 'far.one'].map((name) => [
        name,
        { ...ok(20), scorer: `${name.split('.')[0]}@1.0.0` },
      ]),
    );
    const order = ['a', 'b', 'd'];
    const statusOf = (policy: Policy): string[] =>
      Object.values(asStopped(scores, { policy, order })).map(({ status }) => status);
    expect(statusOf(gatesOn('b'))).toEqual(['ok', 'ok', 'notRun', 'notRun']);
    const review = policyOf([threshold({ dimension: 'a.one', accept: { min: 50 }, review: { min: 10 } })]);
    expect(statusOf(review)).toEqual(['ok', 'ok', 'ok', 'ok']);
  });

  it('asks each gate once, when all that it reads is there', () => {
    const rejects = gateWatch(gatesOn('a', 'b'));
    expect(rejects({})).toBe(false);
    expect(rejects({ 'a.one': ok(90) })).toBe(false);
    expect(rejects({ 'a.one': ok(90), 'b.one': ok(10) })).toBe(true);
    expect(rejects({ 'a.one': ok(90), 'b.one': ok(10) })).toBe(false);
  });
});

it('every gate that rejects by itself is named, review is not', () => {
  const policy = policyOf([
    ...gatesOn('a', 'b').gates,
    threshold({ dimension: 'c.one', accept: { min: 50 }, review: { min: 10 } }),
  ]);
  expect(rejectingGates({ 'a.one': ok(10), 'b.one': ok(60), 'c.one': ok(20) }, policy)).toEqual(['a.one']);
});

describe('cascadeRun', () => {
  const cascade = { order: IDS, gated: 4, fullShare: 0.05 };

  it('lets its share of the candidates run everything, the same ones every time, of no request all or none', () => {
    const shares = Array.from({ length: 40 }, (_, n) => {
      const runs = Array.from({ length: 500 }, (_, candidate) => cascadeRun(cascade, { request: `r${n}`, candidate }));
      expect(runs).toEqual(runs.map((_, candidate) => cascadeRun(cascade, { request: `r${n}`, candidate })));
      return runs.filter(({ full }) => full).length / 500;
    });
    const mean = shares.reduce((sum, one) => sum + one, 0) / shares.length;
    // 20,000 candidates: three standard errors are 0.0046
    expect(Math.abs(mean - 0.05)).toBeLessThan(0.0047);
    expect(Math.max(...shares)).toBeLessThan(0.12);
  });

  it('gives the others the order of the plan, and those each gated scorer first as often as any other', () => {
    const firsts = new Map<string, number>();
    for (let candidate = 0; candidate < 4000; candidate++) {
      expect(cascadeRun({ ...cascade, fullShare: 0 }, { request: 'r', candidate })).toEqual({
        full: false,
        order: IDS,
      });
      const { full, order } = cascadeRun({ ...cascade, fullShare: 1 }, { request: 'r', candidate });
      expect([full, [...order].sort(), order.slice(4)]).toEqual([true, IDS, ['e', 'f']]);
      firsts.set(order[0]!, (firsts.get(order[0]!) ?? 0) + 1);
    }
    // 1,000 each, four standard deviations are 110
    expect([...firsts.keys()].sort()).toEqual(['a', 'b', 'c', 'd']);
    for (const count of firsts.values()) expect(Math.abs(count - 1000)).toBeLessThan(110);
  });

  it('takes 5 % where nothing is said', () => {
    const all = Array.from({ length: 4000 }, (_, candidate) => ({ request: 'r', candidate }));
    expect(all.filter((one) => isFull(one))).toEqual(all.filter((one) => isFull(one, 0.05)));
  });
});
