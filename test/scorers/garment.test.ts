/** The garment scorer against pictures whose answer is known in closed form. */
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import type { Frame, Picture } from '../../scorers/frame.js';
import { deltaE2000, labOf } from '../../scorers/image/colour.js';
import { regionOf } from '../../scorers/image/region.js';
import { shapeOverlap } from '../../scorers/image/shape.js';
import { textureDistance, textureOf } from '../../scorers/image/texture.js';
import { garment } from '../../scorers/useCase/garment.js';
import { assess, draw, frameOf, noisy, png, rawOf, toLight, toSrgb, type Paint } from './synthetic.js';

type Rgb = readonly [number, number, number];
const RED: Rgb = [160, 50, 60];
const BLUE: Rgb = [50, 70, 150];

/** A garment: cloth in the rectangle 120..360 x 140..460 of 480 x 512, another scene around it. */
const [LEFT, TOP, WIDTH, HEIGHT] = [120, 140, 240, 320];
const inside = (x: number, y: number): boolean => x >= LEFT && x < LEFT + WIDTH && y >= TOP && y < TOP + HEIGHT;
const worn = (cloth: Paint, over?: Paint): Picture =>
  draw(480, 512, (x, y) => (inside(x, y) ? (over?.(x, y) ?? cloth(x, y)) : [90 + x / 8, 120, 110 + y / 10]));
const flat = (cloth: Paint): Picture =>
  draw(400, 500, (x, y) => (x >= 80 && x < 320 && y >= 90 && y < 410 ? cloth(x + 40, y + 50) : [250, 250, 250]));
const plain =
  (colour: Rgb): Paint =>
  () =>
    colour;
const stripes =
  (period: number, a: Rgb = RED, b: Rgb = BLUE): Paint =>
  (_x, y) =>
    y % period < period / 2 ? a : b;
const dots: Paint = (x, y) => (Math.hypot((x % 24) - 12, (y % 24) - 12) < 6 ? [230, 220, 210] : RED);
const mask = (hole?: (x: number, y: number) => boolean): Promise<Frame> =>
  frameOf(draw(480, 512, (x, y) => (inside(x, y) && !hole?.(x, y) ? [255, 255, 255] : [0, 0, 0])));

async function read(
  dimension: string,
  candidate: Picture | Frame,
  { reference, hole }: { reference?: Picture | undefined; hole?: (x: number, y: number) => boolean } = {},
): Promise<number> {
  return rawOf(garment, `garment.${dimension}`, candidate, {
    masks: { garment: await mask(hole) },
    ...(reference && { references: [await frameOf(reference)] }),
  });
}

describe('garment.colour', () => {
  it('is the colour difference of plain cloth, near 0 for the same', async () => {
    const reference = flat(plain(RED));
    expect(await read('colour', worn(plain(RED)), { reference })).toBeLessThan(0.3);
    const distance = await read('colour', worn(plain(BLUE)), { reference });
    expect(Math.abs(distance - deltaE2000(labOf(...RED), labOf(...BLUE)))).toBeLessThan(0.3);
  });

  it('reads only the garment, not what is around it', async () => {
    expect(await read('colour', worn(stripes(20)), { reference: flat(stripes(20)) })).toBeLessThan(1.5);
  });

  it('sets exposure aside in colourMatched', async () => {
    const dark = RED.map((v) => toSrgb(toLight(v) / 2)) as unknown as Rgb;
    const reference = flat(plain(RED));
    expect(await read('colour', worn(plain(dark)), { reference })).toBeGreaterThan(8);
    expect(await read('colourMatched', worn(plain(dark)), { reference })).toBeLessThan(0.5);
  });

  it('grows with the shift of the colour, noise or not', async () => {
    const reference = flat(plain(RED));
    const reads: number[] = [];
    for (const green of [50, 65, 80, 95, 110])
      reads.push(await read('colourMatched', noisy(worn(plain([160, green, 60])), 4), { reference }));
    expect(reads).toEqual([...reads].sort((a, b) => a - b));
  });

  it('takes a swatch of cloth for all cloth', async () => {
    const reference = draw(200, 200, () => RED);
    expect(await read('colour', worn(plain(RED)), { reference })).toBeLessThan(0.3);
  });
});

