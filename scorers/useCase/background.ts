import { backdrop } from '../image/backdrop.js';
import { falling, quality, rising } from '../mapping.js';
import type { Assessment, Scorer } from '../scorer.js';

const CURVES = {
  'background.whiteShare': rising(0.85, 0.05),
  'background.stopsBelowWhite': falling(0.75, 0.15),
  'background.dirt': falling(4, 0.8),
  'background.tint': falling(6, 1.2),
  'background.shadowShare': falling(0.1, 0.02),
  'background.markShare': falling(0.003, 0.001),
  'background.markHeight': falling(0.03, 0.006),
};

/** Cleanliness of a product's background. */
export const background: Scorer = {
  spec: {
    id: 'background',
    version: '1.1.0',
    tier: 'useCase',
    cost: 'cheap',
    models: [],
    source:
      'Statistics of the complement of the subject mask; CIEDE2000: Sharma, Wu, Dalal, Color Research and Application 30, 2005',
    dimensions: {
      'background.whiteShare': {
        direction: 'higher',
        unit: 'share',
        range: [0, 1],
        about: 'Share of the background with every channel at 245 or above; a low value means that it is not white.',
      },
      'background.stopsBelowWhite': {
        direction: 'lower',
        unit: 'stops',
        range: [0, 14],
        about: 'How far the background lies below white; a high value means that a white backdrop is underexposed.',
      },
      'background.dirt': {
        direction: 'lower',
        unit: 'dE2000',
        range: [0, 100],
        about:
          'Colour difference of the dirtiest 2.5 % of the picture, away from the subject: stains, specks, creases.',
      },
      'background.tint': {
        direction: 'lower',
        unit: 'dE2000',
        range: [0, 100],
        about: 'Distance of the background colour from the neutral it would be without a cast.',
      },
      'background.shadowShare': {
        direction: 'lower',
        unit: 'share',
        range: [0, 1],
        about:
          'Share of the picture around the subject that is darker than the background: a high value means a heavy shadow.',
      },
      'background.markShare': {
        direction: 'lower',
        unit: 'share',
        range: [0, 1],
        about: 'Share of the picture covered by marks that are not the subject, such as text.',
      },
      'background.markHeight': {
        direction: 'lower',
        unit: 'share of the height',
        range: [0, 1],
        about:
          'Height of the tallest mark that is not the subject; a high value means readable text or a stray object.',
      },
    },
  },
  assess(frame) {
    const found = frame.derive(backdrop);
    const raws: Record<keyof typeof CURVES, number> = {
      'background.whiteShare': found.white,
      'background.stopsBelowWhite': found.stopsBelowWhite,
      'background.dirt': found.dirt,
      'background.tint': found.tint,
      'background.shadowShare': found.shadow,
      'background.markShare': found.markShare,
      'background.markHeight': found.markHeight,
    };
    const scores: Record<string, Assessment> = {};
    for (const [id, curve] of Object.entries(CURVES)) {
      const raw = raws[id as keyof typeof CURVES];
      scores[id] = { status: 'ok', raw, quality: quality(raw, curve) };
    }
    return Promise.resolve(scores);
  },
};
