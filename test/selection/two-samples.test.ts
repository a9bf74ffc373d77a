import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  benjaminiHochberg,
  effectiveSizes,
  fisher,
  kolmogorovSmirnov,
  kolmogorovTail,
} from '../../selection/two-samples.js';

const sample = fc.array(fc.integer({ min: 0, max: 20 }), { minLength: 1, maxLength: 40 });

describe('kolmogorovSmirnov', () => {
  it.each([
    [[1, 2, 3], [4, 5, 6], 1],
    [[1, 2, 3], [1, 2, 3], 0],
    [[1, 2, 3, 4], [3, 4, 5, 6], 0.5],
    // ties: at 1 the steps are 3/4 and 1/4 high
    [[1, 1, 1, 2], [1, 2, 2, 2], 0.5],
    [[5], [1, 2, 3, 9], 0.75],
  ])('%j and %j are %d apart', (a, b, distance) => {
    expect(kolmogorovSmirnov(a, b).distance).toBeCloseTo(distance, 12);
  });

  it('has the distance of its definition', () => {
    const share = (of: readonly number[], at: number) => of.filter((value) => value <= at).length / of.length;
    fc.assert(
      fc.property(sample, sample, (a, b) => {
        const most = Math.max(...[...a, ...b].map((at) => Math.abs(share(a, at) - share(b, at))));
        expect(kolmogorovSmirnov(a, b).distance).toBeCloseTo(most, 12);
        expect(kolmogorovSmirnov(b, a)).toEqual(kolmogorovSmirnov(a, b));
      }),
    );
  });

  it.each([
    // the percentage points of Kolmogorov's distribution (Smirnov 1948)
    [1.2238, 0.1],
    [1.3581, 0.05],
    [1.6276, 0.01],
    [1.9495, 0.001],
    [0.8276, 0.5],
    [0.5196, 0.95],
  ])('its tail above %d is %d', (x, p) => {
    expect(kolmogorovTail(x)).toBeCloseTo(p, 4);
  });

  it('has a tail that falls, and whose two series meet', () => {
    expect(kolmogorovTail(0)).toBe(1);
    expect(kolmogorovTail(1.18 - 1e-9)).toBeCloseTo(kolmogorovTail(1.18), 8);
    expect(kolmogorovTail(20)).toBe(0);
  });

  it('is near the exact chance of samples that do not overlap, 2 / C(n + m, n)', () => {
    const a = Array.from({ length: 5 }, (_, i) => i);
    const b = a.map((value) => value + 100);
    expect(kolmogorovSmirnov(a, b).p).toBeGreaterThan(0.002);
    expect(kolmogorovSmirnov(a, b).p).toBeLessThan(2 * (2 / 252));
  });

  it('believes samples less that are worth fewer items', () => {
    const a = Array.from({ length: 100 }, (_, i) => i);
    const b = a.map((value) => value + 25);
    expect(kolmogorovSmirnov(a, b).p).toBeLessThan(0.01);
    expect(kolmogorovSmirnov(a, b, [20, 20]).p).toBeGreaterThan(0.3);
  });
});

describe('fisher', () => {
  it.each([
    // Fisher 1935: 34/70 and 2/70
    [3, 4, 1, 4, 34 / 70],
    [4, 4, 0, 4, 2 / 70],
    [0, 5, 0, 7, 1],
    [5, 5, 7, 7, 1],
    // C(5,1) C(5,0) / C(10,1) for each of two tables
    [1, 5, 0, 5, 1],
    // two equal tables only: 2 / C(10, 5)
    [5, 5, 0, 5, 2 / 252],
  ])('%d of %d and %d of %d', (a, ofA, b, ofB, p) => {
    expect(fisher({ hits: a, of: ofA }, { hits: b, of: ofB })).toBeCloseTo(p, 12);
  });

  it('is symmetric, in samples and in hits, and holds for large samples', () => {
    const count = fc
      .integer({ min: 1, max: 60 })
      .chain((of) => fc.record({ hits: fc.integer({ min: 0, max: of }), of: fc.constant(of) }));
    const turned = ({ hits, of }: { hits: number; of: number }) => ({ hits: of - hits, of });
    fc.assert(
      fc.property(count, count, (a, b) => {
        const p = fisher(a, b);
        expect(p).toBeGreaterThan(0);
        expect(fisher(b, a)).toBeCloseTo(p, 9);
        expect(fisher(turned(a), turned(b))).toBeCloseTo(p, 9);
      }),
    );
    expect(fisher({ hits: 50_000, of: 100_000 }, { hits: 50_000, of: 100_000 })).toBeCloseTo(1, 6);
    expect(fisher({ hits: 50_000, of: 100_000 }, { hits: 60_000, of: 100_000 })).toBeLessThan(1e-100);
  });
});

