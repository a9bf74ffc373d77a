/** Pictures broken in a known way, and whole ones that could be taken for broken. */
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { artifacts } from '../../scorers/generic/artifacts.js';
import type { Picture } from '../../scorers/frame.js';
import { assess, disc, draw, frameOf, noisy, normals, rawOf } from './synthetic.js';

/** Soft blobs of seeded size, place and colour: large and small things, nothing that repeats. */
function scene(width: number, height: number, seed = 7): Picture {
  const next = normals(seed);
  const blobs = Array.from({ length: 60 }, (_, k) => ({
    x: width * (0.5 + 0.35 * next()),
    y: height * (0.5 + 0.35 * next()),
    r: k % 3 === 0 ? 30 + 20 * Math.abs(next()) : 3 + 4 * Math.abs(next()),
    colour: [60 * next(), 60 * next(), 60 * next()],
  }));
  return draw(width, height, (x, y) => {
    const level = [120, 120, 120];
    for (const blob of blobs) {
      const weight = Math.exp(-((x - blob.x) ** 2 + (y - blob.y) ** 2) / (2 * blob.r ** 2));
      for (let c = 0; c < 3; c++) level[c] = level[c]! + weight * blob.colour[c]!;
    }
    return level as [number, number, number];
  });
}

/** What a decoder makes of noise: each of the latent's cells becomes 8 x 8 smooth pixels. */
async function undenoised(side: number, seed = 3): Promise<Picture> {
  const next = normals(seed);
  const cells = side / 8;
  const latent = draw(cells, cells, () => [128 + 50 * next(), 128 + 50 * next(), 128 + 50 * next()]);
  const rgb = await sharp(latent.rgb, { raw: { width: cells, height: cells, channels: 3 } })
    .resize(side, side, { kernel: 'cubic' })
    .raw()
    .toBuffer();
  return { width: side, height: side, rgb };
}

const read = (dimension: string, picture: Picture) => rawOf(artifacts, `artifacts.${dimension}`, picture);

describe('artifacts.blank', () => {
  it('is the share of the commonest tone', async () => {
    const striped = (share: number) =>
      draw(200, 200, (x) => (x < 200 * share ? [90, 90, 90] : [160 + (x % 40), 160 + (x % 40), 160 + (x % 40)]));
    expect(await read('blank', striped(0.75))).toBeCloseTo(0.75, 2);
    expect(
      await read(
        'blank',
        draw(128, 128, () => [3, 140, 9]),
      ),
    ).toBe(1);
  });

  it('is clearly below 1 for a small product on white', async () => {
    expect(await read('blank', disc({ radius: 30 }))).toBeLessThan(0.993);
  });
});

describe('artifacts.frozenNoise', () => {
  it('of white noise is 1 less one part in the pixels of a cell', async () => {
    expect(
      await read(
        'frozenNoise',
        noisy(
          draw(480, 480, () => [128, 128, 128]),
          30,
        ),
      ),
    ).toBeGreaterThan(0.995);
  });

  it.each([512, 1024])('knows an undenoised latent at %d px', async (side) => {
    expect(await read('frozenNoise', await undenoised(side))).toBeGreaterThan(0.9);
  });

  it('is the share of the noise where noise lies on things', async () => {
    // a step from 90 to 150 has variance 900, all of it between cells; grey noise of sigma 30 has 900 more
    const next = normals(5);
    const half = draw(480, 480, (x) => {
      const level = (x < 240 ? 90 : 150) + 30 * next();
      return [level, level, level];
    });
    expect(await read('frozenNoise', half)).toBeCloseTo(0.5, 1);
  });

  it('is low for things, grainy or not, and cannot tell on a plain', async () => {
    expect(await read('frozenNoise', noisy(scene(480, 480), 12))).toBeLessThan(0.6);
    const plain = await assess(
      artifacts,
      await frameOf(
        noisy(
          draw(256, 256, () => [128, 128, 128]),
          3,
        ),
      ),
    );
    expect(plain['artifacts.frozenNoise']).toEqual({ status: 'unassessable', reason: 'not-applicable' });
  });
});

