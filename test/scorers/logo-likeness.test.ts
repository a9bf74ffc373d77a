/** The logo for an image model: a random CLIP, so that only what is cut out and compared is tested, not what it means. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { logo } from '../../scorers/business/logo.js';
import type { Models } from '../../scorers/models/models.js';
import { openModels } from '../../scorers/models/sessions.js';
import { SMALL_CLIP, writeRandomClip } from '../support/random-clip.js';
import { frameWith } from './faces/photos.js';
import { ARROW, GRID, logoFile, PAPER, svg } from './marks.js';
import { assess, draw, frameOf, png } from './synthetic.js';

let folder: string;
let models: Models;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'logo-clip-'));
  await writeRandomClip(folder, SMALL_CLIP);
  models = openModels({ folder, use: { clip: folder } });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function scene(body: string): Promise<Buffer> {
  const input = await sharp(svg(body, PAPER)).resize(150, 150).png().toBuffer();
  return sharp(await png(draw(500, 400, (x, y) => [90 + x / 10, 120, 160 - y / 8])))
    .composite([{ input, left: 270, top: 130 }])
    .png()
    .toBuffer();
}

it('logo.likeness is the cosine of the place to the logo: near 1 for the logo itself, less for another', async () => {
  const named = { logo: await frameWith(models, await logoFile()) };
  const read = async (body: string) =>
    (await assess(logo, await frameWith(models, await scene(body)), { named }))['logo.likeness'];
  const [same, other] = [await read(ARROW), await read(GRID)];
  if (same?.status !== 'ok' || other?.status !== 'ok') throw new Error('not measured');
  expect(same.raw).toBeGreaterThan(0.97);
  expect(other.raw).toBeLessThan(same.raw);
  const { box } = same.facts as { box: { left: number; top: number; width: number; height: number } };
  expect(Math.hypot(box.left + box.width / 2 - 345, box.top + box.height / 2 - 205)).toBeLessThan(15);
});

it('without a model only the likeness is missing', async () => {
  const found = await assess(logo, await frameOf(await scene(ARROW)), {
    named: { logo: await frameOf(await logoFile()) },
  });
  expect(found['logo.likeness']).toMatchObject({ status: 'unassessable', reason: 'model-missing' });
  expect(found['logo.score']).toMatchObject({ status: 'ok' });
});
