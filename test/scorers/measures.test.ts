/** Each scorer against cases whose answer is known in closed form. */
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { composition } from '../../scorers/generic/composition.js';
import { compression } from '../../scorers/generic/compression.js';
import { exposure } from '../../scorers/generic/exposure.js';
import { noise } from '../../scorers/generic/noise.js';
import { resolution } from '../../scorers/generic/resolution.js';
import { sharpness } from '../../scorers/generic/sharpness.js';
import { labOf, deltaE2000 } from '../../scorers/image/colour.js';
import { background } from '../../scorers/useCase/background.js';
import { assess, disc, draw, frameOf, jpeg, noisy, rawOf, toLight, toSrgb } from './synthetic.js';

const grey = (level: number, side = 256) => draw(side, side, () => [level, level, level]);

describe('resolution', () => {
  it('reads the size of the upright picture', async () => {
    const scores = await assess(resolution, await frameOf(draw(300, 100, () => [9, 9, 9])));
    expect(scores).toMatchObject({
      'resolution.longSide': { raw: 300 },
      'resolution.megapixels': { raw: 0.03 },
      'resolution.aspect': { raw: 3 },
    });
  });
});

describe('sharpness.edgeBlur', () => {
  it.each([1, 1.5, 2, 3, 4])('reads the sigma %d of a blurred outline', async (sigma) => {
    const read = await rawOf(sharpness, 'sharpness.edgeBlur', disc({ sigma }));
    expect(Math.abs(read - sigma)).toBeLessThan(0.06 * sigma + 0.03);
  });

  it('reads 1.5 through noise of sigma 6', async () => {
    const read = await rawOf(sharpness, 'sharpness.edgeBlur', noisy(disc({ sigma: 1.5 }), 6));
    expect(Math.abs(read - 1.5)).toBeLessThan(0.2);
  });

  it('counts pixels at long side 512, whatever the size', async () => {
    const read = await rawOf(sharpness, 'sharpness.edgeBlur', disc({ side: 1024, sigma: 4 }));
    expect(Math.abs(read - 2)).toBeLessThan(0.2);
  });

  it('cannot tell without edges', async () => {
    const scores = await assess(sharpness, await frameOf(grey(128)));
    expect(scores['sharpness.edgeBlur']).toMatchObject({ status: 'unassessable' });
  });
});

describe('sharpness.tileP90', () => {
  it('falls with every step of blur', async () => {
    const reads: number[] = [];
    for (const sigma of [0.5, 1, 2, 3, 4]) reads.push(await rawOf(sharpness, 'sharpness.tileP90', disc({ sigma })));
    expect(reads).toEqual([...reads].sort((a, b) => b - a));
    expect(new Set(reads).size).toBe(reads.length);
  });

  it('does not take noise for sharpness', async () => {
    const texture = draw(512, 512, (x, y) => {
      const v = x < 256 ? 128 + 40 * Math.sin(x) * Math.sin(y) : 128;
      return [v, v, v];
    });
    const clean = await rawOf(sharpness, 'sharpness.tileP90', texture);
    const grainy = await rawOf(sharpness, 'sharpness.tileP90', noisy(texture, 4));
    expect(Math.abs(grainy - clean)).toBeLessThan(0.25 * clean);
  });
});

describe('noise.sigma', () => {
  it.each([2, 4, 8, 16, 30])('reads sigma %d', async (sigma) => {
    const read = await rawOf(noise, 'noise.sigma', noisy(grey(128, 512), sigma));
    expect(Math.abs(read - sigma)).toBeLessThan(0.08 * sigma + 0.2);
  });

  it('reads the noise on the subject where white cuts it off', async () => {
    const read = await rawOf(noise, 'noise.sigma', noisy(disc(), 10));
    expect(Math.abs(read - 10)).toBeLessThan(1);
  });

  it('cannot tell where everything is clipped', async () => {
    const scores = await assess(noise, await frameOf(grey(255)));
    expect(scores['noise.sigma']).toEqual({ status: 'unassessable', reason: 'clipped' });
  });
});

