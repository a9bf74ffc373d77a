import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { shapesOf } from '../../cli/views/fact-shapes.js';
import { overlay } from '../../cli/views/overlay.js';
import type { Score, Scores, Verdict } from '../../selection/types.js';

const ok = (facts: Record<string, unknown>): Score => ({ status: 'ok', raw: 1, quality: 90, scorer: 'x@1.0.0', facts });
const BOX = { left: 40, top: 30, width: 100, height: 80 };
const passed: Verdict = { pass: true, band: 'accept', failed: [] };
const failed: Verdict = {
  pass: false,
  band: 'reject',
  failed: [{ gate: 'faces.count', tier: 'useCase', reason: 'There are two people in a picture that is to show one' }],
};

async function raw(png: Buffer) {
  const { data, info } = await sharp(png).raw().toBuffer({ resolveWithObject: true });
  const at = (x: number, y: number): number[] => [
    ...data.subarray((y * info.width + x) * info.channels).subarray(0, 3),
  ];
  return { ...info, at };
}
const grey = (width: number, height: number) =>
  sharp({ create: { width, height, channels: 3, background: '#808080' } });
const isGrey = (pixel: number[]): boolean => pixel.every((value) => value === 128);

describe('shapes in facts', () => {
  it('are boxes, points and polygons, wherever they lie', () => {
    const shapes = shapesOf({
      'faces.count': ok({ boxes: [{ ...BOX, label: 'face', score: 0.913 }] }),
      'eyes.open': ok({ points: { leftEye: [60, 50], rightEye: [90, 50] }, eyes: [{ points: [[1, 2]] }] }),
      'text.chars': ok({
        lines: [
          {
            text: 'SALE',
            polygons: [
              [
                [0, 0],
                [9, 0],
                [9, 5],
              ],
            ],
          },
        ],
      }),
      'noise.sigma': ok({ tiles: 16, left: 3 }),
    });
    expect(shapes).toEqual([
      { dimension: 'faces.count', shapes: [{ kind: 'box', ...BOX, label: 'face 0.91' }] },
      {
        dimension: 'eyes.open',
        shapes: [
          {
            kind: 'points',
            points: [
              [60, 50],
              [90, 50],
            ],
            label: 'eyes',
          },
          { kind: 'points', points: [[1, 2]], label: 'eyes' },
        ],
      },
      {
        dimension: 'text.chars',
        shapes: [
          {
            kind: 'polygon',
            points: [
              [0, 0],
              [9, 0],
              [9, 5],
            ],
            label: 'text',
          },
        ],
      },
    ]);
  });

  it('are drawn once where dimensions share them', () => {
    const scores: Scores = { 'faces.count': ok({ box: BOX }), 'faceSize.share': ok({ box: BOX }) };
    expect(shapesOf(scores).map(({ dimension }) => dimension)).toEqual(['faces.count']);
  });
});

describe('the overlay', () => {
  it('draws on the picture, where the facts say, and leaves the rest as it is', async () => {
    const bytes = await grey(300, 200).png().toBuffer();
    const { at, width, height } = await raw(
      await overlay({ bytes, scores: { 'faces.count': ok({ box: BOX }) }, verdict: passed }),
    );
    expect(width).toBe(300);
    expect(height).toBeGreaterThan(200);
    expect(isGrey(at(40, 70))).toBe(false);
    expect(isGrey(at(140, 110))).toBe(false);
    expect(isGrey(at(250, 20))).toBe(true);
    expect(isGrey(at(100, 80))).toBe(true);
  });

  it('shows what failed in red, and says why below', async () => {
    const bytes = await grey(600, 400).png().toBuffer();
    const scores: Scores = { 'faces.count': ok({ box: BOX }) };
    const [good, bad] = await Promise.all(
      [passed, failed].map(async (verdict) => raw(await overlay({ bytes, scores, verdict }))),
    );
    const [red, green, blue] = bad!.at(40, 70);
    expect(red).toBeGreaterThan(200);
    expect(Math.max(green!, blue!)).toBeLessThan(120);
    expect(good!.at(40, 70)).not.toEqual(bad!.at(40, 70));
    // the band is on its colour, and there is ink on white under it
    const ink = (of: typeof good): number => {
      let count = 0;
      for (let y = 400; y < of!.height; y++)
        for (let x = 0; x < of!.width; x++) if (of!.at(x, y).every((v) => v < 100)) count++;
      return count;
    };
    expect(ink(bad)).toBeGreaterThan(ink(good) + 100);
  });

  it('follows orientation tags and scales large pictures down', async () => {
    const bytes = await grey(3000, 2000).withMetadata({ orientation: 6 }).jpeg().toBuffer();
    const { width, height, at } = await raw(
      await overlay({
        bytes,
        scores: { 'a.b': ok({ box: { left: 0, top: 1500, width: 1000, height: 1000 } }) },
        verdict: passed,
      }),
    );
    expect(width).toBe(853);
    expect(height).toBeGreaterThan(1280);
    expect(isGrey(at(426, 800))).toBe(false);
    expect(isGrey(at(426, 300))).toBe(true);
  });
});