describe('garment.pattern', () => {
  it('tells stripes, dots and plain cloth apart', async () => {
    const cloths = { stripes: stripes(24), dots, plain: plain(RED) };
    for (const [name, cloth] of Object.entries(cloths))
      for (const [other, theirs] of Object.entries(cloths)) {
        const distance = await read('pattern', worn(cloth), { reference: flat(theirs) });
        if (name === other) expect(distance, name).toBeLessThan(0.03);
        else expect(distance, `${name} against ${other}`).toBeGreaterThan(0.1);
      }
  });

  it('does not depend on colour, exposure, size or mirroring', async () => {
    const reference = flat(stripes(24));
    const half = (rgb: Rgb): Rgb => rgb.map((v) => toSrgb(toLight(v) / 2)) as unknown as Rgb;
    expect(await read('pattern', worn(stripes(24, half(RED), half(BLUE))), { reference })).toBeLessThan(0.03);
    const picture = worn(stripes(24));
    const region = async (frame: Frame) => {
      const { width, height } = frame.working;
      const data = new Uint8Array(width * height);
      for (let i = 0; i < data.length; i++)
        data[i] = inside(((i % width) * 480) / width, (Math.floor(i / width) * 512) / height) ? 1 : 0;
      return textureOf(frame, regionOf(frame.working, data));
    };
    const bytes = await png(picture);
    const same = await region(await frameOf(picture));
    const larger = await region(await frameOf(await sharp(bytes).resize(960, 1024).png().toBuffer()));
    const mirrored = await region(await frameOf(await sharp(bytes).flop().png().toBuffer()));
    expect(textureDistance(same, larger)).toBeLessThan(0.06);
    expect(textureDistance(same, mirrored)).toBeLessThan(0.01);
    expect(textureDistance(same, same)).toBe(0);
  });

  it('reads stripes that run the other way', async () => {
    const across: Paint = (x, y) => stripes(24)(y, x);
    expect(await read('pattern', worn(across), { reference: flat(stripes(24)) })).toBeGreaterThan(0.09);
  });
});

describe('garment.covered', () => {
  const bar =
    (share: number, colour: Rgb): Paint =>
    (_x, y) =>
      (y >= TOP + 60 && y < TOP + 60 + share * HEIGHT ? colour : undefined) as Rgb;

  it.each([0.1, 0.25, 0.4])('reads a bar over a share of %d', async (share) => {
    const reference = flat(plain(RED));
    const read1 = await read('covered', worn(plain(RED), bar(share, [60, 150, 70])), { reference });
    expect(Math.abs(read1 - share)).toBeLessThan(0.02);
  });

  it('is 0 for the same cloth, patterned, noisy, darker or recoloured', async () => {
    const reference = flat(stripes(24));
    expect(await read('covered', worn(stripes(24)), { reference })).toBe(0);
    expect(await read('covered', noisy(worn(plain(RED)), 6), { reference: flat(plain(RED)) })).toBeLessThan(0.01);
    expect(await read('covered', worn(plain(BLUE)), { reference: flat(plain(RED)) })).toBe(0);
    expect(await read('covered', worn(plain([100, 25, 32])), { reference: flat(plain(RED)) })).toBe(0);
  });

  it('reads a bar on recoloured cloth', async () => {
    const reference = flat(plain(RED));
    const share = await read('covered', worn(plain(BLUE), bar(0.2, [200, 190, 60])), { reference });
    expect(Math.abs(share - 0.2)).toBeLessThan(0.02);
  });

  it('reads a hole in the region, also without a reference', async () => {
    const hole = (x: number, y: number): boolean => x >= 200 && x < 260 && y >= 200 && y < 300;
    const share = (60 * 100) / (WIDTH * HEIGHT);
    expect(await read('covered', worn(plain(RED)), { hole })).toBeCloseTo(share, 2);
    expect(await read('covered', worn(plain(RED)), { hole, reference: flat(plain(RED)) })).toBeCloseTo(share, 2);
  });

  it('says where the patch is, in pixels of the picture', async () => {
    const over: Paint = (x, y) =>
      (x >= 180 && x < 260 && y >= 250 && y < 330 ? [60, 150, 70] : undefined) as unknown as Rgb;
    const found = await assess(garment, await frameOf(worn(plain(RED), over)), {
      masks: { garment: await mask() },
      references: [await frameOf(flat(plain(RED)))],
    });
    expect(found['garment.covered']).toMatchObject({
      facts: { boxes: [{ left: 180, top: 250, width: 80, height: 80 }] },
    });
  });
});