describe('artifacts.tiledRepeat', () => {
  const tiled = (times: number, axis: 'x' | 'y') => {
    const side = 512;
    const part = Math.ceil(side / times);
    const tile = axis === 'x' ? scene(part, side) : scene(side, part);
    return draw(side, side, (x, y) => {
      const at = 3 * ((y % tile.height) * tile.width + (x % tile.width));
      return [tile.rgb[at]!, tile.rgb[at + 1]!, tile.rgb[at + 2]!];
    });
  };

  it.each([
    [2, 'x'],
    [3, 'x'],
    [4, 'y'],
  ] as const)('finds %d copies along %s and their period', async (times, axis) => {
    const found = (await assess(artifacts, await frameOf(tiled(times, axis))))['artifacts.tiledRepeat'];
    expect(found).toMatchObject({ status: 'ok', facts: { axis: axis === 'x' ? 'horizontal' : 'vertical' } });
    if (found?.status !== 'ok') return;
    expect(found.raw).toBeGreaterThan(0.93);
    const periods = ((found.facts?.['period'] as number) * times) / 512;
    expect(Math.abs(periods - Math.round(periods))).toBeLessThan(0.02);
  });

  it('finds none in one scene, and cannot tell on a plain', async () => {
    expect(await read('tiledRepeat', scene(512, 512))).toBeLessThan(0.75);
    const plain = await assess(artifacts, await frameOf(draw(128, 128, () => [7, 7, 7])));
    expect(plain['artifacts.tiledRepeat']).toMatchObject({ status: 'unassessable' });
  });
});

describe('artifacts.seams', () => {
  const withSeam = (share: number, levels: number) => {
    const base = scene(600, 480);
    return draw(600, 480, (x, y) => {
      const at = 3 * (y * 600 + x);
      const lift = x >= 480 && y < share * 480 ? levels : 0;
      return [base.rgb[at]! + lift, base.rgb[at + 1]! + lift, base.rgb[at + 2]! + lift];
    });
  };

  it.each([0.3, 0.6, 1])('reads the length of a seam over %d of the height', async (share) => {
    const found = (await assess(artifacts, await frameOf(withSeam(share, 12))))['artifacts.seams'];
    expect(found).toMatchObject({ status: 'ok', facts: { axis: 'vertical' } });
    if (found?.status !== 'ok') return;
    expect(Math.abs(found.raw - share)).toBeLessThan(0.08);
    expect(Math.abs((found.facts?.['at'] as number) - 480)).toBeLessThanOrEqual(3);
  });

  it('reads hardly any in a scene without', async () => {
    expect(await read('seams', scene(600, 480))).toBeLessThan(0.1);
    expect(await read('seams', disc())).toBeLessThan(0.2);
  });
});

describe('artifacts.halfGrey', () => {
  const cut = (share: number, side: 'bottom' | 'right') => {
    const whole = scene(320, 400);
    return draw(320, 400, (x, y) => {
      const isGone = side === 'bottom' ? y >= 400 * (1 - share) : x >= 320 * (1 - share);
      if (isGone) return [128, 128, 128];
      const at = 3 * (y * 320 + x);
      // not grey anywhere near the edge of the picture
      return [whole.rgb[at]! / 2, whole.rgb[at + 1]! / 2, whole.rgb[at + 2]! / 2];
    });
  };

  it.each([
    [0.25, 'bottom'],
    [0.5, 'bottom'],
    [0.5, 'right'],
  ] as const)('reads %d missing at the %s', async (share, side) => {
    const found = (await assess(artifacts, await frameOf(cut(share, side))))['artifacts.halfGrey'];
    expect(found).toMatchObject({ status: 'ok', facts: { side } });
    expect(found?.status === 'ok' && found.raw).toBeCloseTo(share, 2);
  });

  it('does not take a plain background for missing', async () => {
    expect(await read('halfGrey', disc({ radius: 90 }))).toBe(0);
    const box = draw(300, 300, (x, y) => (x > 60 && x < 240 && y > 120 && y < 260 ? [90, 60, 30] : [255, 255, 255]));
    expect(await read('halfGrey', box)).toBe(0);
  });

  it('cannot tell on one tone', async () => {
    const scores = await assess(artifacts, await frameOf(draw(128, 128, () => [40, 90, 40])));
    expect(scores['artifacts.halfGrey']).toEqual({ status: 'unassessable', reason: 'not-applicable' });
  });
});

it('says too-small of all five below 64 px', async () => {
  const scores = await assess(artifacts, await frameOf(draw(40, 40, (x) => [x, x, x])));
  expect(Object.keys(scores)).toEqual(Object.keys(artifacts.spec.dimensions));
  for (const score of Object.values(scores)) expect(score).toEqual({ status: 'unassessable', reason: 'too-small' });
});
