import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { auditOf, DEFAULT_MARGIN, questionedGates } from '../../selection/audit.js';
import { isFull } from '../../selection/cascade.js';
import { judge } from '../../selection/judge.js';
import type { Audit, Policy, Scores } from '../../selection/types.js';
import { ok, policyArbitrary, policyOf, scoresArbitrary, threshold } from './samples.js';

const sharp = threshold({ dimension: 'sharpness.tileP90', accept: { min: 40 }, review: { min: 38 } });
const noise = threshold({ dimension: 'noise.sigma', on: 'raw', accept: { max: 8 } });
const all: Audit = { nearGate: 1, rejects: 1, margin: DEFAULT_MARGIN };
const policy = policyOf([sharp, noise], { audit: all });
const of = (sharpness: number, sigma: number): Scores => ({
  'sharpness.tileP90': ok(sharpness),
  'noise.sigma': ok(sigma, 50),
});
const marked = (scores: Scores, any: Policy = policy, candidate = 7, request = 'r1') =>
  auditOf(request, { candidate, scores, verdict: judge(scores, any) }, any);

describe('auditOf', () => {
  it('marks passes within the margin of a bound: points of quality, a share of raw', () => {
    expect(marked(of(45, 1))).toBe('near-gate');
    expect(marked(of(46, 1))).toBeUndefined();
    expect(marked(of(90, 7.7))).toBe('near-gate');
    expect(marked(of(90, 7.5))).toBeUndefined();
  });

  it('marks rejects, and never the band review', () => {
    expect(marked(of(10, 1))).toBe('reject');
    expect(marked(of(39, 1))).toBeUndefined();
  });

  it('marks only rejects that ran every scorer, as long as the share is no larger than fullShare', () => {
    const few = policyOf([sharp, noise], { audit: { ...all, rejects: 0.05 } });
    const indices = Array.from({ length: 400 }, (_, candidate) => candidate);
    const found = indices.filter((candidate) => marked(of(10, 1), few, candidate) === 'reject');
    expect(found.length).toBeGreaterThan(5);
    expect(found.every((candidate) => isFull({ request: 'r1', candidate }, 0.05))).toBe(true);
  });

  it('marks the band review near its outer bound where it passes: nobody is asked about it otherwise', () => {
    const wide = { ...sharp, review: { min: 20 } };
    const delivering = policyOf([wide, noise], { audit: all, deliverReview: true });
    expect(marked(of(21, 1), delivering)).toBe('near-gate');
    expect(marked(of(31, 1), delivering)).toBeUndefined();
    expect(marked(of(10, 1), delivering)).toBe('reject');
    expect(marked(of(21, 1), policyOf([wide, noise], { audit: all }))).toBeUndefined();
    // accepted by a person: that was the question
    const accepted = { ...judge(of(21, 1), policyOf([wide])), pass: true };
    expect(auditOf('r1', { candidate: 7, scores: of(21, 1), verdict: accepted }, policy)).toBeUndefined();
  });

  it('marks nothing where the policy names no share', () => {
    expect(marked(of(41, 1), policyOf([sharp]))).toBeUndefined();
    expect(marked(of(41, 1), policyOf([sharp], { audit: { ...all, nearGate: 0 } }))).toBeUndefined();
  });

  it('takes about the share that was asked for, the same ones every time, others of another request', () => {
    const some = policyOf([sharp], { audit: { ...all, rejects: 0.1 } });
    const picks = (request: string) =>
      Array.from({ length: 5_000 }, (_, i) => i).filter((i) => marked(of(1, 1), some, i, request) === 'reject');
    // 500 expected, standard deviation 21
    const first = picks('a');
    expect(first.length).toBeGreaterThan(415);
    expect(first.length).toBeLessThan(585);
    expect(picks('a')).toEqual(first);
    expect(picks('b').filter((i) => first.includes(i)).length).toBeLessThan(100);
  });

  it('is total, and a greater share only adds', () => {
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    const audit = fc.record({ nearGate: share, rejects: share, margin: share });
    const drawn = fc.tuple(scoresArbitrary, policyArbitrary, audit, fc.nat({ max: 2000 }));
    fc.assert(
      fc.property(drawn, share, ([scores, any, given, candidate], more) => {
        const mark = marked(scores, { ...any, audit: given }, candidate);
        const larger = {
          ...given,
          nearGate: Math.min(1, given.nearGate + more),
          rejects: Math.min(1, given.rejects + more),
        };
        if (mark !== undefined) expect(marked(scores, { ...any, audit: larger }, candidate)).toBe(mark);
        const { pass, band } = judge(scores, any);
        if (mark === 'near-gate') expect(pass).toBe(true);
        if (mark === 'reject') expect(band).toBe('reject');
      }),
    );
  });
});

describe('questionedGates', () => {
  it('names the gates that were failed, or the nearest one of a pass', () => {
    const gates = (scores: Scores) => questionedGates({ scores, verdict: judge(scores, policy) }, policy);
    expect(gates(of(10, 9)).map(({ gate }) => gate)).toEqual(['sharpness.tileP90', 'noise.sigma']);
    expect(gates(of(42, 7.99))).toEqual([{ gate: 'noise.sigma', reason: 'noise.sigma is 7.99, at most 8 wanted' }]);
    const worded = policyOf([{ ...sharp, reason: 'Blurred' }], { audit: all });
    const scores = of(41.2, 1);
    expect(questionedGates({ scores, verdict: judge(scores, worded) }, worded)[0]?.reason).toBe(
      'sharpness.tileP90 is 41.2, at least 40 wanted (quality)',
    );
    expect(gates(of(90, 1))).toEqual([]);
  });
});
