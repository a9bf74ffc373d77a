/** The logo and the background's colour against pictures whose answer is known. */
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { backgroundColour } from '../../scorers/business/backgroundColour.js';
import { logo } from '../../scorers/business/logo.js';
import { deltaE2000, labOf } from '../../scorers/image/colour.js';
import { correlate, edgesOf, patternOf, resized, turned } from '../../scorers/image/correlation.js';
import { tonesOf } from '../../scorers/image/opponents.js';
import { ARROW, GRID, logoFile, svg } from './marks.js';
import { assess, disc, draw, frameOf, rawOf } from './synthetic.js';

/** A scene of 800 x 600 with a mug-like disc on the left, and something pasted. */
async function scene({
  body = ARROW,
  size = 120,
  turn = 0,
  light = 1,
  at = [480, 160],
}: { body?: string; size?: number; turn?: number; light?: number; at?: [number, number] } = {}): Promise<Buffer> {
  const base = draw(800, 600, (x, y) =>
    Math.hypot(x - 220, y - 320) < 150 ? [120, 40, 50] : [214 + 10 * Math.sin(x / 90), 216, 220 - y / 60],
  );
  const pasted = await sharp(await sharp(svg(body)).resize(size, size).png().toBuffer())
    .modulate({ brightness: light })
    .rotate(turn, { background: '#00000000' })
    .png()
    .toBuffer();
  const { width, height } = await sharp(pasted).metadata();
  const [left, top] = [at[0] - Math.round((width - size) / 2), at[1] - Math.round((height - size) / 2)];
  return sharp(base.rgb, { raw: { width: 800, height: 600, channels: 3 } })
    .composite([{ input: pasted, left, top }])
    .png()
    .toBuffer();
}

describe('logo', () => {
  const cases = {
    small: { size: 60 },
    middle: { size: 120 },
    large: { size: 260, at: [440, 120] as [number, number] },
    'turned by 5 degrees': { turn: 5 },
    'turned back by 4 degrees': { turn: -4 },
    darker: { light: 0.6 },
    lighter: { light: 1.3 },
  };
  it.each(Object.entries(cases))('is found where it is: %s', async (_name, how) => {
    const found = await assess(logo, await frameOf(await scene(how)), {
      named: { logo: await frameOf(await logoFile()) },
    });
    const { size = 120, at = [480, 160] } = how as { size?: number; at?: [number, number] };
    const score = found['logo.background'];
    if (score?.status !== 'ok') throw new Error('not measured');
    expect(score.raw).toBeGreaterThan(0.7);
    const { box } = score.facts as { box: { left: number; top: number; width: number; height: number } };
    expect(Math.abs(box.left + box.width / 2 - at[0] - size / 2)).toBeLessThan(0.12 * size);
    expect(Math.abs(box.top + box.height / 2 - at[1] - size / 2)).toBeLessThan(0.12 * size);
    expect(Math.abs(box.width / size - 1)).toBeLessThan(0.25);
  });

  it('is not seen where it is not, nor in another logo', async () => {
    const named = { logo: await frameOf(await logoFile()) };
    const other = await rawOf(logo, 'logo.score', await frameOf(await scene({ body: GRID })), { named });
    const none = await rawOf(logo, 'logo.score', disc(), { named });
    expect(other).toBeLessThan(0.6);
    expect(none).toBeLessThan(0.6);
  });

  it('is on the subject or beside it', async () => {
    const named = { logo: await frameOf(await logoFile()) };
    const on = await assess(logo, await frameOf(await scene({ at: [170, 270], size: 100, light: 1.5 })), { named });
    const beside = await assess(logo, await frameOf(await scene()), { named });
    const raw = (scores: typeof on, id: string): number => {
      const score = scores[id];
      if (score?.status !== 'ok') throw new Error(`${id} is ${JSON.stringify(score)}`);
      return score.raw;
    };
    expect(raw(on, 'logo.onSubject')).toBeGreaterThan(raw(on, 'logo.background') + 0.1);
    expect(raw(beside, 'logo.background')).toBeGreaterThan(raw(beside, 'logo.onSubject') + 0.1);
    expect(raw(on, 'logo.score')).toBe(raw(on, 'logo.onSubject'));
  });

  it('reads the same through JPEG and WebP', async () => {
    const named = { logo: await frameOf(await logoFile()) };
    const bytes = await scene();
    const plain = await rawOf(logo, 'logo.score', await frameOf(bytes), { named });
    for (const again of [await sharp(bytes).jpeg({ quality: 85 }).toBuffer(), await sharp(bytes).webp().toBuffer()])
      expect(Math.abs((await rawOf(logo, 'logo.score', await frameOf(again), { named })) - plain)).toBeLessThan(0.05);
  });

  it('needs a logo that stands out from its background', async () => {
    const frame = await frameOf(disc());
    const blank = await frameOf(draw(80, 80, () => [255, 255, 255]));
    for (const ask of [{}, { named: { logo: blank } }])
      expect((await assess(logo, frame, ask))['logo.score']).toMatchObject({
        status: 'unassessable',
        reason: 'no-reference',
      });
  });
});

