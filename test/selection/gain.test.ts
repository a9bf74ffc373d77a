import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { expectedGain } from '../../selection/gain.js';

const qualities = fc.array(fc.double({ min: 0, max: 100, noNaN: true }), { maxLength: 40 });

describe('expectedGain', () => {
  it('is the expected improvement on the worst of the K best', () => {
    // mean 75, deviation 12.91, worst of the two best 80: z = 0.387, gain = 12.91 (0.3701 - 0.387 x 0.3493)
    expect(expectedGain([60, 70, 80, 90], 2)).toBeCloseTo(3.03, 1);
    // far above the worst: what is won is the distance of the means
    expect(expectedGain([10, 99, 100, 101], 4)).toBeGreaterThan(67);
  });

  it('is 0 where too little is known or nothing can be won', () => {
    expect(expectedGain([], 1)).toBe(0);
    expect(expectedGain([100], 1)).toBe(0);
    expect(expectedGain([90], 2)).toBe(0);
    expect(expectedGain([90, 80], 3)).toBe(0);
    expect(expectedGain([80, 80, 80], 2)).toBe(0);
  });

  it('takes a usual spread where one alone has passed, and never promises more than 100', () => {
    expect(expectedGain([60], 1)).toBeCloseTo(10 * 0.3989, 2);
    expect(expectedGain([99.5, 60, 20, 90], 1)).toBeLessThanOrEqual(0.5);
  });

  it('is never negative, does not depend on the order, and grows with K', () => {
    fc.assert(
      fc.property(qualities, fc.integer({ min: 1, max: 10 }), (all, deliver) => {
        const gain = expectedGain(all, deliver);
        expect(gain).toBeGreaterThanOrEqual(-1e-5);
        expect(expectedGain([...all].reverse(), deliver)).toBeCloseTo(gain, 6);
        if (all.length > deliver) expect(expectedGain(all, deliver + 1)).toBeGreaterThanOrEqual(gain - 1e-4);
      }),
    );
  });
});
