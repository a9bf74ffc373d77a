import { banding } from '../image/banding.js';
import { blockiness } from '../image/blockiness.js';
import { quantiser } from '../image/quantiser.js';
import { falling, quality } from '../mapping.js';
import type { Scorer } from '../scorer.js';

const BLOCKS = falling(1.6, 0.15);
/** Quality 30 of libjpeg is a step of 1.67. */
const STEP = falling(1.67, 0.25);
const BANDS = falling(0.2, 0.06);

/** Damage by lossy encoding that a later PNG does not undo. */
export const compression: Scorer = {
  spec: {
    id: 'compression',
    version: '1.2.0',
    tier: 'generic',
    cost: 'cheap',
    models: [],
    source:
      'Quantiser: Fan, de Queiroz, Identification of bitmap compression history, IEEE TIP 12, 2003. Blockiness: Wang, Sheikh, Bovik, No-reference perceptual quality assessment of JPEG compressed images, ICIP 2002',
    dimensions: {
      'compression.quantiser': {
        direction: 'lower',
        unit: 'steps of Annex K',
        range: [0, 50],
        about:
          'JPEG luma quantiser as a multiple of the standard table (50 / quality below quality 50); 0 where no trace was found.',
      },
      'compression.banding': {
        direction: 'lower',
        unit: 'share',
        range: [0, 1],
        about:
          'Share of the picture in bands: even stripes of 8 pixels and more with steps of 2 to 8 levels between them.',
      },
      'compression.blockiness': {
        direction: 'lower',
        unit: 'ratio',
        range: [0, Infinity],
        about: 'Steps on the 8-pixel grid over steps elsewhere; a high value means visible JPEG blocks.',
      },
    },
  },
  assess(frame) {
    const { step, comb, count } = frame.derive(quantiser);
    const { ratio } = frame.derive(blockiness);
    const { share } = frame.derive(banding);
    return Promise.resolve({
      'compression.quantiser': { status: 'ok', raw: step, quality: quality(step, STEP), facts: { comb, count } },
      'compression.banding': { status: 'ok', raw: share, quality: quality(share, BANDS) },
      'compression.blockiness': Number.isFinite(ratio)
        ? { status: 'ok', raw: ratio, quality: quality(ratio, BLOCKS) }
        : { status: 'unassessable', reason: 'not-applicable' },
    });
  },
};
