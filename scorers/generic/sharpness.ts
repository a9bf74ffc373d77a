import type { Frame } from '../frame.js';
import { edgeBlur } from '../image/edges.js';
import { laplacian, quantile } from '../image/filters.js';
import { planeNoise } from '../image/noise.js';
import { falling, quality, rising } from '../mapping.js';
import type { Scorer } from '../scorer.js';

const GRID = 8;
const TILE_P90 = rising(40, 20);
/** A blur of 1.5 px at 512 px is seen at a glance. */
const BLUR = falling(1.5, 0.35);

/** Noise-corrected Laplacian variance per tile of an 8 x 8 grid over the working picture, and the noise it was corrected by. */
export function tileSharpness({ luma }: Frame): { tiles: Float32Array; sigma: number } {
  const { width, height } = luma;
  const response = laplacian(luma);
  const variance = new Float32Array(GRID * GRID);
  const grain = new Float32Array(GRID * GRID);
  for (let row = 0; row < GRID; row++)
    for (let column = 0; column < GRID; column++) {
      const x0 = Math.max(1, Math.floor((column * width) / GRID));
      const x1 = Math.min(width - 1, Math.floor(((column + 1) * width) / GRID));
      const y0 = Math.max(1, Math.floor((row * height) / GRID));
      const y1 = Math.min(height - 1, Math.floor(((row + 1) * height) / GRID));
      let sum = 0;
      let squares = 0;
      for (let y = y0; y < y1; y++)
        for (let i = y * width + x0, end = y * width + x1; i < end; i++) {
          const v = response[i] as number;
          sum += v;
          squares += v * v;
        }
      const n = Math.max(1, (x1 - x0) * (y1 - y0));
      variance[row * GRID + column] = squares / n - (sum / n) ** 2;
      grain[row * GRID + column] = planeNoise(luma, x0, y0, x1, y1);
    }
  // the least structured quarter that is not clipped flat tells how much of the response is grain
  const sigma = quantile(
    grain.filter((s) => s > 0.05),
    0.25,
  );
  const excess = Number.isNaN(sigma) ? 0 : 20 * sigma * sigma;
  return { tiles: variance.map((v) => Math.max(0, v - excess)), sigma: Number.isNaN(sigma) ? 0 : sigma };
}

/** How crisp the picture is where it is crispest: plain backgrounds and shallow focus do not count against it. */
export const sharpness: Scorer = {
  spec: {
    id: 'sharpness',
    version: '1.0.0',
    tier: 'generic',
    cost: 'cheap',
    models: [],
    source:
      'Variance of the Laplacian: Pech-Pacheco et al., Diatom autofocusing in brightfield microscopy, ICPR 2000; noise term 20 sigma^2 from the kernel. Edge blur: Zhuo, Sim, Defocus map estimation from a single image, Pattern Recognition 44, 2011',
    dimensions: {
      'sharpness.tileP90': {
        direction: 'higher',
        unit: 'grey levels squared',
        range: [0, Infinity],
        about: 'Laplacian variance of the crispest tenth of the picture; a low value means blur.',
      },
      'sharpness.edgeBlur': {
        direction: 'lower',
        unit: 'px sigma at 512 px long side',
        range: [0, Infinity],
        about: 'Blur of the sharpest edges as the sigma of a Gaussian; a high value means out of focus or shaken.',
      },
    },
  },
  assess(frame) {
    if (frame.luma.width < 32 || frame.luma.height < 32)
      return Promise.resolve({
        'sharpness.tileP90': { status: 'unassessable', reason: 'too-small' },
        'sharpness.edgeBlur': { status: 'unassessable', reason: 'too-small' },
      });
    const { tiles, sigma } = frame.derive(tileSharpness);
    const raw = quantile(tiles, 0.9);
    const blur = frame.derive(edgeBlur);
    return Promise.resolve({
      'sharpness.tileP90': { status: 'ok', raw, quality: quality(raw, TILE_P90), facts: { noiseRemoved: sigma } },
      'sharpness.edgeBlur': Number.isNaN(blur.sigma)
        ? { status: 'unassessable', reason: 'not-applicable' }
        : { status: 'ok', raw: blur.sigma, quality: quality(blur.sigma, BLUR), facts: { edges: blur.edges } },
    });
  },
};
