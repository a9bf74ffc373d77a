import { quality, rising, falling } from '../mapping.js';
import type { Scorer } from '../scorer.js';

const LONG_SIDE = rising(512, 160);
const MEGAPIXELS = rising(0.35, 0.12);
const ASPECT = falling(3, 0.4);

/** How large the picture is. */
export const resolution: Scorer = {
  spec: {
    id: 'resolution',
    version: '1.0.0',
    tier: 'generic',
    cost: 'cheap',
    models: [],
    source: 'Size of the upright picture; no formula.',
    dimensions: {
      'resolution.longSide': {
        direction: 'higher',
        unit: 'px',
        range: [1, Infinity],
        about: 'The longer side; a low value means that the picture cannot be shown large.',
      },
      'resolution.megapixels': {
        direction: 'higher',
        unit: 'megapixels',
        range: [0, Infinity],
        about: 'Width times height; a low value means little detail.',
      },
      'resolution.aspect': {
        direction: 'lower',
        unit: 'long side / short side',
        range: [1, Infinity],
        about: 'A high value means an unusually long strip.',
      },
    },
  },
  assess({ width, height, hasAlpha }) {
    const longSide = Math.max(width, height);
    const megapixels = (width * height) / 1e6;
    const aspect = longSide / Math.min(width, height);
    return Promise.resolve({
      'resolution.longSide': {
        status: 'ok',
        raw: longSide,
        quality: quality(longSide, LONG_SIDE),
        facts: { width, height, alphaOnWhite: hasAlpha },
      },
      'resolution.megapixels': { status: 'ok', raw: megapixels, quality: quality(megapixels, MEGAPIXELS) },
      'resolution.aspect': { status: 'ok', raw: aspect, quality: quality(aspect, ASPECT) },
    });
  },
};
