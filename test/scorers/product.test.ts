/** The product scorers against pictures whose answer is known in closed form. */
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import type { Picture } from '../../scorers/frame.js';
import { deltaE2000, labOf } from '../../scorers/image/colour.js';
import { product } from '../../scorers/useCase/product.js';
import { productBackground } from '../../scorers/useCase/productBackground.js';
import { productColour } from '../../scorers/useCase/productColour.js';
import { assess, disc, draw, frameOf, jpeg, noisy, png, rawOf, toLight, toSrgb } from './synthetic.js';

type Rgb = readonly [number, number, number];
const WHITE: Rgb = [255, 255, 255];

/** Rectangles of one colour each on a background; the later ones lie on top. */
function rects(
  list: readonly { x: number; y: number; w: number; h: number; colour: Rgb }[],
  { width = 400, height = 400, background = WHITE }: { width?: number; height?: number; background?: Rgb } = {},
): Picture {
  return draw(width, height, (px, py) => {
    const on = list.findLast(({ x, y, w, h }) => px >= x && px < x + w && py >= y && py < y + h);
    return on?.colour ?? background;
  });
}

describe('productBackground', () => {
  const box = { x: 100, y: 100, w: 200, h: 200, colour: [90, 30, 40] as Rgb };

  it('counts pixels at 254 and at 250', async () => {
    // the left half 255, of the right half one part 252 and one 247; the subject grown by 1.2 % of 400 px is left out
    const picture = rects([
      { x: 200, y: 0, w: 200, h: 200, colour: [252, 252, 252] },
      { x: 200, y: 200, w: 200, h: 200, colour: [247, 247, 247] },
      box,
    ]);
    expect(await rawOf(productBackground, 'productBackground.pureWhite', picture)).toBeCloseTo(0.5, 6);
    expect(await rawOf(productBackground, 'productBackground.nearWhite', picture)).toBeCloseTo(0.75, 6);
  });

  it.each([
    [254, 1],
    [253, 0],
  ])('takes level %d for pure white: %d', async (level, share) => {
    const picture = rects([box], { background: [255, level, 255] });
    expect(await rawOf(productBackground, 'productBackground.pureWhite', picture)).toBe(share);
  });

  it('counts at full size, not on the working picture', async () => {
    // every second column 255, the others 249: half of the pixels, whatever averaging would make of them
    const picture = draw(1200, 900, (x, y) => {
      if (Math.abs(x - 600) < 200 && Math.abs(y - 450) < 200) return [30, 60, 90];
      const v = x % 2 === 0 ? 255 : 249;
      return [v, v, v];
    });
    expect(await rawOf(productBackground, 'productBackground.nearWhite', picture)).toBeCloseTo(0.5, 2);
  });

  it.each([[[240, 240, 240]], [[255, 244, 230]], [[228, 236, 255]]] as const)(
    'reads the distance of %j to white, exactly',
    async (colour) => {
      const expected = deltaE2000(labOf(255, 255, 255), labOf(colour[0], colour[1], colour[2]));
      const picture = rects([box], { background: colour });
      expect(await rawOf(productBackground, 'productBackground.whiteP95', picture)).toBeCloseTo(expected, 4);
      expect(await rawOf(productBackground, 'productBackground.ring', picture)).toBeCloseTo(expected, 4);
    },
  );

  it('takes the 95th percentile over the background', async () => {
    const stripe = (share: number): Picture =>
      draw(400, 400, (x, y) => (y < 40 ? [120, 60, 60] : x < 400 * share ? [230, 230, 230] : WHITE));
    const grey = deltaE2000(labOf(255, 255, 255), labOf(230, 230, 230));
    expect(await rawOf(productBackground, 'productBackground.whiteP95', stripe(0.04))).toBe(0);
    expect(await rawOf(productBackground, 'productBackground.whiteP95', stripe(0.06))).toBeCloseTo(grey, 4);
  });

  it('sees one stray pixel in the ring, none inside of it', async () => {
    const speck = (x: number): Picture => rects([box, { x, y: 200, w: 1, h: 1, colour: [200, 200, 200] }]);
    const expected = deltaE2000(labOf(255, 255, 255), labOf(204, 204, 204));
    // darker colours are counted in cells of 8 levels
    expect(await rawOf(productBackground, 'productBackground.ring', speck(7))).toBeCloseTo(expected, 3);
    expect(await rawOf(productBackground, 'productBackground.ring', speck(8))).toBe(0);
  });

  it('measures the shadow that hangs on the subject, and no other', async () => {
    const shade: Rgb = [235, 235, 235];
    const on = rects([{ x: 100, y: 300, w: 200, h: 50, colour: shade }, box]);
    const apart = rects([{ x: 100, y: 340, w: 200, h: 50, colour: shade }, box]);
    // 200 x 50 of 400 x 400, less the two rows at the outline
    expect(await rawOf(productBackground, 'productBackground.shadow', on)).toBeCloseTo((200 * 48) / 160_000, 4);
    expect(await rawOf(productBackground, 'productBackground.shadow', apart)).toBe(0);
    const light = rects([{ x: 100, y: 300, w: 200, h: 50, colour: [248, 248, 248] }, box]);
    expect(await rawOf(productBackground, 'productBackground.shadow', light)).toBe(0);
  });

  it('takes no grey backdrop for a shadow', async () => {
    const picture = rects([box], { background: [200, 200, 200] });
    expect(await rawOf(productBackground, 'productBackground.shadow', picture)).toBe(0);
  });

  it('falls with noise, and with JPEG', async () => {
    const picture = disc({ colour: [60, 110, 160] });
    const clean = await rawOf(productBackground, 'productBackground.pureWhite', picture);
    const reads = [clean];
    for (const sigma of [1, 2, 4, 8])
      reads.push(await rawOf(productBackground, 'productBackground.pureWhite', noisy(picture, sigma)));
    expect(reads).toEqual([...reads].sort((a, b) => b - a));
    expect(clean).toBe(1);
    const lossy = await frameOf(await jpeg(picture, 60));
    expect(await rawOf(productBackground, 'productBackground.nearWhite', lossy)).toBeLessThanOrEqual(1);
  });

  it('has no shadow and no subject on white', async () => {
    const frame = await frameOf(draw(64, 64, () => WHITE));
    const found = await assess(productBackground, frame);
    expect(found['productBackground.pureWhite']).toMatchObject({ status: 'ok', raw: 1 });
    expect(found['productBackground.shadow']).toEqual({ status: 'unassessable', reason: 'no-subject' });
  });
});

