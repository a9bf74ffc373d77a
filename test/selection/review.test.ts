import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { judge } from '../../selection/judge.js';
import { reviewable, reviewed, waitsForReview } from '../../selection/review.js';
import { select } from '../../selection/select.js';
import type { SelectionCandidate } from '../../selection/types.js';
import { ok, policyArbitrary, policyOf, requestArbitrary, scoresArbitrary, threshold } from './samples.js';

const policy = policyOf([threshold({ dimension: 'noise.sigma', accept: { min: 50 }, review: { min: 40 } })], {
  diversity: { minDistance: 0.1 },
});
const drawn = (candidate: number, quality: number, fingerprint?: string): SelectionCandidate => {
  const scores = { 'noise.sigma': ok(1, quality) };
  return { candidate, scores, verdict: judge(scores, policy), ...(fingerprint !== undefined && { fingerprint }) };
};

describe('reviewed', () => {
  it('lets one in the band review pass, and keeps what was asked', () => {
    const verdict = judge({ 'noise.sigma': ok(1, 45) }, policy);
    expect(waitsForReview(verdict)).toBe(true);
    expect(reviewed(verdict, { decision: 'accept' })).toEqual({ ...verdict, pass: true });
    expect(reviewed(verdict, { decision: 'reject' })).toBe(verdict);
    expect(reviewed(verdict, undefined)).toBe(verdict);
  });

  it('changes nothing outside the band review, and nothing twice', () => {
    fc.assert(
      fc.property(scoresArbitrary, policyArbitrary, fc.constantFrom('accept', 'reject'), (scores, any, decision) => {
        const verdict = judge(scores, any);
        const after = reviewed(verdict, { decision });
        if (!waitsForReview(verdict)) expect(after).toBe(verdict);
        expect(reviewed(after, { decision })).toEqual(after);
        expect(after.pass).toBe(verdict.pass || (verdict.band === 'review' && decision === 'accept'));
        expect([after.band, after.failed]).toEqual([verdict.band, verdict.failed]);
      }),
    );
  });
});

describe('reviewable', () => {
  it('lists the best first, and leaves out near-duplicates of those that pass', () => {
    const [same, close, other] = ['0000000000000000', '0000000000000001', 'ffffffffffffffff'];
    const candidates = [drawn(0, 80, same), drawn(1, 44, close), drawn(2, 42, other), drawn(3, 47), drawn(4, 10)];
    expect(reviewable(candidates, { policy })).toEqual([
      { candidate: 3, quality: 47 },
      { candidate: 2, quality: 42 },
    ]);
    expect(reviewable(candidates, { policy, beside: new Set() }).map(({ candidate }) => candidate)).toEqual([3, 1, 2]);
  });

  it('each one, accepted, is one image more', () => {
    fc.assert(
      fc.property(requestArbitrary, ({ policy: any, candidates }) => {
        const winners = select(candidates, any, candidates.length).winners;
        const beside = new Set(winners.map(({ candidate }) => candidate));
        const listed = reviewable(candidates, { policy: any, beside });
        for (const { candidate } of listed) {
          const one = candidates.find((other) => other.candidate === candidate)!;
          expect(waitsForReview(one.verdict)).toBe(true);
          const kept = candidates.filter((other) => beside.has(other.candidate));
          const accepted = { ...one, verdict: reviewed(one.verdict, { decision: 'accept' }) };
          expect(select([...kept, accepted], any, kept.length + 1).winners).toHaveLength(kept.length + 1);
        }
      }),
    );
  });

  it('does not depend on the order of the candidates', () => {
    fc.assert(
      fc.property(requestArbitrary, ({ policy: any, candidates }) => {
        expect(reviewable(candidates.toReversed(), { policy: any })).toEqual(reviewable(candidates, { policy: any }));
      }),
    );
  });
});