describe('compression', () => {
  /** A ramp over the width in stairs of `step` levels. */
  const ramp = (step: number) =>
    draw(256, 256, (x) => {
      const level = step * Math.floor((60 + x / 4) / step);
      return [level, level, level];
    });

  it('sees bands of 4 levels, none in an 8-bit ramp, under noise, or at an edge', async () => {
    expect(await rawOf(compression, 'compression.banding', ramp(4))).toBeGreaterThan(0.45);
    expect(await rawOf(compression, 'compression.banding', ramp(1))).toBe(0);
    expect(await rawOf(compression, 'compression.banding', noisy(ramp(4), 3))).toBeLessThan(0.01);
    expect(await rawOf(compression, 'compression.banding', disc())).toBeLessThan(0.01);
  });

  it.each([10, 20, 28, 30, 32, 40, 55])('finds the quantiser of JPEG quality %d after a PNG', async (quality) => {
    const picture = draw(256, 256, (x, y) => {
      const v = 120 + 50 * Math.sin(x / 5) * Math.cos(y / 7) + (x > 128 ? 20 : 0);
      return [v, v + 10, v - 15];
    });
    const stored = await sharp(await jpeg(picture, quality))
      .png()
      .toBuffer();
    const step = quality < 50 ? 50 / quality : (200 - 2 * quality) / 100;
    expect(await rawOf(compression, 'compression.quantiser', await frameOf(stored))).toBeCloseTo(step, 2);
  });

  it('finds none where there was none, noisy or not', async () => {
    expect(await rawOf(compression, 'compression.quantiser', disc())).toBe(0);
    expect(await rawOf(compression, 'compression.quantiser', noisy(grey(128), 8))).toBe(0);
  });

  it('sees blocks rise as quality falls', async () => {
    const picture = draw(256, 256, (x, y) => {
      const v = 128 + 50 * Math.sin(x / 9) * Math.cos(y / 11);
      return [v, v, v];
    });
    const reads: number[] = [];
    for (const quality of [90, 30, 8])
      reads.push(await rawOf(compression, 'compression.blockiness', await frameOf(await jpeg(picture, quality))));
    expect(reads).toEqual([...reads].sort((a, b) => a - b));
    expect(await rawOf(compression, 'compression.blockiness', picture)).toBeCloseTo(1, 1);
  });
});

describe('exposure', () => {
  const shot = (stops: number) => {
    const gain = 2 ** stops;
    const scale = (v: number): number => toSrgb(Math.min(1, toLight(v) * gain));
    return disc({ colour: [scale(180), scale(120), scale(90)], background: [scale(255), scale(255), scale(255)] });
  };

  it('reads the tones of the subject, not of its background', async () => {
    const scores = await assess(exposure, await frameOf(disc({ colour: [128, 128, 128] })));
    expect(scores['exposure.clippedShare']).toMatchObject({ raw: 0 });
    expect(scores['exposure.midTone']).toMatchObject({ status: 'ok' });
    expect(
      Math.abs((await rawOf(exposure, 'exposure.midTone', disc({ colour: [128, 128, 128] }))) - toLight(128)),
    ).toBeLessThan(0.003);
  });

  it('clips the subject when it is lifted far enough', async () => {
    expect(await rawOf(exposure, 'exposure.clippedShare', shot(0.5))).toBeLessThan(0.02);
    expect(await rawOf(exposure, 'exposure.clippedShare', shot(1.3))).toBeGreaterThan(0.9);
  });

  it.each([0, -0.5, -1, -2])('reads %d stops from a white background', async (stops) => {
    expect(await rawOf(background, 'background.stopsBelowWhite', shot(stops))).toBeCloseTo(-stops, 1);
  });

  it('knows an empty and a black picture', async () => {
    expect(await rawOf(exposure, 'exposure.dynamicRange', grey(90))).toBe(0);
    expect(await rawOf(exposure, 'exposure.blackShare', grey(0))).toBe(1);
  });

  it('does not judge the tones of a subject that is not there', async () => {
    const scores = await assess(exposure, await frameOf(grey(255)));
    expect(scores['exposure.clippedShare']).toEqual({ status: 'unassessable', reason: 'no-subject' });
  });
});