describe('product', () => {
  const colour: Rgb = [40, 90, 150];

  it('reads fill, box and margin of a rectangle', async () => {
    const picture = rects([{ x: 60, y: 50, w: 240, h: 320, colour }]);
    expect(await rawOf(product, 'product.fill', picture)).toBeCloseTo(0.8, 6);
    expect(await rawOf(product, 'product.boxShare', picture)).toBeCloseTo(0.6 * 0.8, 6);
    expect(await rawOf(product, 'product.margin', picture)).toBeCloseTo(30 / 400, 6);
  });

  it('has a margin of 0 where the frame cuts', async () => {
    expect(await rawOf(product, 'product.margin', rects([{ x: 0, y: 50, w: 240, h: 300, colour }]))).toBe(0);
  });

  it('gives boxes in pixels of the full-size picture', async () => {
    const picture = rects([{ x: 400, y: 200, w: 400, h: 400, colour }], { width: 1024, height: 1024 });
    const found = await assess(product, await frameOf(picture));
    expect(found['product.fill']).toMatchObject({
      facts: { box: { left: expect.closeTo(400, -1) as number, width: expect.closeTo(400, -1) as number } },
    });
  });

  const row = (count: number): Picture =>
    rects(
      Array.from({ length: count }, (_, i) => ({ x: 20 + i * 90, y: 120, w: 70, h: 160, colour })),
      { width: 400 },
    );
  it.each([1, 2, 3, 4])('counts %d alike', async (count) => {
    expect(await rawOf(product, 'product.count', row(count))).toBe(count);
    expect(await rawOf(product, 'product.countOff', row(count))).toBe(count - 1);
    expect(await rawOf(product, 'product.countOff', row(count), { expect: { count } })).toBe(0);
    expect(await rawOf(product, 'product.countOff', row(count), { params: { count: 2 } })).toBe(Math.abs(count - 2));
  });

  it('does not count what is of another colour or another shape', async () => {
    const one = { x: 40, y: 120, w: 90, h: 150, colour };
    const otherColour = rects([one, { x: 240, y: 120, w: 90, h: 150, colour: [150, 40, 40] }]);
    const otherShape = rects([one, { x: 160, y: 30, w: 220, h: 40, colour }]);
    expect(await rawOf(product, 'product.count', otherColour)).toBe(1);
    expect(await rawOf(product, 'product.count', otherShape)).toBe(1);
  });

  it('cannot tell without a subject', async () => {
    const found = await assess(product, await frameOf(draw(64, 64, () => WHITE)));
    for (const score of Object.values(found)) expect(score).toEqual({ status: 'unassessable', reason: 'no-subject' });
  });
});

