/** Contrast, colour cast, aspect, composition, tilt and the subject's own sharpness in closed form. */
import { describe, expect, it } from 'vitest';
import { colourCast } from '../../scorers/generic/colourCast.js';
import { composition } from '../../scorers/generic/composition.js';
import { contrast } from '../../scorers/generic/contrast.js';
import { resolution } from '../../scorers/generic/resolution.js';
import { sharpness } from '../../scorers/generic/sharpness.js';
import { nth, openedBySquare } from '../../scorers/image/filters.js';
import { labOf } from '../../scorers/image/colour.js';
import fc from 'fast-check';
import { assess, disc, draw, frameOf, rawOf } from './synthetic.js';

describe('contrast', () => {
  /** Equal parts of some levels. */
  const levels = (...list: number[]) =>
    draw(128, 128, (x) => {
      const v = list[Math.floor((x * list.length) / 128)]!;
      return [v, v, v];
    });

  it('RMS of two equal halves is half of their difference', async () => {
    expect(await rawOf(contrast, 'contrast.rms', levels(60, 160))).toBeCloseTo(50 / 255, 4);
    expect(await rawOf(contrast, 'contrast.rms', levels(90))).toBe(0);
  });

  it.each([
    [[90], 0],
    [[10, 200], 1],
    [[10, 60, 120, 200], 2],
    [[0, 30, 60, 90, 120, 150, 180, 210], 3],
  ] as const)('entropy of levels %j is %d bits', async (list, bits) => {
    expect(await rawOf(contrast, 'contrast.entropy', levels(...list))).toBeCloseTo(bits, 6);
  });

  it('entropy of unequal parts follows Shannon', async () => {
    const picture = draw(128, 128, (x) => (x < 96 ? [20, 20, 20] : [220, 220, 220]));
    expect(await rawOf(contrast, 'contrast.entropy', picture)).toBeCloseTo(
      -0.75 * Math.log2(0.75) - 0.25 * Math.log2(0.25),
      6,
    );
  });
});

describe('colourCast', () => {
  it.each([
    [200, 200, 200],
    [210, 200, 190],
    [180, 190, 205],
    [190, 200, 185],
  ] as const)('a grey of %d %d %d reads its own chroma', async (red, green, blue) => {
    const [, a, b] = labOf(red, green, blue);
    // a strong colour beside it is a colour, not a cast
    const picture = draw(128, 128, (x) => (x < 80 ? [red, green, blue] : [200, 20, 40]));
    const read = await rawOf(colourCast, 'colourCast.neutral', picture);
    expect(Math.abs(read - Math.hypot(a, b))).toBeLessThan(0.4);
  });

  it('grey world reads the mean of a* and b*', async () => {
    const [[, a1, b1], [, a2, b2]] = [labOf(180, 60, 60), labOf(60, 90, 170)];
    const picture = draw(128, 128, (x) => (x < 64 ? [180, 60, 60] : [60, 90, 170]));
    const read = await rawOf(colourCast, 'colourCast.greyWorld', picture);
    expect(Math.abs(read - Math.hypot((a1 + a2) / 2, (b1 + b2) / 2))).toBeLessThan(0.3);
  });

  it('cannot tell without neutrals, nor on black', async () => {
    const red = await assess(colourCast, await frameOf(draw(64, 64, () => [200, 20, 40])));
    expect(red['colourCast.neutral']).toMatchObject({ status: 'unassessable', reason: 'not-applicable' });
    const black = await assess(colourCast, await frameOf(draw(64, 64, () => [4, 4, 4])));
    expect(black['colourCast.greyWorld']).toMatchObject({ status: 'unassessable', reason: 'not-applicable' });
  });
});

describe('resolution.aspectError', () => {
  const read = async (width: number, height: number, ask: { expect?: Record<string, unknown>; aspect?: unknown }) => {
    const frame = await frameOf(draw(width, height, () => [9, 9, 9]));
    const params = ask.aspect === undefined ? {} : { aspect: ask.aspect };
    const scores = await resolution.assess(
      frame,
      { params, ...(ask.expect && { expect: ask.expect }) },
      new AbortController().signal,
    );
    return scores['resolution.aspectError'];
  };

  it.each([
    [200, 300, '2:3', 0],
    [200, 300, '1024x1536', 0],
    [300, 300, '2:3', 0.5],
    [200, 300, 1, 0.5],
    [320, 180, '16/9', 0],
  ])('%d x %d against %s is %d', async (width, height, aspect, error) => {
    const found = await read(width, height, { aspect });
    expect(found?.status === 'ok' && found.raw).toBeCloseTo(error, 6);
  });

  it('prefers what the request expects over the policy', async () => {
    const found = await read(200, 300, { aspect: '1:1', expect: { aspect: '2:3' } });
    expect(found?.status === 'ok' && found.raw).toBeCloseTo(0, 6);
  });

  it.each([undefined, 'wide', '0:3', -1, {}])('cannot tell for %j', async (aspect) => {
    expect(await read(200, 300, { aspect })).toMatchObject({ status: 'unassessable', reason: 'not-applicable' });
  });
});

