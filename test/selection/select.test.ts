import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fingerprintDistance } from '../../selection/fingerprint.js';
import { rankQuality } from '../../selection/rank.js';
import { countPicked, select } from '../../selection/select.js';
import type { Policy, Score, SelectionCandidate } from '../../selection/types.js';
import { demandingArbitrary, ok, policyOf, requestArbitrary } from './samples.js';

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

describe('fingerprintDistance', () => {
  it('is the share of differing bits', () => {
    expect(fingerprintDistance('ffffffffffffffff', '0000000000000000')).toBe(1);
    expect(fingerprintDistance('8000000000000001', '0000000000000000')).toBe(2 / 64);
    expect(fingerprintDistance('short', '0000000000000000')).toBeUndefined();
  });
});

describe('select, groups', () => {
  const looks = (group: string, ...qualities: number[]) =>
    qualities.map((quality, i) => candidate(100 * group.length + i, quality, { group }));
  const indices = (selection: ReturnType<typeof select>) => selection.winners.map((winner) => winner.candidate);

  it('fills each minimum with the best of its group first, then the rest by rank, whatever its group', () => {
    const all = [...looks('a', 99, 98, 97, 96), ...looks('bb', 50, 40, 30)];
    const selection = select(all, { ...ranked, minPerGroup: 2 }, 5);
    expect(indices(selection)).toEqual([100, 101, 102, 200, 201]);
    expect(selection.missingPerGroup).toEqual({});
    expect(selection.notPicked).toEqual({
      103: 'ranked 4 of 7; places are kept for other groups',
      202: 'ranked 7 of 7',
    });
  });

  it('keeps the places that a group cannot fill free, and says what each group lacks', () => {
    const all = [...looks('a', 99, 98, 97), ...looks('bb', 50)];
    const selection = select(all, { ...ranked, minPerGroup: { a: 1, bb: 2, ccc: 1 } }, 5);
    expect(indices(selection)).toEqual([100, 101, 200]);
    expect(selection.missing).toBe(2);
    expect(selection.missingPerGroup).toEqual({ bb: 1, ccc: 1 });
  });

  it('delivers 60 headshots as 15 in each of 4 styles', () => {
    const all = ['a', 'bb', 'ccc', 'dddd'].flatMap((group, i) =>
      looks(group, ...Array.from({ length: 20 }, (_, n) => 90 - 20 * i - n)),
    );
    const { winners, missing } = select(all, { ...ranked, minPerGroup: 15 }, 60);
    expect(missing).toBe(0);
    for (const length of [1, 2, 3, 4])
      expect(winners.filter((one) => Math.floor(one.candidate / 100) === length)).toHaveLength(15);
  });

  it('lets rank decide where the minima ask for more than there are places', () => {
    const all = [...looks('a', 10, 9), ...looks('bb', 20, 8)];
    const selection = select(all, { ...ranked, minPerGroup: 2 }, 3);
    expect(indices(selection)).toEqual([200, 100, 101]);
    expect(selection.missingPerGroup).toEqual({ bb: 1 });
  });

  it('counts no near-duplicate towards a minimum', () => {
    const all = [
      candidate(0, 90, { group: 'a', pixelSha256: 'x' }),
      candidate(1, 80, { group: 'a', pixelSha256: 'x' }),
      candidate(2, 70, { group: 'a', pixelSha256: 'y' }),
    ];
    const selection = select(all, { ...ranked, minPerGroup: 2 }, 2);
    expect(indices(selection)).toEqual([0, 2]);
    expect(selection.notPicked).toEqual({ 1: 'near-duplicate of 0' });
  });
});