describe('garment.shape', () => {
  const size = { width: 100, height: 100 };
  const of = (contains: (x: number, y: number) => boolean) =>
    regionOf(
      size,
      Uint8Array.from({ length: 10_000 }, (_, i) => (contains(i % 100, Math.floor(i / 100)) ? 1 : 0)),
    );
  const coat = of((x, y) => x >= 20 && x < 60 && y >= 10 && y < 90);

  it('is 1 at any size and place, and the share that is left of a straight cut', () => {
    expect(
      shapeOverlap(
        coat,
        of((x, y) => x >= 70 && x < 90 && y >= 30 && y < 70),
      ),
    ).toBe(1);
    expect(
      shapeOverlap(
        coat,
        of((x, y) => x >= 20 && x < 60 && y >= 10 && y < 50),
      ),
    ).toBeCloseTo(0.5, 2);
    expect(
      shapeOverlap(
        coat,
        of((x, y) => x >= 20 && x < 40 && y >= 10 && y < 90),
      ),
    ).toBeCloseTo(0.5, 2);
  });

  it('is the same both ways, and 0 for nothing', () => {
    const disc = of((x, y) => Math.hypot(x - 50, y - 50) < 30);
    expect(shapeOverlap(coat, disc)).toBeCloseTo(shapeOverlap(disc, coat), 2);
    expect(
      shapeOverlap(
        coat,
        of(() => false),
      ),
    ).toBe(0);
  });
});

describe('garment', () => {
  it('cannot tell without a region, compares nothing without a reference', async () => {
    const frame = await frameOf(worn(plain(RED)));
    for (const score of Object.values(await assess(garment, frame, { references: [frame] })))
      expect(score.status).toBe('unassessable');
    const found = await assess(garment, frame, { masks: { garment: await mask() } });
    expect(found['garment.colour']).toEqual({ status: 'unassessable', reason: 'no-reference' });
    expect(found['garment.covered']).toMatchObject({ status: 'ok', raw: 0 });
  });

  it('refuses a mask with next to nothing in it', async () => {
    const frame = await frameOf(worn(plain(RED)));
    const empty = await frameOf(draw(480, 512, () => [0, 0, 0]));
    expect((await assess(garment, frame, { masks: { garment: empty } }))['garment.covered']).toMatchObject({
      status: 'unassessable',
      reason: 'too-small',
    });
  });

  it('lays masks of another size on the picture', async () => {
    const large = await frameOf(
      await sharp(await png(worn(plain(RED))))
        .resize(960, 1024)
        .png()
        .toBuffer(),
    );
    const found = await assess(garment, large, { masks: { garment: await mask() }, references: [large] });
    expect(found['garment.covered']).toMatchObject({
      facts: { box: { left: 240, top: 280, width: 480, height: 640 } },
    });
  });

  it('takes the region of the first reference from the template, where it gives one', async () => {
    const picture = worn(plain(RED));
    const frame = await frameOf(picture);
    const region = await mask();
    const ask = { references: [frame], masks: { garment: region, garmentReference: region } };
    expect(await rawOf(garment, 'garment.colour', frame, ask)).toBe(0);
    expect(await rawOf(garment, 'garment.shape', frame, ask)).toBe(1);
  });
});
