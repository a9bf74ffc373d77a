/** Risk control, curves, calibration, bootstrap, betting: against values worked out by hand or by definition. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { leastNeeded, lowerBound, showsAtLeast, upperBound } from '../../../selection/tuning/binomial.js';
import { bootstrap, ratio, RESAMPLES } from '../../../selection/tuning/bootstrap.js';
import {
  brier,
  calibrate,
  calibrationError,
  isotonic,
  platt,
  reliability,
} from '../../../selection/tuning/calibration.js';
import { areaOfDraws, areaUnderRoc, curveOf, thinned } from '../../../selection/tuning/curves.js';
import { meanUpperBound } from '../../../selection/tuning/mean-bound.js';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { deriveSeed } from '../../../selection/seeds.js';
import { chanceFrom, lotOf, shuffled } from '../../../selection/tuning/random.js';
import { mostPermissive, riskBound, type LabelledValue } from '../../../selection/tuning/risk-control.js';

const labelled = fc.array(fc.record({ value: fc.integer({ min: 0, max: 9 }), good: fc.boolean() }), {
  minLength: 1,
  maxLength: 60,
});
const both = labelled.filter((all) => new Set(all.map(({ good }) => good)).size === 2);
const of = (...all: [number, boolean][]): LabelledValue[] => all.map(([value, good]) => ({ value, good }));

describe('conformal risk control', () => {
  test('needs ceil(1 / limit) - 1 clean ones', () => {
    for (const [limit, n] of [
      [0.1, 9],
      [0.05, 19],
      [0.01, 99],
    ] as const) {
      const clean = (count: number) => Array.from({ length: count }, () => ({ value: 1, good: true }));
      expect(mostPermissive(clean(n), limit)).toBe(1);
      expect(mostPermissive(clean(n - 1), limit)).toBe(Infinity);
      expect(riskBound(clean(n).map(() => 0))).toBeCloseTo(limit, 12);
    }
  });

  test('counts jobs: 20 alike of each of 3 jobs are 3 pieces of evidence, and a job loses by its share of defects', () => {
    const jobs = (count: number, defective = 0) =>
      Array.from({ length: count * 20 }, (_, i) => ({ value: 1, good: i >= defective, job: `j${Math.floor(i / 20)}` }));
    expect(mostPermissive(jobs(3), 0.05)).toBe(Infinity);
    expect(mostPermissive(jobs(19), 0.05)).toBe(1);
    // 2 of 20 pictures of one job: 0.1 of 1
    expect(mostPermissive(jobs(21, 2), 0.05)).toBe(1);
    expect(mostPermissive(jobs(20, 2), 0.05)).toBe(Infinity);
  });

  test('the threshold keeps the limit, and no lower one does', () => {
    fc.assert(
      fc.property(labelled, fc.double({ min: 0.02, max: 0.9, noNaN: true }), (all, limit) => {
        const bound = (threshold: number) =>
          riskBound(all.map(({ value, good }) => (!good && value >= threshold ? 1 : 0)));
        const threshold = mostPermissive(all, limit);
        if (threshold < Infinity) expect(bound(threshold)).toBeLessThanOrEqual(limit);
        for (const { value } of all) if (value < threshold) expect(bound(value)).toBeGreaterThan(limit);
      }),
    );
  });

  test('keeps its promise on average: 2,000 calibrations, each tried on the next candidate', () => {
    const chance = chanceFrom(11);
    const draw = (): LabelledValue => {
      const good = chance.share() < 0.7;
      return { value: chance.share() + (good ? 0.3 : 0), good };
    };
    let losses = 0;
    for (let i = 0; i < 2000; i++) {
      const threshold = mostPermissive(Array.from({ length: 40 }, draw), 0.1);
      const next = draw();
      if (!next.good && next.value >= threshold) losses++;
    }
    // 0.1 and three standard errors
    expect(losses / 2000).toBeLessThan(0.1 + 3 * Math.sqrt(0.09 / 2000));
    expect(losses / 2000).toBeGreaterThan(0.04);
  });
});

describe('curves', () => {
  test('an example by hand: equal values pass together', () => {
    const points = curveOf(of([3, true], [2, false], [2, true], [1, false]));
    expect(
      points.map(({ threshold, recall, fallOut, precision, discarded, error }) => [
        threshold,
        recall,
        fallOut,
        precision,
        discarded,
        error,
      ]),
    ).toEqual([
      [Infinity, 0, 0, 1, 1, 0],
      [3, 0.5, 0, 1, 0.75, 0],
      [2, 1, 0.5, 2 / 3, 0.25, 1 - 2 / 3],
      [1, 1, 1, 0.5, 0, 0.5],
    ]);
    expect(areaUnderRoc(of([3, true], [2, false], [2, true], [1, false]))).toBe(0.875);
  });

  test('the area is the share of pairs in the right order', () => {
    fc.assert(
      fc.property(both, (all) => {
        let [right, pairs] = [0, 0];
        for (const a of all.filter(({ good }) => good))
          for (const b of all.filter(({ good }) => !good)) {
            pairs++;
            right += a.value > b.value ? 1 : a.value === b.value ? 0.5 : 0;
          }
        expect(areaUnderRoc(all)).toBeCloseTo(right / pairs, 10);
      }),
    );
  });

  test('the area of a resample is that of its pictures written out', () => {
    fc.assert(
      fc.property(labelled, fc.array(fc.nat(3), { minLength: 60, maxLength: 60 }), (all, drawn) => {
        const written = all.flatMap((one, job) => Array.from({ length: drawn[job] ?? 0 }, () => one));
        const [area, expected] = [areaOfDraws(all.map((one, job) => ({ ...one, job })))(drawn), areaUnderRoc(written)];
        if (expected === null) expect(area).toBeNull();
        else expect(area).toBeCloseTo(expected, 10);
      }),
    );
  });

  test('recall and fall-out rise from 0 to 1; one class has no area', () => {
    fc.assert(
      fc.property(both, (all) => {
        const points = curveOf(all);
        expect(points.at(-1)).toMatchObject({ recall: 1, fallOut: 1, discarded: 0 });
        for (const [i, point] of points.slice(1).entries()) {
          expect(point.recall).toBeGreaterThanOrEqual(points[i]!.recall);
          expect(point.fallOut).toBeGreaterThanOrEqual(points[i]!.fallOut);
          expect(point.threshold).toBeLessThan(points[i]!.threshold);
        }
        const few = thinned(points, 3);
        expect([few[0], few.at(-1)]).toEqual([points[0], points.at(-1)]);
      }),
    );
    expect(areaUnderRoc(of([1, true], [2, true]))).toBeNull();
  });
});

describe('calibration', () => {
  const logistic = (count: number, seed: number): LabelledValue[] => {
    const chance = chanceFrom(seed);
    return Array.from({ length: count }, () => {
      const value = chance.share() * 10;
      return { value, good: chance.share() < 1 / (1 + Math.exp(-(2 * (value - 6)))) };
    });
  };

  test('Platt finds the curve that made the labels; isotonic from 1,000 on', () => {
    const few = calibrate(logistic(900, 3));
    expect(few.method).toBe('platt');
    expect(few.probability(6)).toBeCloseTo(0.5, 1);
    expect(few.probability(7)).toBeCloseTo(1 / (1 + Math.exp(-2)), 1);
    const many = calibrate(logistic(20_000, 3));
    expect(many.method).toBe('isotonic');
    expect(many.probability(6)).toBeCloseTo(0.5, 1);
    expect(many.probability(7)).toBeCloseTo(1 / (1 + Math.exp(-2)), 1);
  });

  test('Platt stays finite where the classes do not overlap, and its mean is that of its targets', () => {
    const apart = of([0, false], [1, false], [2, false], [8, true], [9, true], [10, true]);
    const { probability } = platt(apart);
    expect(probability(100)).toBeLessThan(1);
    expect(probability(0)).toBeGreaterThan(0);
    // at the optimum the residuals of the intercept vanish: targets are 4/5 and 1/5
    expect(apart.reduce((sum, { value }) => sum + probability(value), 0)).toBeCloseTo(3, 6);
  });

  test('is monotone and within 0..1 for all labels', () => {
    fc.assert(
      fc.property(labelled, (all) => {
        for (const { probability } of [platt(all), isotonic(all)]) {
          const said = Array.from({ length: 23 }, (_, i) => probability(i / 2 - 1));
          for (const [i, p] of said.entries()) {
            expect(p).toBeGreaterThanOrEqual(i === 0 ? 0 : said[i - 1]! - 1e-12);
            expect(p).toBeLessThanOrEqual(1);
          }
        }
      }),
    );
  });

  test('isotonic pools what is out of order: an example by hand', () => {
    const { probability } = isotonic(of([1, false], [2, true], [3, false], [4, true], [5, true]));
    expect([1, 2, 3, 4, 5].map(probability)).toEqual([0, 0.5, 0.5, 1, 1]);
    expect(probability(3.5)).toBe(0.75);
  });

  test('Brier and the calibration error by hand, bins of equal mass', () => {
    const forecasts = [
      { probability: 0.2, good: false },
      { probability: 0.4, good: true },
      { probability: 0.8, good: true },
      { probability: 1, good: true },
    ];
    expect(brier(forecasts)).toBeCloseTo((0.04 + 0.36 + 0.04 + 0) / 4, 12);
    expect(reliability(forecasts, 2)).toEqual([
      { said: expect.closeTo(0.3, 12) as number, came: 0.5, count: 2 },
      { said: 0.9, came: 1, count: 2 },
    ]);
    expect(calibrationError(forecasts, 2)).toBeCloseTo(0.15, 12);
  });
});

describe('bootstrap', () => {
  const mean = { tally: ({ value }: { value: number }) => [value, 1], figure: ratio };

  test('draws jobs, not pictures: ten jobs of a hundred equal pictures vary as ten', () => {
    const items = Array.from({ length: 1000 }, (_, i) => ({
      value: Math.floor(i / 100) % 2,
      job: `j${Math.floor(i / 100)}`,
    }));
    const options = { ...mean, seed: 5, confidence: 0.95, resamples: RESAMPLES };
    const byJob = bootstrap(items, { ...options, jobOf: ({ job }) => job })!;
    const byPicture = bootstrap(
      items.map((item, i) => ({ ...item, job: String(i) })),
      {
        ...options,
        jobOf: ({ job }) => job,
      },
    )!;
    // 2 * 1.96 * sqrt(.25 / n)
    expect(byJob.high - byJob.low).toBeGreaterThan(0.4);
    expect(byJob.high - byJob.low).toBeLessThan(0.7);
    expect(byPicture.high - byPicture.low).toBeLessThan(0.08);
  });

  test('the same seed gives the same interval; nothing gives none', () => {
    const items = Array.from({ length: 30 }, (_, i) => ({ value: Math.sqrt(i), job: String(i) }));
    const run = (seed: number) =>
      bootstrap(items, { jobOf: ({ job }) => job, ...mean, seed, confidence: 0.9, resamples: 200 });
    expect(run(1)).toEqual(run(1));
    expect(run(1)).not.toEqual(run(2));
    expect(bootstrap([], { jobOf: () => '', ...mean, seed: 1, confidence: 0.9, resamples: 9 })).toBeNull();
  });
});

describe('the bound by betting', () => {
  test('without a defect it is near the exact bound, and never below it', () => {
    for (const n of [20, 59, 100, 300]) {
      const bound = meanUpperBound(Array<number>(n).fill(0), 0.95);
      expect(bound).toBeGreaterThanOrEqual(upperBound(0, n, 0.95));
      expect(bound).toBeLessThan(1.35 * upperBound(0, n, 0.95));
    }
    expect(meanUpperBound([], 0.95)).toBe(1);
    expect(meanUpperBound([1, 1, 1], 0.95)).toBe(1);
  });

  test('is above the mean, and higher for worse shares', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 80 }), (shares) => {
        const bound = meanUpperBound(shares, 0.9);
        expect(bound).toBeGreaterThanOrEqual(0);
        expect(bound).toBeLessThanOrEqual(1);
        expect(meanUpperBound(shares, 0.99)).toBeGreaterThanOrEqual(bound);
      }),
    );
  });

  test('holds for all-or-nothing jobs, where counting pictures would fail', () => {
    const chance = chanceFrom(21);
    let [held, heldByPicture] = [0, 0];
    for (let i = 0; i < 1000; i++) {
      const shares = Array.from({ length: 40 }, () => (chance.share() < 0.06 ? 1 : 0));
      if (meanUpperBound(shares, 0.95) >= 0.06) held++;
      const bad = shares.filter((share) => share === 1).length * 10;
      if (upperBound(bad, 400, 0.95) >= 0.06) heldByPicture++;
    }
    expect(held).toBeGreaterThanOrEqual(950);
    expect(heldByPicture).toBeLessThan(900);
  });
});

describe('chance', () => {
  test('shuffling keeps every item; a lot depends on name and seed only', () => {
    fc.assert(
      fc.property(fc.array(fc.integer()), fc.integer({ min: 0, max: 1000 }), (items, seed) => {
        expect(shuffled(items, chanceFrom(seed)).sort((a, b) => a - b)).toEqual([...items].sort((a, b) => a - b));
      }),
    );
    expect(lotOf('a', 1)).toBe(lotOf('a', 1));
    expect(lotOf('a', 1)).not.toBe(lotOf('a', 2));
    const half = Array.from({ length: 10_000 }, (_, i) => lotOf(`request-${i}`, 1)).filter((lot) => lot < 2 ** 31);
    expect(half.length / 10_000).toBeCloseTo(0.5, 1);
  });

  test('draws the numbers of pure-rand', () => {
    for (const count of [1, 2, 3, 6, 1000, 50_000, 3_000_000_000]) {
      const [chance, generator] = [chanceFrom(9), xoroshiro128plus(deriveSeed(9, 0) | 0)];
      for (let i = 0; i < 2_000; i++) expect(chance.below(count)).toBe(uniformInt(generator, 0, count - 1));
    }
  });

  test('showsAtLeast is what the bound from below says', () => {
    fc.assert(
      fc.property(fc.nat(60), fc.nat(60), fc.double({ min: 0.01, max: 0.9, noNaN: true }), (failures, more, rate) => {
        const bound = lowerBound(failures, failures + more, 0.5);
        fc.pre(Math.abs(bound - rate) > 1e-9 && failures + more > 0);
        expect(showsAtLeast(failures, failures + more, { rate, confidence: 0.5 })).toBe(bound >= rate);
      }),
    );
  });

  test('leastNeeded is the least', () => {
    fc.assert(
      fc.property(fc.double({ min: 0.01, max: 0.5, noNaN: true }), fc.integer({ min: 0, max: 5 }), (rate, failures) => {
        const n = leastNeeded(rate, 0.95, failures);
        expect(upperBound(failures, n, 0.95)).toBeLessThanOrEqual(rate);
        expect(upperBound(failures, n - 1, 0.95)).toBeGreaterThan(rate);
      }),
    );
  });
});