describe('benjaminiHochberg', () => {
  it('is the example of Benjamini and Hochberg: four of fifteen stay', () => {
    const ps = [
      0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.324, 0.4262, 0.5719, 0.6528, 0.759, 1,
    ];
    const corrected = benjaminiHochberg(ps);
    expect(corrected.filter((p) => p <= 0.05)).toHaveLength(4);
    expect(corrected[0]).toBeCloseTo(0.0015, 12);
    expect(corrected[3]).toBeCloseTo((0.0095 * 15) / 4, 12);
    expect(corrected.at(-1)).toBe(1);
  });

  it('does not depend on the order, and never makes anything more certain', () => {
    const ps = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(ps, (values) => {
        const corrected = benjaminiHochberg(values);
        expect(benjaminiHochberg(values.toReversed())).toEqual(corrected.toReversed());
        for (const [i, p] of corrected.entries()) {
          expect(p).toBeGreaterThanOrEqual(values[i]!);
          expect(p).toBeLessThanOrEqual(1);
        }
      }),
    );
    expect(benjaminiHochberg([])).toEqual([]);
  });
});

/** 9 of one degree of freedom, over the tenth percentile of chi-square as Wilson and Hilferty have it. */
const BETWEEN = 9 / (1 - 2 / 9 - 1.2816 * Math.sqrt(2 / 9)) ** 3;

describe('effectiveSizes', () => {
  it.each([
    [
      [
        [1, 1, 1],
        [5, 5, 5],
      ],
      2,
    ],
    [[[1], [5], [3]], 3],
    [
      [
        [1, 5],
        [1, 5],
        [1, 5],
      ],
      6,
    ],
    [
      [
        [2, 2],
        [2, 2],
      ],
      4,
    ],
    [[[1, 2, 3]], 1],
    [[[], [4], []], 1],
    [[], 0],
    // between: 2 * 2 * 1.5^2 = 9 with 1 degree, within: 4 * 0.5^2 = 1 with 2; rho is at most (b - 0.5) / (b + 0.5), and 4 / (1 + rho)
    [
      [
        [1, 2],
        [4, 5],
      ],
      4 / (1 + (BETWEEN - 0.5) / (BETWEEN + 0.5)),
    ],
  ])('%j is worth %d', (groups, size) => {
    expect(effectiveSizes([groups])[0]).toBeCloseTo(size, 12);
  });

  it('comes near rho with many groups, and believes few of them less', () => {
    // within a group 0 and 1 or all the same, in turn: rho is about a third
    const of = (n: number) =>
      Array.from(
        { length: n },
        (_, i) =>
          [
            [0, 0],
            [1, 1],
            [0, 1],
          ][i % 3] ?? [],
      );
    const [few = 0] = effectiveSizes([of(6)]);
    const [many = 0] = effectiveSizes([of(3_000)]);
    expect(many / 6_000).toBeCloseTo(1 / (1 + 1 / 3), 1);
    expect(few / 12).toBeLessThan(0.6);
  });

  it('is between the number of groups and that of items', () => {
    const groups = fc.array(sample, { minLength: 2, maxLength: 8 });
    fc.assert(
      fc.property(groups, groups, (...samples) => {
        for (const [i, size] of effectiveSizes(samples).entries()) {
          const of = samples[i] ?? [];
          expect(size).toBeLessThanOrEqual(of.flat().length + 1e-9);
          const squares = of.reduce((sum, { length }) => sum + length ** 2, 0);
          expect(size).toBeGreaterThanOrEqual(of.flat().length ** 2 / squares - 1e-9);
        }
      }),
    );
  });

  it('of a sample without any difference is told by the other one, however far apart they are', () => {
    const same = Array.from({ length: 5 }, () => [0, 0, 0, 0]);
    const alike = [0, 0, 0, 0, 1].map((value) => [value, value, value, value]);
    expect(effectiveSizes([same])).toEqual([20]);
    expect(effectiveSizes([same, alike])).toEqual([5, 5]);
    const far = alike.map((group) => group.map((value) => value + 100));
    expect(effectiveSizes([same, far])).toEqual([5, 5]);
    expect(effectiveSizes([[[1, 2]], [[1], [2]], []])).toEqual([1, 2, 0]);
  });
});
