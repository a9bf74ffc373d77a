import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chanceOf, countFor, learnedRate, meanRate, observed, UNKNOWN_RATE } from '../../selection/pass-rate.js';
import { nextStep } from '../../selection/stopping.js';

const positive = fc.double({ min: 0.05, max: 1e6, noNaN: true });
const rates = fc.record({ passes: positive, fails: positive });
const [needs, counts] = [fc.integer({ min: -2, max: 400 }), fc.nat(400)];

describe('chanceOf', () => {
  it('is the tail of a discrete uniform distribution where nothing is known', () => {
    expect(chanceOf(2, 4, UNKNOWN_RATE)).toBeCloseTo(3 / 5, 12);
    expect(chanceOf(60, 64, UNKNOWN_RATE)).toBeCloseTo(5 / 65, 12);
  });

  it('is the binomial tail where the rate is certain', () => {
    const half = { passes: 1e12, fails: 1e12 };
    expect(chanceOf(4, 13, half)).toBeCloseTo(1 - (1 + 13 + 78 + 286) / 8192, 6);
    // scipy.stats.binom.sf(59, 240, 0.25)
    expect(chanceOf(60, 240, { passes: 0.25e12, fails: 0.75e12 })).toBeCloseTo(0.527, 2);
  });

  it('is a probability, falls with the need and rises with the count', () => {
    fc.assert(
      fc.property(needs, counts, rates, (need, count, rate) => {
        const chance = chanceOf(need, count, rate);
        expect(chance).toBeGreaterThanOrEqual(0);
        expect(chance).toBeLessThanOrEqual(1);
        expect(chanceOf(need + 1, count, rate)).toBeLessThanOrEqual(chance + 1e-9);
        expect(chanceOf(need, count + 1, rate)).toBeGreaterThanOrEqual(chance - 1e-9);
      }),
    );
  });

  it('neither overflows nor vanishes for thousands of candidates', () => {
    for (const rate of [
      { passes: 1e9, fails: 1e3 },
      { passes: 0.5, fails: 1e6 },
      { passes: 2000, fails: 2000 },
    ])
      for (const need of [1, 1000, 1999]) {
        const chance = chanceOf(need, 2000, rate);
        expect(Number.isFinite(chance)).toBe(true);
      }
    expect(chanceOf(1000, 2000, { passes: 1e6, fails: 1e6 })).toBeCloseTo(0.509, 2);
  });
});

describe('countFor', () => {
  it('is the smallest count that is sure enough', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 40 }),
        fc.double({ min: 0, max: 0.99, noNaN: true }),
        rates,
        (need, sure, rate) => {
          const count = countFor(need, { sure, most: 200, rate });
          expect(count).toBeGreaterThanOrEqual(Math.min(need, 200));
          if (count < 200) expect(chanceOf(need, count, rate)).toBeGreaterThanOrEqual(sure);
          if (count > need) expect(chanceOf(need, count - 1, rate)).toBeLessThan(sure);
        },
      ),
    );
  });

  it('asks for the need itself where nothing has to be sure, and for nothing where nothing is needed', () => {
    expect(countFor(3, { sure: 0, most: 64, rate: UNKNOWN_RATE })).toBe(3);
    expect(countFor(0, { sure: 0.9, most: 64, rate: UNKNOWN_RATE })).toBe(0);
    expect(countFor(9, { sure: 0.9, most: 4, rate: UNKNOWN_RATE })).toBe(4);
  });
});

describe('learnedRate', () => {
  it('knows nothing without requests', () => {
    expect(learnedRate([])).toEqual(UNKNOWN_RATE);
    expect(learnedRate([{ passed: 0, ended: 0 }])).toEqual(UNKNOWN_RATE);
  });

  it('is strong where requests agree and weak where they differ', () => {
    const alike = learnedRate(Array.from({ length: 30 }, (_, i) => ({ passed: 5 + (i % 2), ended: 11 })));
    const unlike = learnedRate(Array.from({ length: 30 }, (_, i) => ({ passed: i % 2 === 0 ? 1 : 10, ended: 11 })));
    expect(meanRate(alike)).toBeCloseTo(0.5, 1);
    expect(meanRate(unlike)).toBeCloseTo(0.5, 1);
    expect(alike.passes + alike.fails).toBe(40);
    expect(unlike.passes + unlike.fails).toBeLessThan(4);
  });

  it('finds the spread of the rates that the requests were drawn from', () => {
    // the quantiles 0.025, 0.075, … of Beta(4.2, 1.8)
    const low = [317, 421, 483, 530, 568, 602, 633, 660, 687, 711];
    const high = [735, 758, 781, 803, 825, 848, 872, 897, 925, 961];
    const requests = [...low, ...high].map((passed) => ({ passed, ended: 1000 }));
    const { passes, fails } = learnedRate(requests);
    expect(passes + fails).toBeCloseTo(6, 0);
    expect(meanRate({ passes, fails })).toBeCloseTo(0.7, 2);
  });

  it('is the rate also of requests that ended with their K-th pass, whatever K is', () => {
    // geometric at 0.5 and at 0.2: so many ended with their first, second, … candidate
    const half = [25, 13, 6, 3, 2, 1].flatMap((times, before) => Array.from({ length: times }, () => before + 1));
    const fifth = [10, 8, 6, 5, 4, 3, 3, 2, 2, 1, 1, 1, 1, 1, 1, 1].flatMap((n, i) => Array<number>(n).fill(i + 1));
    expect(meanRate(learnedRate(half.map((ended) => ({ passed: 1, ended }))))).toBeCloseTo(0.5, 1);
    expect(meanRate(learnedRate(fifth.map((ended) => ({ passed: 1, ended }))))).toBeCloseTo(0.2, 1);
    const one = learnedRate(Array.from({ length: 50 }, () => ({ passed: 1, ended: 1 })));
    expect(meanRate(one)).toBeGreaterThan(0.9);
  });

  it('never makes a request give up that has drawn nothing yet, whatever became of others', () => {
    const prior = learnedRate(Array.from({ length: 50 }, () => ({ passed: 0, ended: 64 })));
    expect(meanRate(prior)).toBeLessThan(0.02);
    for (const deliver of [1, 4, 10, 60]) {
      const candidates = Math.max(64, 16 * deliver);
      const policy = { mode: 'quota', candidates, deliver, window: 64, prior } as const;
      expect(nextStep({ launched: 0, inFlight: 0, passed: 0 }, policy)).toHaveProperty('launch');
    }
  });

  it('is proper and never certain, whatever the requests', () => {
    const request = fc.record({ passed: fc.nat(300), ended: fc.nat(300) });
    fc.assert(
      fc.property(fc.array(request, { maxLength: 30 }), (requests) => {
        const { passes, fails } = learnedRate(requests);
        expect(passes).toBeGreaterThan(0);
        expect(fails).toBeGreaterThan(0);
        expect(passes + fails).toBeLessThanOrEqual(40.000001);
      }),
    );
  });
});

it('observed counts what ended', () => {
  expect(observed(UNKNOWN_RATE, { passed: 3, failed: 1 })).toEqual({ passes: 4, fails: 2 });
  expect(observed(UNKNOWN_RATE, { passed: -1, failed: -1 })).toEqual(UNKNOWN_RATE);
});
