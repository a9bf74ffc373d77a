/** The tiny CLIP of the sandbox is read by scorers/clip as any other CLIP. */
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { caption } from '../../../sandbox/clip/captions.js';
import { paintScene, SEEDS } from '../../../sandbox/clip/scenes.js';
import { cosine, openTowers } from '../../../sandbox/clip/towers.js';
import { stream } from '../../../sandbox/painter/random.js';
import { imageEmbedding, textEmbedding } from '../../../scorers/clip/clip.js';
import { decodeFrame } from '../../../scorers/frame.js';
import { openModels } from '../../../scorers/models/sessions.js';

const FOLDER = new URL('../../../examples/models/cull/sandbox-clip/', import.meta.url);

describe('the CLIP of the sandbox in scorers/clip', () => {
  it.each([512, 1024])('gives the vectors that its card was measured with, from a PNG of %d px', async (side) => {
    const models = openModels({ folder: 'no-models', use: { clip: fileURLToPath(FOLDER) } });
    const towers = await openTowers(FOLDER);
    for (let seed = SEEDS.validation; seed < SEEDS.validation + 4; seed++) {
      const painting = await paintScene(seed, { width: side, height: side });
      const raw = { width: side, height: side, channels: 3 } as const;
      const decoded = await decodeFrame(await sharp(painting.data, { raw }).png().toBuffer(), { models });
      if (!decoded.ok) throw new Error(decoded.detail);
      // it resizes as Pillow does, the trial as sharp alone
      expect(cosine(await imageEmbedding(decoded.frame), await towers.image(painting))).toBeGreaterThan(0.999);
      const text = caption(painting.labels.scene, stream(`${seed}`));
      expect(cosine(await textEmbedding(models, text), await towers.text(text))).toBeGreaterThan(0.999999);
    }
  });
});