describe('select, variety', () => {
  const at = (index: number, quality: number, degrees: number) =>
    candidate(index, quality, {
      embedding: [Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180)],
    });
  const all = [at(0, 90, 0), at(1, 88, 5), at(2, 60, 90), at(3, 50, 180)];
  const picked = (lambda: number, k = 2) => {
    const { winners, notPicked } = select(all, { ...ranked, diversity: { minDistance: 0, lambda } }, k);
    return { indices: winners.map((winner) => winner.candidate), notPicked };
  };

  it('is maximal marginal relevance: lambda weighs quality against the likeness to the nearest winner', () => {
    expect(picked(1).indices).toEqual([0, 1]);
    // 0.5 * 0.88 - 0.5 * cos 5 = -0.058 against 0.5 * 0.6 - 0.5 * cos 90 = 0.3
    expect(picked(0.5)).toEqual({
      indices: [0, 2],
      notPicked: { 1: 'ranked 2 of 4; others are less alike', 3: 'ranked 4 of 4' },
    });
    // the turning point: lambda * (0.88 - 0.6) = (1 - lambda) * cos 5
    expect(picked(0.79).indices).toEqual([0, 1]);
    expect(picked(0.77).indices).toEqual([0, 2]);
    expect(picked(0.5, 3).indices).toEqual([0, 2, 3]);
  });

  it('compares fingerprints where the policy says so, or where there is no embedding', () => {
    const hashed = [
      candidate(0, 90, { fingerprint: '0000000000000000', embedding: [1, 0] }),
      candidate(1, 80, { fingerprint: '00000000000000ff', embedding: [0, 1] }),
      candidate(2, 70, { fingerprint: 'ffffffffffffffff', embedding: [1, 0] }),
    ];
    const by = (diversity: Partial<Policy['diversity']>, of = hashed) =>
      select(of, { ...ranked, diversity: { minDistance: 0.1, lambda: 0.5, ...diversity } }, 2).winners.map(
        (winner) => winner.candidate,
      );
    expect(by({})).toEqual([0, 1]);
    expect(by({ by: 'fingerprint' })).toEqual([0, 2]);
    expect(
      by(
        {},
        hashed.map(({ embedding: _, ...one }) => one),
      ),
    ).toEqual([0, 2]);
  });

  it('never costs an image', () => {
    // 1 is a near-duplicate of 2 and of 3, which are none of each other: picking it for its variety would leave 2 of 3
    const chain = [
      candidate(0, 90, { fingerprint: 'ffffffff00000000', embedding: [1, 0] }),
      candidate(2, 80, { fingerprint: '0000000000000000', embedding: [1, 0] }),
      candidate(3, 79, { fingerprint: '0000000000000fff', embedding: [1, 0] }),
      candidate(1, 70, { fingerprint: '000000000000003f', embedding: [0, 1] }),
    ];
    const { winners, missing } = select(chain, { ...ranked, diversity: { minDistance: 0.1, lambda: 0.1 } }, 3);
    expect(missing).toBe(0);
    expect(winners.map((winner) => winner.candidate)).toEqual([0, 2, 3]);
  });
});

describe('select, variety and near-duplicates', () => {
  const varied = { ...ranked, diversity: { minDistance: 0.1, lambda: 0.5 } };
  const indices = (all: SelectionCandidate[], k: number) =>
    select(all, varied, k).winners.map((winner) => winner.candidate);

  it('lets only the better one of two near-duplicates win, however unlike the winners the other is', () => {
    const all = [
      candidate(0, 90, { fingerprint: 'ffffffff00000000', embedding: [1, 0] }),
      candidate(1, 80, { fingerprint: '0000000000000000', embedding: [0.8, 0.6] }),
      candidate(2, 70, { fingerprint: '000000000000003f', embedding: [0, 1] }),
    ];
    expect(indices(all, 2)).toEqual([0, 1]);
    expect(select(all, varied, 2).notPicked).toEqual({ 2: 'near-duplicate of 1' });
  });

  it('keeps a winner that gets better and so has its turn earlier', () => {
    // 5 is a near-duplicate of 1, 2 and 3, which are none of one another; 4 has its turn before 1 once it is better, and is rather like 1
    const all = (quality: number) => [
      candidate(0, 90, { fingerprint: 'ffffffff00000000', embedding: [1, 0, 0] }),
      candidate(1, 80, { fingerprint: '000000000000003f', embedding: [0.1, 0.995, 0] }),
      candidate(2, 79, { fingerprint: '0000000000000fc0', embedding: [0.1, 0.995, 0] }),
      candidate(3, 78, { fingerprint: '000000000003f000', embedding: [0.1, 0.995, 0] }),
      candidate(4, quality, { fingerprint: '00000000ffff0000', embedding: [0, 0.5, 0.866] }),
      candidate(5, 66, { fingerprint: '0000000000000000', embedding: [0, 0, -1] }),
    ];
    expect(indices(all(60), 4)).toContain(4);
    expect(indices(all(77), 4)).toContain(4);
  });
});