describe('productColour', () => {
  const two = (a: Rgb, b: Rgb, share: number): Picture =>
    draw(300, 300, (x, y) => (x < 50 || x >= 250 || y < 50 || y >= 250 ? WHITE : x < 50 + 200 * share ? a : b));

  it('is 0 for the same picture, and the colour difference for a plain product', async () => {
    const [one, other]: [Rgb, Rgb] = [
      [150, 50, 50],
      [60, 90, 160],
    ];
    const reference = await frameOf(disc({ colour: one }));
    const same = await rawOf(productColour, 'productColour.distance', disc({ colour: one, radius: 90 }), {
      references: [reference],
    });
    expect(same).toBeLessThan(0.5);
    const distance = await rawOf(productColour, 'productColour.distance', disc({ colour: other }), {
      references: [reference],
    });
    expect(Math.abs(distance - deltaE2000(labOf(...one), labOf(...other)))).toBeLessThan(1);
  });

  it('weighs colours by their area', async () => {
    const [a, b]: [Rgb, Rgb] = [
      [160, 40, 40],
      [40, 60, 140],
    ];
    const reference = await frameOf(two(a, b, 0.5));
    const read1 = await rawOf(productColour, 'productColour.distance', two(a, b, 0.75), { references: [reference] });
    // a quarter of the area has to change its colour
    expect(Math.abs(read1 - 0.25 * deltaE2000(labOf(...a), labOf(...b)))).toBeLessThan(0.6);
  });

  it.each([-1.5, -0.5, 0.5])('sets %d stops of exposure aside, and reads them', async (stops) => {
    const shifted = (rgb: Rgb): Rgb => rgb.map((v) => toSrgb(toLight(v) * 2 ** stops)) as unknown as Rgb;
    const [a, b]: [Rgb, Rgb] = [
      [140, 50, 60],
      [60, 80, 120],
    ];
    const references = [await frameOf(two(a, b, 0.5))];
    const frame = await frameOf(two(shifted(a), shifted(b), 0.5));
    const found = await assess(productColour, frame, { references });
    const [distance, matched] = [found['productColour.distance'], found['productColour.matched']];
    if (distance?.status !== 'ok' || matched?.status !== 'ok') throw new Error('not measured');
    expect(matched.raw).toBeLessThan(1);
    expect(distance.raw).toBeGreaterThan(matched.raw + 3);
    expect(matched.facts).toMatchObject({ stops: expect.closeTo(stops, 0.051) as number });
  });

  it('grows with the shift of hue', async () => {
    const references = [await frameOf(disc({ colour: [150, 50, 50] }))];
    const reads: number[] = [];
    for (const green of [50, 70, 90, 110, 130])
      reads.push(
        await rawOf(productColour, 'productColour.matched', disc({ colour: [150, green, 50] }), { references }),
      );
    expect(reads).toEqual([...reads].sort((x, y) => x - y));
    expect(new Set(reads).size).toBe(reads.length);
  });

  it('is unchanged by mirroring, padding and another format', async () => {
    const picture = two([160, 90, 40], [50, 90, 140], 0.3);
    const references = [await frameOf(disc({ colour: [150, 50, 50] }))];
    const bytes = await png(picture);
    const plain = await rawOf(productColour, 'productColour.distance', picture, { references });
    const others = [
      await sharp(bytes).flop().png().toBuffer(),
      await sharp(bytes).extend({ top: 40, left: 30, right: 30, background: '#fff' }).png().toBuffer(),
      await sharp(bytes).webp({ quality: 95 }).toBuffer(),
      await sharp(bytes).jpeg({ quality: 95, chromaSubsampling: '4:4:4' }).toBuffer(),
    ];
    for (const other of others) {
      const again = await rawOf(productColour, 'productColour.distance', await frameOf(other), { references });
      expect(Math.abs(again - plain)).toBeLessThan(0.5);
    }
  });

  it('takes the nearest of several references, and needs one', async () => {
    const [red, blue] = [
      await frameOf(disc({ colour: [150, 50, 50] })),
      await frameOf(disc({ colour: [50, 60, 150] })),
    ];
    const nearest = await rawOf(productColour, 'productColour.distance', disc({ colour: [50, 60, 150] }), {
      references: [red, blue],
    });
    expect(nearest).toBeLessThan(0.5);
    expect(await assess(productColour, red)).toMatchObject({
      'productColour.distance': { status: 'unassessable', reason: 'no-reference' },
    });
  });
});
