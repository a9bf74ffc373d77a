import { pictureEmbedding } from '../clip/clip.js';
import { dot } from '../vectors.js';
import type { Frame, Picture } from '../frame.js';
import type { Region } from '../image/region.js';
import { quality, rising } from '../mapping.js';
import { Unassessable, type Scorer } from '../scorer.js';
import { garmentOf, referenceGarment, REGION_MODELS } from './garment-region.js';

/** Unmeasured: where the middle lies for a given model is for a policy that was tuned with it. */
const COSINE = rising(0.8, 0.05);
const GREY = 128;

/**
 * Whether the garment looks like the one of the reference pictures to an image model. Reads `references`, `masks.garment` and
 * `masks.garmentReference` like `garment`; of several references the nearest counts.
 */
export const garmentEmbedding: Scorer = {
  spec: {
    id: 'garmentEmbedding',
    version: '1.2.0',
    tier: 'useCase',
    cost: 'model',
    models: [{ id: 'clip' }, ...REGION_MODELS],
    source:
      "Cosine of CLIP image embeddings (Radford et al., ICML 2021) of the region's box, what is outside of the region grey",
    dimensions: {
      'garmentEmbedding.cosine': {
        direction: 'higher',
        unit: 'cosine',
        range: [-1, 1],
        about:
          "Likeness of the garment to the reference's, to the model; a low value means another garment. Not comparable between models.",
      },
    },
  },
  async assess(frame, ask) {
    const { references = [], masks } = ask;
    const region = await garmentOf(frame, ask);
    if (references.length === 0) throw new Unassessable('no-reference');
    const own = await pictureEmbedding(frame.models, cutOut(frame, region));
    const cosines: number[] = [];
    for (const [at, reference] of references.entries()) {
      const theirs = referenceGarment(reference, at === 0 ? masks?.['garmentReference'] : undefined);
      cosines.push(dot(own, await pictureEmbedding(frame.models, cutOut(reference, theirs))));
    }
    const raw = Math.min(1, Math.max(-1, ...cosines));
    return {
      'garmentEmbedding.cosine': {
        status: 'ok',
        raw,
        quality: quality(raw, COSINE),
        facts: { region: region.way, reference: cosines.indexOf(Math.max(...cosines)) },
      },
    };
  },
};

/** The region's box of the full-size picture; outside of the region it is grey. */
export function cutOut({ width, height, rgb }: Frame, region: Region): Picture {
  const { box } = region;
  const [across, down] = [width / region.width, height / region.height];
  const left = Math.floor(box.left * across);
  const top = Math.floor(box.top * down);
  const size = {
    width: Math.max(1, Math.min(width, Math.round((box.right + 1) * across)) - left),
    height: Math.max(1, Math.min(height, Math.round((box.bottom + 1) * down)) - top),
  };
  const out = new Uint8Array(3 * size.width * size.height).fill(GREY);
  for (let y = 0; y < size.height; y++) {
    const row = Math.min(region.height - 1, Math.floor((top + y + 0.5) / down)) * region.width;
    for (let x = 0; x < size.width; x++) {
      if (region.mask[row + Math.min(region.width - 1, Math.floor((left + x + 0.5) / across))] !== 1) continue;
      const from = 3 * ((top + y) * width + left + x);
      out.set(rgb.subarray(from, from + 3), 3 * (y * size.width + x));
    }
  }
  return { ...size, rgb: out };
}