describe('select, for all requests', () => {
  const k = fc.integer({ min: 0, max: 12 });
  const request = fc
    .tuple(requestArbitrary, demandingArbitrary)
    .map(([{ candidates, policy }, demands]) => ({ candidates, policy: { ...policy, ...demands } }));

  it('keeps its promises: at most k, all passing, all apart, a reason for everybody else', () => {
    fc.assert(
      fc.property(request, k, ({ candidates, policy }, wanted) => {
        const { winners, notPicked, missing } = select(candidates, policy, wanted);
        expect(winners.length + missing).toBe(wanted);
        expect(missing).toBeGreaterThanOrEqual(0);
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
        request.chain((drawn) =>
          fc.tuple(fc.constant(drawn), fc.shuffledSubarray(drawn.candidates, { minLength: drawn.candidates.length })),
        ),
        k,
        ([{ candidates, policy }, shuffled], wanted) => {
          expect(select(shuffled, policy, wanted)).toEqual(select(candidates, policy, wanted));
        },
      ),
    );
  });

  it('keeps a winner that gets better, with minima too, where quality alone picks', () => {
    fc.assert(
      fc.property(request, k, fc.nat(), ({ candidates, policy: { diversity, ...rest } }, wanted, which) => {
        const policy = { ...rest, diversity: { minDistance: diversity.minDistance } };
        const { winners } = select(candidates, policy, wanted);
        fc.pre(winners.length > 0);
        const winner = winners[which % winners.length]!;
        const improved = candidates.map((one) =>
          one.candidate === winner.candidate ? { ...one, scores: improve(one.scores) } : one,
        );
        const after = select(improved, policy, wanted).winners.find((one) => one.candidate === winner.candidate);
        expect(after).toBeDefined();
        if (policy.minPerGroup === undefined) expect(after?.rank).toBeLessThanOrEqual(winner.rank);
      }),
    );
  });

  it('keeps a winner that gets better where variety counts too', () => {
    fc.assert(
      fc.property(request, k, fc.double({ min: 0, max: 1, noNaN: true }), (drawn, wanted, lambda) => {
        const { minPerGroup: _, ...rest } = drawn.policy;
        const policy = { ...rest, diversity: { ...rest.diversity, lambda } };
        for (const winner of select(drawn.candidates, policy, wanted).winners) {
          const improved = drawn.candidates.map((one) =>
            one.candidate === winner.candidate ? { ...one, scores: improve(one.scores) } : one,
          );
          expect(select(improved, policy, wanted).winners.map((one) => one.candidate)).toContain(winner.candidate);
        }
      }),
    );
  });

  it('meets every minimum where no two images are alike and there are enough of each', () => {
    fc.assert(
      fc.property(request, k, ({ candidates, policy }, wanted) => {
        const unlike = candidates.map(({ fingerprint: _f, pixelSha256: _p, ...one }) => one);
        const { winners, missingPerGroup = {} } = select(unlike, policy, wanted);
        const { minPerGroup = {} } = policy;
        const groups = [...new Set(candidates.flatMap(({ group }) => group ?? []))];
        const minima =
          typeof minPerGroup === 'number'
            ? Object.fromEntries(groups.map((group) => [group, minPerGroup]))
            : minPerGroup;
        const sum = Object.values(minima).reduce((total, least) => total + least, 0);
        fc.pre(sum <= wanted);
        for (const [group, least] of Object.entries(minima)) {
          const passing = unlike.filter((one) => one.group === group && one.verdict.pass).length;
          const got = winners.filter((winner) => candidates[winner.candidate]?.group === group).length;
          expect(got).toBeGreaterThanOrEqual(Math.min(least, passing));
          expect(missingPerGroup[group] ?? 0).toBe(Math.max(0, least - got));
        }
      }),
    );
  });

  it('finds as many as the workflow counted, which knows no embeddings', () => {
    fc.assert(
      fc.property(request, k, ({ candidates, policy: { minPerGroup: _, ...policy } }, wanted) => {
        const passing = candidates
          .filter(({ verdict }) => verdict.pass)
          .map(({ scores, embedding: _e, ...one }) => ({ ...one, quality: rankQuality(scores, policy) }));
        const counted = countPicked(passing, { k: wanted, minDistance: policy.diversity.minDistance });
        const found = select(candidates, policy, wanted).winners.length;
        expect(found).toBe(counted);
      }),
    );
  });

  it('picks by quality alone where lambda is 1', () => {
    fc.assert(
      fc.property(request, k, ({ candidates, policy }, wanted) => {
        const { minDistance } = policy.diversity;
        expect(select(candidates, { ...policy, diversity: { minDistance, lambda: 1 } }, wanted)).toEqual(
          select(candidates, { ...policy, diversity: { minDistance } }, wanted),
        );
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
