import { falling, quality } from '../mapping.js';
import type { Scorer } from '../scorer.js';
import { factOf } from '../business/text.js';
import { textLines } from '../text/lines.js';
import { closest, plain } from '../text/words.js';

const DISTANCE = falling(0.12, 0.04);

/** The text of a product's label against the text it must have: `expect: { text: 'ACME soap' }`. */
export const label: Scorer = {
  spec: {
    id: 'label',
    version: '1.0.0',
    tier: 'useCase',
    cost: 'model',
    models: [{ id: 'textDetection' }, { id: 'textReading' }],
    source:
      'PP-OCRv4 (github.com/PaddlePaddle/PaddleOCR); edit distance: Levenshtein, Soviet Physics Doklady 10, 1966, on letters and digits without case',
    dimensions: {
      'label.distance': {
        direction: 'lower',
        unit: 'characters',
        range: [0, Infinity],
        about: 'Characters to insert, delete or change until the label reads as expected; 0 means equal.',
      },
    },
  },
  async assess(frame, { expect }) {
    const expected = typeof expect?.['text'] === 'string' ? expect['text'] : '';
    const { length } = Array.from(plain(expected));
    if (length === 0)
      return {
        'label.distance': {
          status: 'unassessable',
          reason: 'not-applicable',
          facts: { hint: 'no text is expected: declare `expect: { text: … }` in the template' },
        },
      };
    const lines = await frame.derive(textLines);
    const { distance, read } = closest(lines, expected);
    return {
      'label.distance': {
        status: 'ok',
        raw: distance,
        quality: quality(distance / length, DISTANCE),
        facts: { expected, read, lines: lines.map(factOf) },
      },
    };
  },
};
