import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { pixelValues, resizedFor, type ImageSpec } from '../../../scorers/clip/preprocess.js';
import type { Picture } from '../../../scorers/frame.js';

const MEAN = [0.48145466, 0.4578275, 0.40821073] as const;
const STD = [0.26862954, 0.26130258, 0.27577711] as const;
const clip = (size: number): ImageSpec => ({
  resize: { shortest: size },
  crop: { width: size, height: size },
  kernel: 'cubic',
  rescale: 1 / 255,
  mean: MEAN,
  std: STD,
});
const siglip = (size: number): ImageSpec => ({
  resize: { width: size, height: size },
  kernel: 'cubic',
  rescale: 1 / 255,
  mean: [0.5, 0.5, 0.5],
  std: [0.5, 0.5, 0.5],
});

interface Case {
  width: number;
  height: number;
  kind: 'clip' | 'siglip';
  size: number;
  rgb: string;
}
const { step, cases } = JSON.parse(
  readFileSync(new URL('../../fixtures/clip/pillow.json', import.meta.url), 'utf8'),
) as { step: number; cases: Case[] };

/** The picture of test/fixtures/clip/pillow.py. */
function picture(width: number, height: number): Picture {
  const rgb = new Uint8Array(width * height * 3);
  const whole = (a: number, b: number): number => Math.floor(a / b);
  for (let y = 0, p = 0; y < height; y++)
    for (let x = 0; x < width; x++, p += 3) {
      const [dx, dy] = [2 * x - width, 2 * y - height];
      const rings = (whole(dx * dx + dy * dy, width + height) * 2) % 512;
      const block = (whole(x * 12, width) + whole(y * 9, height)) % 2;
      const cell = whole(x, 5) * 7919 + whole(y, 5) * 104729;
      rgb[p] = rings < 256 ? rings : 511 - rings;
      rgb[p + 1] = (whole(x * 255, width) + 40 * block + whole(y * 100, height)) % 256;
      rgb[p + 2] = (whole(cell * cell, 61) + cell) % 256;
    }
  return { width, height, rgb };
}

const everyNth = ({ width, height, rgb }: Picture): number[] => {
  const kept: number[] = [];
  for (let y = 0; y < height; y += step)
    for (let x = 0; x < width; x += step) kept.push(...rgb.subarray((y * width + x) * 3, (y * width + x) * 3 + 3));
  return kept;
};

describe('the pixels that a tower sees', () => {
  it.each(cases)(
    '$width x $height for $kind $size is what Pillow makes of it',
    async ({ width, height, kind, size, rgb }) => {
      const found = everyNth(await resizedFor(picture(width, height), kind === 'clip' ? clip(size) : siglip(size)));
      const expected = [...Buffer.from(rgb, 'base64')];
      expect(found).toHaveLength(expected.length);
      const off = found.map((value, i) => Math.abs(value - expected[i]!));
      const mean = off.reduce((sum, value) => sum + value, 0) / off.length;
      console.log(`${width} x ${height} ${kind} ${size}: mean ${mean.toFixed(3)}, largest ${Math.max(...off)} of 255`);
      expect(mean).toBeLessThanOrEqual(0.5);
    },
  );

  it.each([
    [1, 1],
    [1, 3000],
    [4000, 2],
    [223, 225],
  ])('%i x %i fills the whole square', async (width, height) => {
    const grey = new Uint8Array(width * height * 3).fill(100);
    const found = await resizedFor({ width, height, rgb: grey }, clip(224));
    expect([found.width, found.height]).toEqual([224, 224]);
    expect(new Set(found.rgb)).toEqual(new Set([100]));
  });

  it('are black where the resized picture is smaller than the crop', async () => {
    const white = { width: 8, height: 8, rgb: new Uint8Array(192).fill(255) };
    const { rgb } = await resizedFor(white, { ...clip(4), crop: { width: 8, height: 6 } });
    const red = Array.from({ length: 48 }, (_, i) => rgb[3 * i]);
    const row = [0, 0, 255, 255, 255, 255, 0, 0];
    const none = Array<number>(8).fill(0);
    expect(red).toEqual([...none, ...row, ...row, ...row, ...row, ...none]);
  });

  it('become planes of red, green and blue, less the mean, over the deviation', async () => {
    const { data, dims } = await pixelValues(
      { width: 2, height: 1, rgb: Uint8Array.of(0, 51, 102, 153, 204, 255) },
      {
        ...siglip(2),
        resize: { width: 2, height: 1 },
        mean: [0.5, 0.25, 0],
        std: [0.5, 1, 2],
      },
    );
    expect(dims).toEqual([1, 3, 1, 2]);
    const expected = [-1, 0.2, -0.05, 0.55, 0.2, 0.5];
    expect([...data]).toHaveLength(6);
    for (const [i, value] of expected.entries()) expect(data[i]).toBeCloseTo(value, 6);
  });
});
