import { describe, expect, it } from 'vitest';
import { labOf, labPlanes, type Lab } from '../../scorers/image/colour.js';
import { closed, dilated, eroded, filled } from '../../scorers/image/morphology.js';
import { exposedDistance, inLight, paletteDistance, paletteOf } from '../../scorers/image/palette.js';
import { transport } from '../../scorers/image/transport.js';
import { draw, noisy, toLight, toSrgb } from './synthetic.js';

describe('transport', () => {
  it('moves shares at least cost', () => {
    // on a line, the cost of moving is the area between the distribution functions
    const [from, to] = [
      [0.2, 0.5, 0.3],
      [0.4, 0.1, 0.5],
    ] as const;
    const onLine = Math.abs(0.2 - 0.4) + Math.abs(0.7 - 0.5);
    expect(transport({ from, to, cost: (i, j) => Math.abs(i - j) })).toBeCloseTo(onLine, 6);
  });

  it('needs to take back a first choice', () => {
    // greedy would give 0 -> 0 (cost 1) and be left with 1 -> 1 (cost 10)
    const costs = [
      [1, 2],
      [1.5, 10],
    ];
    expect(transport({ from: [0.5, 0.5], to: [0.5, 0.5], cost: (i, j) => costs[i]![j]! })).toBeCloseTo(1.75, 6);
  });

  it('agrees with trying every assignment', () => {
    let state = 7;
    const next = (): number => (state = (state * 16807) % 2147483647) / 2147483647;
    const permutations = (list: number[]): number[][] =>
      list.length < 2 ? [list] : list.flatMap((v, i) => permutations(list.toSpliced(i, 1)).map((rest) => [v, ...rest]));
    for (let round = 0; round < 20; round++) {
      const costs = Array.from({ length: 5 }, () => Array.from({ length: 5 }, () => 10 * next()));
      const equal = Array<number>(5).fill(0.2);
      const best = Math.min(
        ...permutations([0, 1, 2, 3, 4]).map((p) => p.reduce((sum, j, i) => sum + 0.2 * costs[i]![j]!, 0)),
      );
      expect(transport({ from: equal, to: equal, cost: (i, j) => costs[i]![j]! })).toBeCloseTo(best, 6);
    }
  });
});

describe('paletteOf', () => {
  const colours: [number, number, number][] = [
    [200, 40, 40],
    [40, 160, 60],
    [40, 60, 200],
  ];
  const picture = draw(100, 100, (x) => colours[x < 50 ? 0 : x < 80 ? 1 : 2]!);

  it('finds the colours and their shares, through noise too', () => {
    for (const [sigma, near] of [
      [0, 0.1],
      [6, 3],
    ] as const) {
      const found = paletteOf(labPlanes(noisy(picture, sigma).rgb), new Uint8Array(10_000).fill(1));
      const main = found.slice(0, 3);
      expect(main.map(({ share }) => Math.round(100 * share) / 100)).toEqual([0.5, 0.3, 0.2]);
      for (const [i, { lab }] of main.entries())
        for (const [c, v] of labOf(...colours[i]!).entries()) expect(Math.abs(lab[c]! - v)).toBeLessThan(near + 0.05);
    }
  });

  it('reads only what is inside, and is empty where nothing is', () => {
    const mask = Uint8Array.from({ length: 10_000 }, (_, i) => (i % 100 < 50 ? 1 : 0));
    expect(paletteOf(labPlanes(picture.rgb), mask)).toHaveLength(1);
    expect(paletteOf(labPlanes(picture.rgb), new Uint8Array(10_000))).toEqual([]);
  });

  it('is a distance: 0 to itself, the same both ways', () => {
    const all = paletteOf(labPlanes(picture.rgb), new Uint8Array(10_000).fill(1));
    const part = paletteOf(
      labPlanes(picture.rgb),
      Uint8Array.from({ length: 10_000 }, (_, i) => (i % 100 < 70 ? 1 : 0)),
    );
    expect(paletteDistance(all, all)).toBe(0);
    expect(paletteDistance(all, part)).toBeCloseTo(paletteDistance(part, all), 6);
    expect(exposedDistance(all, part).distance).toBeLessThanOrEqual(paletteDistance(all, part));
  });
});

describe('inLight', () => {
  it.each([-2, -1, 0, 0.5])('is what %d stops make of a colour', (stops) => {
    const rgb = [120, 60, 90] as const;
    const [r, g, b] = rgb.map((v) => toSrgb(toLight(v) * 2 ** stops)) as [number, number, number];
    const expected: Lab = labOf(Math.round(r), Math.round(g), Math.round(b));
    const found = inLight(labOf(...rgb), stops);
    for (const c of [0, 1, 2] as const) expect(Math.abs(found[c] - expected[c])).toBeLessThan(0.6);
  });
});

describe('morphology', () => {
  const size = { width: 12, height: 9 };
  const mask = Uint8Array.from({ length: 108 }, (_, i) => ((i * 7919) % 11 < 3 ? 1 : 0));
  /** The definitions, word for word. */
  const within = (i: number, radius: number): number[] => {
    const [x, y] = [i % 12, Math.floor(i / 12)];
    return Array.from({ length: 108 }, (_, k) => k).filter(
      (k) => Math.abs((k % 12) - x) <= radius && Math.abs(Math.floor(k / 12) - y) <= radius,
    );
  };

  it.each([1, 2, 4])('grows and shrinks by %d', (radius) => {
    const grown = dilated({ ...size, data: mask }, radius);
    const shrunk = eroded({ ...size, data: mask }, radius);
    for (let i = 0; i < 108; i++) {
      expect(grown[i]).toBe(within(i, radius).some((k) => mask[k] === 1) ? 1 : 0);
      expect(shrunk[i]).toBe(within(i, radius).every((k) => mask[k] === 1) ? 1 : 0);
    }
  });

  it('closes a slit and fills a hole, keeps a plain shape', () => {
    const at = (inside: (x: number, y: number) => boolean): Uint8Array =>
      Uint8Array.from({ length: 108 }, (_, i) => (inside(i % 12, Math.floor(i / 12)) ? 1 : 0));
    const plain = at((x, y) => x >= 2 && x < 10 && y >= 2 && y < 8);
    const slit = at((x, y) => x >= 2 && x < 10 && y >= 2 && y < 8 && x !== 5);
    const hole = at((x, y) => x >= 2 && x < 10 && y >= 2 && y < 8 && !(x > 3 && x < 8 && y > 3 && y < 6));
    expect(closed({ ...size, data: slit }, 1)).toEqual(plain);
    expect(closed({ ...size, data: plain }, 3)).toEqual(plain);
    expect(filled({ ...size, data: hole })).toEqual(plain);
    expect(filled({ ...size, data: slit })).toEqual(slit);
  });
});
