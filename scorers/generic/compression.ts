import { blockiness } from '../image/blockiness.js';
import { falling, quality } from '../mapping.js';
import type { Scorer } from '../scorer.js';

const BLOCKS = falling(1.6, 0.15);

/** Damage by lossy encoding that a later PNG does not undo. */
export const compression: Scorer = {
  spec: {
    id: 'compression',
    version: '1.0.0',
    tier: 'generic',
    cost: 'cheap',
    models: [],
    source: 'Wang, Sheikh, Bovik, No-reference perceptual quality assessment of JPEG compressed images, ICIP 2002',
    dimensions: {
      'compression.blockiness': {
        direction: 'lower',
        unit: 'ratio',
        range: [0, Infinity],
        about: 'Steps on the 8-pixel grid over steps elsewhere; a high value means visible JPEG blocks.',
      },
    },
  },
  assess(frame) {
    const { ratio } = frame.derive(blockiness);
    if (Number.isNaN(ratio))
      return Promise.resolve({ 'compression.blockiness': { status: 'unassessable', reason: 'not-applicable' } });
    return Promise.resolve({
      'compression.blockiness': { status: 'ok', raw: ratio, quality: quality(ratio, BLOCKS) },
    });
  },
};
