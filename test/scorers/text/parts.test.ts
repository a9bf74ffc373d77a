import { describe, expect, it } from 'vitest';
import { boxesOf } from '../../../scorers/text/detect.js';
import type { Point } from '../../../scorers/image/view.js';
import { corners, smallestRectangle } from '../../../scorers/text/geometry.js';
import { decode } from '../../../scorers/text/read.js';
import { closest, distanceInside, plain, says } from '../../../scorers/text/words.js';

describe('smallestRectangle', () => {
  it.each([0, 10, 44, 60, 89, -20, -70])('finds a rectangle that leans by %d degrees', (degrees) => {
    const [cos, sin] = [Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180)];
    const turned = ([u, v]: Point): Point => [50 + u * cos - v * sin, 40 + u * sin + v * cos];
    const inside = Array.from({ length: 21 * 7 }, (_, i): Point => [(i % 21) - 10, Math.floor(i / 21) - 3]);
    const found = smallestRectangle(inside.map(turned));
    expect(found.centre[0]).toBeCloseTo(50, 6);
    expect(found.centre[1]).toBeCloseTo(40, 6);
    expect(found.half[0]).toBeCloseTo(10, 6);
    expect(found.half[1]).toBeCloseTo(3, 6);
    expect(found.along[0]).toBeCloseTo(cos, 6);
    expect(found.along[1]).toBeCloseTo(sin, 6);
    const [a, b, c, d] = corners(found);
    for (const [corner, of] of [
      [a, [-10, -3]],
      [b, [10, -3]],
      [c, [10, 3]],
      [d, [-10, 3]],
    ] as const)
      expect(Math.hypot(corner[0] - turned(of)[0], corner[1] - turned(of)[1])).toBeLessThan(1e-6);
  });

  it('reads what stands upright downwards', () => {
    const { along, half } = smallestRectangle([[0, 0], [2, 0], [2, 9], [0, 9]]); // prettier-ignore
    expect(half).toEqual([4.5, 1]);
    expect(along[1]).toBeCloseTo(1, 9);
  });
});

describe('boxesOf', () => {
  const map = (paint: (x: number, y: number) => number): Float32Array =>
    Float32Array.from({ length: 100 * 60 }, (_, i) => paint(i % 100, Math.floor(i / 100)));

  it('grows a piece by area x 1.5 / perimeter on every side', () => {
    // 40 x 10: 400 * 1.5 / 100 = 6
    const [box, ...more] = boxesOf(
      map((x, y) => (x >= 20 && x < 60 && y >= 30 && y < 40 ? 0.9 : 0.1)),
      100,
      60,
    );
    expect(more).toEqual([]);
    expect(box).toMatchObject({ centre: [40, 35], half: [26, 11] });
    expect(box?.score).toBeCloseTo(0.9, 6);
  });

  it('leaves out what is unlikely, faint in the mean, or too thin', () => {
    const piece = (value: number, height: number) =>
      boxesOf(
        map((x, y) => (x >= 20 && x < 60 && y >= 30 && y < 30 + height ? value : 0)),
        100,
        60,
      );
    expect(piece(0.29, 10)).toEqual([]);
    expect(piece(0.55, 10)).toEqual([]);
    expect(piece(0.95, 2)).toEqual([]);
    expect(piece(0.65, 10)).toHaveLength(1);
  });
});

it('decode takes the likeliest path: repeats are one, a blank parts them', () => {
  const alphabet = ['', 'a', 'b'];
  const steps = [[0.1, 0.8, 0.1], [0.2, 0.7, 0.1], [0.9, 0.1, 0], [0.1, 0.6, 0.3], [0, 0.1, 0.9]]; // prettier-ignore
  const { text, confidence } = decode(Float32Array.from(steps.flat()), { steps: 5, alphabet });
  expect(text).toBe('aab');
  expect(confidence).toBeCloseTo((0.8 + 0.6 + 0.9) / 3, 6);
  expect(decode(Float32Array.of(1, 0, 0), { steps: 1, alphabet })).toEqual({ text: '', confidence: 0 });
});

describe('words', () => {
  const lines = [{ text: 'SummerSALE' }, { text: 'FREESHlPPING on all ads' }];

  it('are found without case and spaces, with one wrong character in six', () => {
    expect(says(lines, 'sale')).toBe(true);
    expect(says(lines, 'Free shipping')).toBe(true);
    expect(says(lines, 'on all')).toBe(true);
    expect(says(lines, 'sole')).toBe(false);
    expect(says(lines, 'frozen shopping')).toBe(false);
    expect(says(lines, '')).toBe(false);
  });

  it('of less than four characters are found as words only', () => {
    expect(says(lines, 'all')).toBe(true);
    expect(says(lines, 'ads')).toBe(true);
    expect(says(lines, 'ad')).toBe(false);
    expect(says(lines, 'mer')).toBe(false);
  });

  it('distanceInside is the distance to the closest stretch', () => {
    expect(distanceInside('xxkittenxx', 'sitting')).toBe(3);
    expect(distanceInside('summersale', 'sale')).toBe(0);
    expect(distanceInside('', 'sale')).toBe(4);
  });

  it('closest joins the lines that make up the text', () => {
    const label = [{ text: 'No. 7' }, { text: 'ACNE' }, { text: 'Soap' }, { text: '200 ml' }];
    expect(closest(label, 'ACME soap')).toEqual({ distance: 1, read: 'ACNE Soap' });
    expect(closest(label, 'ACNE soap 200 ml')).toEqual({ distance: 0, read: 'ACNE Soap 200 ml' });
    expect(closest([], 'ACME')).toEqual({ distance: 4, read: '' });
    expect(plain('Ａｃｍé, Soap!')).toBe('acmésoap');
  });
});
