/** Where a garment is when no mask says so. */
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { mainFace } from '../../scorers/faces/faces.js';
import type { Frame } from '../../scorers/frame.js';
import { type Region } from '../../scorers/image/region.js';
import type { Models } from '../../scorers/models/models.js';
import { garment } from '../../scorers/useCase/garment.js';
import { garmentOf, maskRegion } from '../../scorers/useCase/garment-region.js';
import { photoFrame } from '../support/photos.js';
import { BACKDROPS, figure, sharedOver } from '../support/worn-garments.js';
import { faceModels, frameWith } from './faces/photos.js';
import { assess, draw, frameOf, png } from './synthetic.js';

type Rgb = readonly [number, number, number];

let models: Models;
beforeAll(async () => {
  models = await faceModels();
}, 300_000);

const RED: Rgb = [170, 30, 40];
const SKIN: Rgb = [224, 172, 140];
const WHITE: Rgb = [250, 250, 250];
const ask = { params: {} };

/** A block on white, its upper half in one colour, its lower half in another. */
const block = async (upper: Rgb, lower: Rgb, side = 200): Promise<Frame> => {
  const inside = (v: number): boolean => Math.abs(v - 200) < side / 2;
  return frameWith(
    models,
    await png(draw(400, 400, (x, y) => (!inside(x) || !inside(y) ? WHITE : y < 200 ? upper : lower))),
  );
};
const of = ({ mask, width }: Region, x: number, y: number): number => mask[y * width + x]!;

describe('the garment without a mask', () => {
  it('is what is worn below the chin, on a person before a plain background', async () => {
    const { photo, mask } = await figure('green-dress', BACKDROPS[2]!);
    const { data, width, height } = photo.picture;
    const picture = await sharp(data, { raw: { width, height, channels: 3 } })
      .png()
      .toBuffer();
    const frame = await frameWith(models, picture);
    const region = await garmentOf(frame, ask);
    expect(region.way).toBe('subject-without-skin');
    expect(sharedOver(region, maskRegion(frame, await frameWith(models, mask)))).toBeGreaterThan(0.7);
    const { points } = await frame.derive(mainFace);
    expect(region.box.top).toBeGreaterThanOrEqual(Math.floor(points.chin[1] / frame.scale) - 1);
    // the skin of the face is none of it, the middle of the dress is
    expect(of(region, Math.round(points.nose[0] / frame.scale), Math.round(points.nose[1] / frame.scale))).toBe(0);
  }, 60_000);

  it('without a face: the subject without what has the colours of skin', async () => {
    const region = await garmentOf(await block(SKIN, RED), ask);
    expect(of(region, 200, 150)).toBe(0);
    expect(of(region, 200, 250)).toBe(1);
    expect(region.area).toBeCloseTo(200 * 100, -3);
  });

  it('is unassessable where only a face could tell cloth from skin', async () => {
    await expect(garmentOf(await block(SKIN, SKIN), ask)).rejects.toMatchObject({ reason: 'no-face' });
  });

  it('is unassessable without a subject: an empty picture, a crowded room', async () => {
    await expect(garmentOf(await block(WHITE, WHITE), ask)).rejects.toMatchObject({ reason: 'no-subject' });
    await expect(garmentOf(await photoFrame(6, { models }), ask)).rejects.toMatchObject({ reason: 'no-subject' });
  }, 60_000);

  it('is unassessable where too little is left', async () => {
    await expect(garmentOf(await block(SKIN, RED, 32), ask)).rejects.toMatchObject({ reason: 'too-small' });
  });

  it('says which way it was found; a mask needs no model', async () => {
    const found = await assess(garment, await block(RED, RED), {});
    expect(found['garment.covered']).toMatchObject({ status: 'ok', raw: 0, facts: { region: 'subject-without-skin' } });
    const bare = await frameOf(draw(400, 400, (x, y) => (Math.max(x, y) < 200 ? RED : WHITE)));
    const masks = { garment: await frameOf(draw(400, 400, (x, y) => (Math.max(x, y) < 200 ? WHITE : [0, 0, 0]))) };
    expect((await assess(garment, bare, { masks }))['garment.covered']).toMatchObject({ facts: { region: 'mask' } });
    await expect(garmentOf(bare, ask)).rejects.toMatchObject({ reason: 'model-missing' });
  });
});
