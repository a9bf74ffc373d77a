import { describe, expect, it } from 'vitest';
import { ciede2000, toLab, toLinear, toSrgb } from '../../../sandbox/painter/colour.js';

describe('colour', () => {
  // Pairs 1, 4, 7, 10, 16, 17, 19, 25 and 34 of the table in Sharma, Wu, Dalal (2005).
  it.each([
    [[50, 2.6772, -79.7751], [50, 0, -82.7485], 2.0425],
    [[50, -1.3802, -84.2814], [50, 0, -82.7485], 1.0],
    [[50, 0, 0], [50, -1, 2], 2.3669],
    [[50, -0.001, 2.49], [50, 0.0009, -2.49], 4.8045],
    [[50, 2.5, 0], [50, 0, -2.5], 4.3065],
    [[50, 2.5, 0], [73, 25, -18], 27.1492],
    [[50, 2.5, 0], [56, -27, -3], 31.903],
    [[60.2574, -34.0099, 36.2677], [60.4626, -34.1751, 39.4387], 1.2644],
    [[2.0776, 0.0795, -1.135], [0.9033, -0.0636, -0.5514], 0.9082],
  ] as const)('CIEDE2000 of %j and %j is %d', (one, two, expected) => {
    expect(ciede2000(one, two)).toBeCloseTo(expected, 4);
    expect(ciede2000(two, one)).toBeCloseTo(expected, 4);
  });

  it('turns levels to light and back', () => {
    for (let level = 0; level < 256; level++) expect(toSrgb(toLinear(level))).toBeCloseTo(level, 6);
  });

  it('knows white', () => {
    for (const [i, value] of toLab([1, 1, 1]).entries()) expect(value).toBeCloseTo([100, 0, 0][i]!, 2);
  });
});