describe('correlation', () => {
  const picture = { width: 30, height: 20, data: Float32Array.from({ length: 600 }, (_, i) => (i * 7919) % 251) };
  const part = { width: 7, height: 5, data: new Float32Array(35) };
  for (let y = 0; y < 5; y++) for (let x = 0; x < 7; x++) part.data[y * 7 + x] = picture.data[(y + 9) * 30 + x + 12]!;

  it('is 1 where a part comes from, also in other light, and -1 for its negative', () => {
    const at = 9 * 24 + 12;
    expect(correlate(picture, patternOf(part)!).data[at]).toBeCloseTo(1, 5);
    const light = { ...part, data: part.data.map((v) => 40 + 0.3 * v) };
    expect(correlate(picture, patternOf(light)!).data[at]).toBeCloseTo(1, 5);
    const negative = { ...part, data: part.data.map((v) => 255 - v) };
    expect(correlate(picture, patternOf(negative)!).data[at]).toBeCloseTo(-1, 5);
    expect(correlate({ ...picture, data: new Float32Array(600).fill(9) }, patternOf(part)!).data[at]).toBe(0);
  });

  it('reads only what a mask leaves', () => {
    const mask = { ...part, data: Float32Array.from({ length: 35 }, (_, i) => (i % 7 < 4 ? 1 : 0)) };
    const torn = { ...part, data: part.data.map((v, i) => (i % 7 < 4 ? v : 0)) };
    expect(correlate(picture, patternOf(torn, mask)!).data[9 * 24 + 12]).toBeCloseTo(1, 5);
    expect(correlate(picture, patternOf(torn)!).data[9 * 24 + 12]).toBeLessThan(0.9);
  });

  it('has no pattern where everything is one tone', () => {
    expect(patternOf({ width: 4, height: 4, data: new Float32Array(16).fill(7) })).toBeUndefined();
  });

  it('knows edges by direction, not by which side is light', () => {
    const step = (from: number, to: number, upright: boolean) => ({
      width: 9,
      height: 9,
      data: Float32Array.from({ length: 81 }, (_, i) => ((upright ? i % 9 : Math.floor(i / 9)) < 4 ? from : to)),
    });
    const [light, dark, level] = [
      edgesOf(step(0, 200, true)),
      edgesOf(step(200, 0, true)),
      edgesOf(step(0, 200, false)),
    ];
    expect(dark.cos).toEqual(light.cos);
    expect(light.cos[4 * 9 + 4]).toBeCloseTo(200 / 216, 4);
    expect(level.cos[4 * 9 + 4]).toBeCloseTo(-200 / 216, 4);
  });

  it('knows edges between colours of one brightness', () => {
    // 100 * 0.299 = 50.94 * 0.587: red against green, both of one grey
    const [grey, redGreen, yellowBlue] = tonesOf(draw(9, 9, (x) => (x < 4 ? [100, 0, 0] : [0, 51, 0])));
    expect(Math.abs(edgesOf(grey).cos[4 * 9 + 4]!)).toBeLessThan(0.01);
    expect(edgesOf(grey, redGreen, yellowBlue).cos[4 * 9 + 4]).toBeGreaterThan(0.8);
  });

  it('looks only where it is worth it', () => {
    const whole = correlate(picture, patternOf(part)!);
    const some = correlate(picture, patternOf(part)!, (i) => i % 2 === 0);
    expect([...some.data]).toEqual(Array.from(whole.data, (v, i) => (i % 2 === 0 ? v : 0)));
  });

  it('resizes by means, and turns clockwise', () => {
    const halves = resized(
      { width: 4, height: 2, data: Float32Array.of(0, 2, 4, 6, 8, 10, 12, 14) },
      { width: 2, height: 1 },
    );
    expect([...halves.data]).toEqual([5, 9]);
    const dot = { width: 5, height: 5, data: Float32Array.from({ length: 25 }, (_, i) => (i === 2 ? 100 : 0)) };
    expect(turned(dot, 90).data[2 * 5 + 4]).toBeCloseTo(100, 3);
  });
});

describe('backgroundColour', () => {
  const background = [200, 210, 190] as const;
  const picture = disc({ background, colour: [120, 40, 50] });

  it('is the colour difference to what is wanted, by name or by number, request before policy', async () => {
    const to = (rgb: readonly [number, number, number]): number => deltaE2000(labOf(...background), labOf(...rgb));
    const asks = [
      [{ params: { colour: '#c8d2be' } }, 0],
      [{ params: { colour: 'white' } }, to([255, 255, 255])],
      [{ params: { colour: '#F0F0F0' } }, to([240, 240, 240])],
      [{ params: { colour: 'white' }, expect: { backgroundColour: 'black' } }, to([0, 0, 0])],
    ] as const;
    for (const [ask, expected] of asks)
      expect(
        Math.abs((await rawOf(backgroundColour, 'backgroundColour.distance', picture, ask)) - expected),
      ).toBeLessThan(0.3);
  });

  it('says how much of the background has that colour', async () => {
    const half = draw(300, 300, (x, y) =>
      Math.hypot(x - 150, y - 150) < 60 ? [120, 40, 50] : y % 20 < 8 ? [150, 160, 140] : background,
    );
    const share = await rawOf(backgroundColour, 'backgroundColour.share', half, { params: { colour: 'white' } });
    expect(share).toBeGreaterThan(0.5);
    expect(share).toBeLessThan(0.7);
    expect(
      await rawOf(backgroundColour, 'backgroundColour.share', picture, { params: { colour: 'white' } }),
    ).toBeCloseTo(1, 2);
  });

  it('cannot tell without a colour', async () => {
    for (const params of [{}, { colour: 'puce' }, { colour: 7 }])
      expect(
        (await assess(backgroundColour, await frameOf(picture), { params }))['backgroundColour.distance'],
      ).toMatchObject({
        status: 'unassessable',
        reason: 'not-applicable',
      });
  });
});
