import { nativeNoise } from '../image/noise.js';
import { falling, quality } from '../mapping.js';
import type { Scorer } from '../scorer.js';

/** Grain of sigma 4 is seen on a plain surface, 8 is seen everywhere. */
const SIGMA = falling(8, 1.6);

/** Grain: the standard deviation of what varies from pixel to pixel on flat areas. */
export const noise: Scorer = {
  spec: {
    id: 'noise',
    version: '1.1.0',
    tier: 'generic',
    cost: 'cheap',
    models: [],
    source: 'Immerkaer, Fast Noise Variance Estimation, Computer Vision and Image Understanding 64(2), 1996',
    dimensions: {
      'noise.sigma': {
        direction: 'lower',
        unit: 'grey levels',
        range: [0, 255],
        about: 'Standard deviation of the grain per colour channel; a high value means a grainy picture.',
      },
    },
  },
  assess(frame) {
    const { sigma, blocks } = frame.derive(nativeNoise);
    if (frame.width < 16 || frame.height < 16)
      return Promise.resolve({ 'noise.sigma': { status: 'unassessable', reason: 'too-small' } });
    if (Number.isNaN(sigma)) return Promise.resolve({ 'noise.sigma': { status: 'unassessable', reason: 'clipped' } });
    return Promise.resolve({
      'noise.sigma': { status: 'ok', raw: sigma, quality: quality(sigma, SIGMA), facts: { blocks } },
    });
  },
};