describe('composition', () => {
  it('reads area and centre of a disc', async () => {
    const picture = disc({ side: 512, radius: 100, x: 306, y: 256 });
    expect(await rawOf(composition, 'composition.subjectArea', picture)).toBeCloseTo((Math.PI * 1e4) / 512 ** 2, 2);
    expect(await rawOf(composition, 'composition.centre', picture)).toBeCloseTo(50 / Math.hypot(512, 512), 2);
    expect(await rawOf(composition, 'composition.edgeCut', picture)).toBe(0);
  });

  it('sees that the frame cuts the subject', async () => {
    expect(await rawOf(composition, 'composition.edgeCut', disc({ radius: 100, x: 90 }))).toBeGreaterThan(0.05);
  });

  it('says 0 area, and cannot tell the rest, where there is no subject', async () => {
    const scores = await assess(composition, await frameOf(grey(255)));
    expect(scores).toMatchObject({
      'composition.subjectArea': { status: 'ok', raw: 0, quality: 0 },
      'composition.centre': { status: 'unassessable', reason: 'no-subject' },
      'composition.edgeCut': { status: 'unassessable', reason: 'no-subject' },
    });
  });
});

describe('background', () => {
  const cast = [255, 244, 226] as const;
  const stained = (level: number) => {
    const base = disc({ radius: 90 });
    return {
      ...base,
      rgb: base.rgb.map((v, i) => {
        const x = Math.floor(i / 3) % 512;
        const y = Math.floor(i / 3 / 512);
        return Math.hypot(x - 70, y - 70) < 55 || Math.hypot(x - 430, y - 90) < 45 ? level : v;
      }),
    };
  };
  const lettered = (height: number) => {
    const base = disc({ radius: 90 });
    const rgb = base.rgb.slice();
    // three bars like the letters of "III"
    for (const left of [200, 220, 240])
      for (let y = 20; y < 20 + height; y++)
        for (let x = left; x < left + 4; x++) rgb.fill(40, 3 * (y * 512 + x), 3 * (y * 512 + x) + 3);
    return { ...base, rgb };
  };

  it('reads a cast as the difference from white', async () => {
    const expected = deltaE2000(labOf(255, 255, 255), labOf(...cast));
    expect(await rawOf(background, 'background.tint', disc({ background: cast }))).toBeCloseTo(expected, 1);
    expect(await rawOf(background, 'background.tint', disc())).toBeCloseTo(0, 3);
  });

  it('reads a cast through noise that white cuts off', async () => {
    const expected = deltaE2000(labOf(255, 255, 255), labOf(...cast));
    const read = await rawOf(background, 'background.tint', noisy(disc({ background: cast }), 12));
    expect(Math.abs(read - expected)).toBeLessThan(0.6);
  });

  it.each([250, 243, 235, 220])('reads stains of level %d', async (level) => {
    const expected = deltaE2000(labOf(255, 255, 255), labOf(level, level, level));
    expect(Math.abs((await rawOf(background, 'background.dirt', stained(level))) - expected)).toBeLessThan(0.3);
  });

  it('does not take grain on white for dirt', async () => {
    expect(await rawOf(background, 'background.dirt', noisy(disc(), 7))).toBeLessThan(2);
  });

  it.each([8, 15, 40])('reads the height of marks of %d px', async (height) => {
    const read = await rawOf(background, 'background.markHeight', lettered(height));
    expect(Math.abs(read * 512 - height)).toBeLessThanOrEqual(1);
  });

  it('has nothing to say against a clean white one', async () => {
    const scores = await assess(background, await frameOf(disc()));
    expect(scores).toMatchObject({
      'background.dirt': { raw: 0 },
      'background.markHeight': { raw: 0 },
      'background.stopsBelowWhite': { raw: 0 },
    });
    expect(await rawOf(background, 'background.whiteShare', disc())).toBeGreaterThan(0.97);
  });
});
