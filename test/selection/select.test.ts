import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fingerprintDistance, rankQuality, select } from '../../selection/select.js';
import type { Score, SelectionCandidate } from '../../selection/types.js';
import { ok, policyOf, requestArbitrary, threshold } from './samples.js';

const candidate = (index: number, quality: number, more: Partial<SelectionCandidate> = {}): SelectionCandidate => ({
  candidate: index,
  verdict: { pass: true, band: 'accept', failed: [] },
  scores: { 'sharpness.tileP90': ok(0, quality) },
  ...more,
});
const failing = (index: number, ...gates: string[]): SelectionCandidate =>
  candidate(index, 100, {
    verdict: {
      pass: false,
      band: 'reject',
      failed: gates.map((gate) => ({ gate, tier: 'generic', reason: 'because' })),
    },
  });
const ranked = policyOf([], { rank: { 'sharpness.tileP90': 1 }, diversity: { minDistance: 0.1 } });

describe('select', () => {
  it('picks the best k, ties to the lower index, and says where the others ranked', () => {
    const all = [candidate(0, 50), candidate(1, 90), candidate(2, 50), candidate(3, 70)];
    expect(select(all, ranked, 2)).toEqual({
      winners: [
        { candidate: 1, rank: 1, quality: 90 },
        { candidate: 3, rank: 2, quality: 70 },
      ],
      notPicked: { 0: 'ranked 3 of 4', 2: 'ranked 4 of 4' },
      missing: 0,
      gates: {},
    });
  });

  it('drops near-duplicates of a better winner, not chains of them', () => {
    const all = [
      candidate(0, 90, { fingerprint: '0000000000000000' }),
      candidate(1, 80, { fingerprint: '000000000000003f' }), // 6 bits from 0: a near-duplicate of 0
      candidate(2, 70, { fingerprint: '0000000000000fff' }), // 6 from 1 but 12 from 0: stays
    ];
    const { winners, notPicked, missing } = select(all, ranked, 3);
    expect(winners.map((winner) => winner.candidate)).toEqual([0, 2]);
    expect(notPicked).toEqual({ 1: 'near-duplicate of 0' });
    expect(missing).toBe(1);
  });

  it('treats equal pixels as a duplicate even without a minimum distance', () => {
    const all = [
      candidate(0, 80, { pixelSha256: 'aa', fingerprint: 'ffffffffffffffff' }),
      candidate(1, 90, { pixelSha256: 'aa', fingerprint: 'ffffffffffffffff' }),
      candidate(2, 70, { pixelSha256: 'bb', fingerprint: 'ffffffffffffffff' }),
    ];
    const { winners, notPicked } = select(all, { ...ranked, diversity: { minDistance: 0 } }, 3);
    expect(winners.map((winner) => winner.candidate)).toEqual([1, 2]);
    expect(notPicked).toEqual({ 0: 'near-duplicate of 1' });
  });

  it('counts each gate over those that do not pass, most first', () => {
    const { gates, winners, missing } = select([failing(0, 'a'), failing(1, 'b', 'a'), candidate(2, 1)], ranked, 2);
    expect(Object.entries(gates)).toEqual([
      ['a', 2],
      ['b', 1],
    ]);
    expect(winners).toHaveLength(1);
    expect(missing).toBe(1);
  });
});

describe('rankQuality', () => {
  it('is the weighted mean of the qualities, and what has no value counts 0', () => {
    const rank = { 'sharpness.tileP90': 1, 'noise.sigma': 3 };
    const noise: Score = { status: 'unassessable', reason: 'too-small', scorer: 's@1.0.0' };
    expect(rankQuality({ 'sharpness.tileP90': ok(0, 80), 'noise.sigma': ok(0, 60) }, policyOf([], { rank }))).toBe(65);
    expect(rankQuality({ 'sharpness.tileP90': ok(0, 80), 'noise.sigma': noise }, policyOf([], { rank }))).toBe(20);
    expect(rankQuality({}, policyOf([], { rank }))).toBe(0);
  });

  it('falls back to the gated dimensions, alike, where no weights are given', () => {
    const gates = ['a.x', 'b.y'].map((dimension) => threshold({ dimension, accept: { min: 0 } }));
    expect(rankQuality({ 'a.x': ok(0, 80), 'b.y': ok(0, 40), 'c.z': ok(0, 100) }, policyOf(gates))).toBe(60);
    expect(rankQuality({ 'c.z': ok(0, 100) }, policyOf([]))).toBe(0);
  });
});

describe('fingerprintDistance', () => {
  it('is the share of differing bits', () => {
    expect(fingerprintDistance('ffffffffffffffff', '0000000000000000')).toBe(1);
    expect(fingerprintDistance('8000000000000001', '0000000000000000')).toBe(2 / 64);
    expect(fingerprintDistance('short', '0000000000000000')).toBeUndefined();
  });
});

describe('select, for all requests', () => {
  const k = fc.integer({ min: 0, max: 12 });

  it('keeps its promises: at most k, all passing, all apart, a reason for everybody else', () => {
    fc.assert(
      fc.property(requestArbitrary, k, ({ candidates, policy }, wanted) => {
        const { winners, notPicked, missing } = select(candidates, policy, wanted);
        expect(winners.length + missing).toBe(wanted);
        const picked = winners.map((winner) => candidates[winner.candidate]!);
        for (const one of picked) expect(one.verdict.pass).toBe(true);
        for (const [i, a] of picked.entries())
          for (const b of picked.slice(i + 1)) {
            if (a.pixelSha256 !== undefined) expect(a.pixelSha256).not.toBe(b.pixelSha256);
            if (a.fingerprint && b.fingerprint)
              expect(fingerprintDistance(a.fingerprint, b.fingerprint)).toBeGreaterThanOrEqual(
                policy.diversity.minDistance,
              );
          }
        const explained = [...winners.map((winner) => winner.candidate), ...Object.keys(notPicked).map(Number)];
        const passing = candidates.filter(({ verdict }) => verdict.pass).map((one) => one.candidate);
        expect(explained.sort((a, b) => a - b)).toEqual(passing);
      }),
    );
  });

  it('does not depend on the order of the candidates', () => {
    fc.assert(
      fc.property(
        requestArbitrary.chain((request) =>
          fc.tuple(
            fc.constant(request),
            fc.shuffledSubarray(request.candidates, { minLength: request.candidates.length }),
          ),
        ),
        k,
        ([{ candidates, policy }, shuffled], wanted) => {
          expect(select(shuffled, policy, wanted)).toEqual(select(candidates, policy, wanted));
        },
      ),
    );
  });

  it('keeps a winner that gets better', () => {
    fc.assert(
      fc.property(requestArbitrary, k, fc.nat(), ({ candidates, policy }, wanted, which) => {
        const { winners } = select(candidates, policy, wanted);
        fc.pre(winners.length > 0);
        const winner = winners[which % winners.length]!;
        const improved = candidates.map((one) =>
          one.candidate === winner.candidate ? { ...one, scores: improve(one.scores) } : one,
        );
        const after = select(improved, policy, wanted).winners.find((one) => one.candidate === winner.candidate);
        expect(after?.rank).toBeLessThanOrEqual(winner.rank);
      }),
    );
  });
});

const improve = (scores: Record<string, Score>): Record<string, Score> =>
  Object.fromEntries(
    Object.entries(scores).map(([id, score]): [string, Score] => [
      id,
      score.status === 'ok' ? { ...score, quality: Math.min(100, score.quality + 17) } : score,
    ]),
  );
