import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  exactInterval,
  incompleteBeta,
  leastNeeded,
  lowerBound,
  upperBound,
} from '../../../selection/tuning/binomial.js';

/** P(X <= failures) by its sum, for comparison. */
function atMost(failures: number, n: number, rate: number): number {
  let [term, sum] = [(1 - rate) ** n, 0];
  for (let k = 0; k <= failures; k++) {
    sum += term;
    term *= ((n - k) / (k + 1)) * (rate / (1 - rate));
  }
  return sum;
}

describe('incompleteBeta', () => {
  // scipy 1.17, stats.beta.cdf
  test.each([
    [0.3, 2.5, 4.2, 0.37411551802651],
    [0.98, 0.5, 0.5, 0.90966552939827],
    [0.9, 30, 2.25, 0.21417572897546],
    [0.5, 2, 2, 0.5],
  ])('I_%d(%d, %d)', (x, a, b, expected) => {
    expect(incompleteBeta(x, a, b)).toBeCloseTo(expected, 9);
  });

  test('is the tail of the binomial distribution', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 300 }).chain((n) => fc.tuple(fc.constant(n), fc.integer({ min: 0, max: n - 1 }))),
        fc.double({ min: 0.001, max: 0.9, noNaN: true }),
        ([n, failures], rate) => {
          expect(1 - incompleteBeta(rate, failures + 1, n - failures)).toBeCloseTo(atMost(failures, n, rate), 9);
        },
      ),
    );
  });
});

describe('Clopper-Pearson', () => {
  // scipy 1.17, stats.beta.ppf
  test.each([
    [1, 20, 0.001265089498, 0.248732762772],
    [7, 100, 0.028605288907, 0.138919728456],
    [50, 1000, 0.037335397605, 0.065390487915],
    [3, 5, 0.146632799635, 0.947255049474],
    [0, 20, 0, 1 - 0.025 ** (1 / 20)],
  ])('%d of %d', (failures, n, low, high) => {
    const interval = exactInterval(failures, n, 0.95);
    expect(interval.low).toBeCloseTo(low, 10);
    expect(interval.high).toBeCloseTo(high, 10);
  });

  test('without a failure: the published bounds, and 59 for 5 %, 299 for 1 %', () => {
    const bounds = [20, 30, 59, 100, 299].map((n) => Math.round(upperBound(0, n, 0.95) * 1000) / 10);
    expect(bounds).toEqual([13.9, 9.5, 5, 3, 1]);
    expect([leastNeeded(0.05, 0.95), leastNeeded(0.01, 0.95), leastNeeded(0.1, 0.95)]).toEqual([59, 299, 29]);
    expect(leastNeeded(0.05, 0.95, 1)).toBe(93);
  });

  test('says nothing of nothing', () => {
    expect([upperBound(0, 0, 0.95), lowerBound(0, 0, 0.95), upperBound(5, 5, 0.95)]).toEqual([1, 0, 1]);
  });

  test('holds at least as often as its confidence says, exactly computed for every rate', () => {
    for (const n of [5, 30, 80])
      for (let rate = 0.01; rate < 1; rate += 0.013) {
        let [covered, term] = [0, (1 - rate) ** n];
        for (let k = 0; k <= n; k++) {
          if (upperBound(k, n, 0.95) >= rate) covered += term;
          term *= ((n - k) / (k + 1)) * (rate / (1 - rate));
        }
        expect(covered).toBeGreaterThanOrEqual(0.95 - 1e-9);
      }
  });

  test('more failures, a higher bound; more looked at, a lower one; more confidence, a higher one', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 400 }),
        fc.double({ min: 0.5, max: 0.999, noNaN: true }),
        (n, confidence) => {
          const failures = Math.floor(n / 3);
          const bound = upperBound(failures, n, confidence);
          expect(upperBound(failures + 1, n, confidence)).toBeGreaterThan(bound);
          expect(upperBound(failures, n + 1, confidence)).toBeLessThan(bound);
          expect(upperBound(failures, n, (1 + confidence) / 2)).toBeGreaterThan(bound);
          expect(bound).toBeGreaterThan(failures / n);
        },
      ),
    );
  });
});
