/** The garment for an image model: a random CLIP, so that only what is cut out and compared is tested, not what it means. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeFrame, type Frame } from '../../scorers/frame.js';
import type { Models } from '../../scorers/models/models.js';
import { openModels } from '../../scorers/models/sessions.js';
import { cutOut, garmentEmbedding } from '../../scorers/useCase/garmentEmbedding.js';
import { maskRegion } from '../../scorers/useCase/garment-region.js';
import { SMALL_CLIP, writeRandomClip } from '../support/random-clip.js';
import { assess, draw, frameOf, png, rawOf, type Paint } from './synthetic.js';

const inside = (x: number, y: number): boolean => x >= 40 && x < 120 && y >= 30 && y < 130;
const worn = (cloth: Paint, around: number) =>
  draw(160, 160, (x, y) => (inside(x, y) ? cloth(x, y) : [around, 200 - around, y]));
const stripes: Paint = (_x, y) => (y % 10 < 5 ? [160, 50, 60] : [40, 60, 150]);
const mask = draw(160, 160, (x, y) => (inside(x, y) ? [255, 255, 255] : [0, 0, 0]));
const DIMENSION = 'garmentEmbedding.cosine';

let folder: string;
let models: Models;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'garment-clip-'));
  await writeRandomClip(folder, SMALL_CLIP);
  models = openModels({ folder, use: { clip: folder } });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function frame(picture: ReturnType<typeof draw>): Promise<Frame> {
  const decoded = await decodeFrame(await png(picture), { models });
  if (!decoded.ok) throw new Error(decoded.detail);
  return decoded.frame;
}

describe('garmentEmbedding', () => {
  it('is 1 for the same garment in another scene, less for another garment; the nearest reference counts', async () => {
    const region = await frameOf(mask);
    const masks = { garment: region, garmentReference: region };
    const candidate = await frame(worn(stripes, 90));
    const same = await frame(worn(stripes, 30));
    const other = await frame(worn((x) => [x, 250 - x, 20], 30));
    expect(await rawOf(garmentEmbedding, DIMENSION, candidate, { masks, references: [same] })).toBeCloseTo(1, 5);
    const less = await rawOf(garmentEmbedding, DIMENSION, candidate, { masks, references: [other] });
    expect(less).toBeLessThan(0.9999);
    expect(await rawOf(garmentEmbedding, DIMENSION, candidate, { masks, references: [same, other] })).toBeCloseTo(1, 5);
  });

  it('cuts out the box of the region and greys what is not in it', async () => {
    const picture = await frameOf(worn(stripes, 90));
    const notched = await frameOf(
      draw(160, 160, (x, y) => (inside(x, y) && !(x < 60 && y < 50) ? [255, 255, 255] : [0, 0, 0])),
    );
    const { width, height, rgb } = cutOut(picture, maskRegion(picture, notched));
    expect([width, height]).toEqual([80, 100]);
    expect([...rgb.subarray(0, 3)]).toEqual([128, 128, 128]);
    expect([...rgb.subarray(3 * 79, 3 * 80)]).toEqual(stripes(119, 30));
  });

  it('cannot tell without a model, a region or a reference', async () => {
    const [plain, region] = [await frameOf(worn(stripes, 90)), await frameOf(mask)];
    const cases = [
      [{ masks: { garment: region }, references: [plain] }, 'model-missing'],
      [{ references: [plain] }, 'model-missing'],
      [{ masks: { garment: region } }, 'no-reference'],
    ] as const;
    for (const [ask, reason] of cases)
      expect(
        (
          await assess(garmentEmbedding, plain, {
            ...ask,
            references: [...('references' in ask ? ask.references : [])],
          })
        )[DIMENSION],
      ).toMatchObject({ status: 'unassessable', reason });
  });
});