describe('composition of a subject', () => {
  it('reads headroom and distance from the nearest crossing of thirds', async () => {
    const picture = disc({ side: 480, radius: 60, x: 160, y: 180 });
    expect(await rawOf(composition, 'composition.headroom', picture)).toBeCloseTo(120 / 480, 2);
    expect(await rawOf(composition, 'composition.thirds', picture)).toBeCloseTo(20 / Math.hypot(480, 480), 2);
    const middle = disc({ side: 480, radius: 60 });
    expect(await rawOf(composition, 'composition.thirds', middle)).toBeCloseTo(1 / 6, 2);
  });

  it('names the sides that cut it, and its box in pixels of the full size', async () => {
    const scores = await assess(composition, await frameOf(disc({ side: 1024, radius: 200, x: 120, y: 512 })));
    expect(scores['composition.edgeCut']).toMatchObject({ facts: { sides: ['left'] } });
    const area = scores['composition.subjectArea'];
    const box = area?.status === 'ok' ? (area.facts?.['box'] as Record<string, number>) : {};
    for (const [key, expected] of Object.entries({ left: 0, top: 312, width: 320, height: 400 }))
      expect(Math.abs(box[key]! - expected), key).toBeLessThanOrEqual(4);
  });

  it.each([-8, -3, -1, 0, 2, 5, 11])('reads a horizon tilted by %d degrees', async (degrees) => {
    const slope = Math.tan((degrees * Math.PI) / 180);
    const picture = draw(480, 480, (x, y) => {
      const depth = (y - 260 - slope * (x - 240)) / Math.hypot(1, slope);
      const share = Math.min(1, Math.max(0, depth + 0.5));
      return [200 - 120 * share, 210 - 130 * share, 230 - 170 * share];
    });
    const found = (await assess(composition, await frameOf(picture)))['composition.horizonTilt'];
    expect(found?.status).toBe('ok');
    if (found?.status !== 'ok') return;
    expect(Math.abs(found.raw - Math.abs(degrees))).toBeLessThan(0.6);
    if (degrees !== 0) expect(Math.sign(found.facts?.['degrees'] as number)).toBe(Math.sign(degrees));
  });

  it('has no tilt where there is no line', async () => {
    const scores = await assess(composition, await frameOf(disc()));
    expect(scores['composition.horizonTilt']).toMatchObject({ status: 'unassessable', reason: 'not-applicable' });
  });
});

describe('sharpness of the subject', () => {
  /** A blurred disc before a crisp chequered strip, and the other way round. */
  const scene = (sigma: number, strip: number) => {
    const base = disc({ side: 512, radius: 110, sigma, y: 300, colour: [90, 40, 40] });
    return draw(512, 512, (x, y) => {
      if (y > 60 && y < 120 && x > 40 && x < 472) {
        const v = 250 - strip * ((x >> 3) % 2);
        return [v, v, v];
      }
      const at = 3 * (y * 512 + x);
      return [base.rgb[at]!, base.rgb[at + 1]!, base.rgb[at + 2]!];
    });
  };

  it.each([1, 2, 3, 4])('reads its sigma %d beside a crisp background', async (sigma) => {
    const read = await rawOf(sharpness, 'sharpness.subjectEdgeBlur', scene(sigma, 22));
    expect(Math.abs(read - sigma)).toBeLessThan(0.08 * sigma + 0.05);
  });

  it('falls with the blur of the subject only', async () => {
    const reads: number[] = [];
    for (const sigma of [0.5, 1.5, 3]) reads.push(await rawOf(sharpness, 'sharpness.subjectTileP90', scene(sigma, 22)));
    expect(reads).toEqual([...reads].sort((a, b) => b - a));
  });

  it('is unassessable without a subject', async () => {
    const scores = await assess(sharpness, await frameOf(draw(128, 128, () => [128, 128, 128])));
    for (const id of ['sharpness.subjectTileP90', 'sharpness.subjectEdgeBlur'])
      expect(scores[id]).toEqual({ status: 'unassessable', reason: 'no-subject' });
  });
});

describe('filters', () => {
  it('nth is what sorting would give', () => {
    fc.assert(
      fc.property(fc.float32Array({ minLength: 1, maxLength: 60, noNaN: true }), fc.nat(), (values, seed) => {
        const k = seed % values.length;
        // toBe tells 0 from -0, sorting does too, comparing does not
        expect(nth(values.slice(), k) + 0).toBe(values.slice().sort()[k]! + 0);
      }),
    );
  });

  it('opening keeps what a square fits into and drops the rest', () => {
    const [width, height] = [12, 9];
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: width * height, maxLength: width * height, max: 1 }),
        fc.integer({ min: 1, max: 2 }),
        (mask, radius) => {
          const at = (x: number, y: number) => (x < 0 || y < 0 || x >= width || y >= height ? 1 : mask[y * width + x]!);
          const fits = (x: number, y: number): boolean => {
            for (let dy = -radius; dy <= radius; dy++)
              for (let dx = -radius; dx <= radius; dx++) if (at(x + dx, y + dy) === 0) return false;
            return true;
          };
          const expected = Array.from(mask, (_, i) => {
            const [x, y] = [i % width, Math.floor(i / width)];
            for (let cy = Math.max(0, y - radius); cy <= Math.min(height - 1, y + radius); cy++)
              for (let cx = Math.max(0, x - radius); cx <= Math.min(width - 1, x + radius); cx++)
                if (fits(cx, cy)) return 1;
            return 0;
          });
          const area = { left: 0, top: 0, right: width - 1, bottom: height - 1 };
          expect([...openedBySquare({ width, height, mask, area, radius })]).toEqual(expected);
        },
      ),
    );
  });
});
