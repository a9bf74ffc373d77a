import { whiteness } from '../image/whiteness.js';
import { falling, quality, rising } from '../mapping.js';
import type { Assessment, Scorer } from '../scorer.js';

const CURVES = {
  'productBackground.pureWhite': rising(0.9, 0.03),
  'productBackground.nearWhite': rising(0.95, 0.02),
  'productBackground.whiteP95': falling(3, 0.6),
  'productBackground.ring': falling(4, 0.8),
  'productBackground.shadow': falling(0.05, 0.01),
};

/**
 * How near a product's background is to pure white, pixel by pixel: what marketplaces ask of a main image. `background` tells what is
 * wrong with a background (dim, tinted, dirty); this scorer only measures the distance to white.
 */
export const productBackground: Scorer = {
  spec: {
    id: 'productBackground',
    version: '1.1.0',
    tier: 'useCase',
    cost: 'cheap',
    models: [],
    source:
      'Counts over rows of full-size pixels outside the subject mask; CIEDE2000 to white: Sharma, Wu, Dalal, Color Research and Application 30, 2005. ' +
      'Pure white is the main image rule of Amazon Seller Central (help page "Product image guide"); which share is enough is the policy\'s',
    dimensions: {
      'productBackground.pureWhite': {
        direction: 'higher',
        unit: 'share',
        range: [0, 1],
        about:
          'Share of the background with every channel at 254 or 255; a low value means that it is not pure white. Lossy files read low.',
      },
      'productBackground.nearWhite': {
        direction: 'higher',
        unit: 'share',
        range: [0, 1],
        about: 'Share of the background with every channel at 250 or above; a low value means that it is not white.',
      },
      'productBackground.whiteP95': {
        direction: 'lower',
        unit: 'dE2000',
        range: [0, 110],
        about: 'Distance to white that 95 % of the background keep; a high value means that a part of it is not white.',
      },
      'productBackground.ring': {
        direction: 'lower',
        unit: 'dE2000',
        range: [0, 110],
        about:
          'Largest distance to white in the outer 2 % of the picture; a high value means that its border shows on a white page.',
      },
      'productBackground.shadow': {
        direction: 'lower',
        unit: 'share',
        range: [0, 1],
        about:
          'Share of the picture that is a shadow hanging on the subject; a high value means a long or dark shadow.',
      },
    },
  },
  assess(frame) {
    const found = frame.derive(whiteness);
    const { found: hasSubject } = frame.subject;
    const ok = (id: keyof typeof CURVES, raw: number | undefined): Assessment =>
      raw === undefined
        ? { status: 'unassessable', reason: hasSubject ? 'not-applicable' : 'no-subject' }
        : { status: 'ok', raw, quality: quality(raw, CURVES[id]) };
    return Promise.resolve({
      'productBackground.pureWhite': ok('productBackground.pureWhite', found?.pure),
      'productBackground.nearWhite': ok('productBackground.nearWhite', found?.near),
      'productBackground.whiteP95': ok('productBackground.whiteP95', found?.p95),
      'productBackground.ring': ok('productBackground.ring', found?.ring),
      'productBackground.shadow': ok('productBackground.shadow', found?.shadow),
    });
  },
};
