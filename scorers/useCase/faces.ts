import { facesOf } from '../faces/faces.js';
import { brief, roundBox } from '../facts.js';
import { OFIQ, ofiqQuality } from '../mapping.js';
import type { Scorer } from '../scorer.js';

/** How many faces there are, and whether one of them is the subject. */
export const faces: Scorer = {
  spec: {
    id: 'faces',
    version: '1.0.0',
    tier: 'useCase',
    cost: 'model',
    models: [{ id: 'faceBox' }, { id: 'facemesh' }, { id: 'iris' }],
    source:
      'BlazeFace (Bazarevsky et al. 2019), confirmed by the face mesh; ratio: OFIQ 1.0.3 SingleFacePresent (ISO/IEC 29794-5)',
    dimensions: {
      'faces.count': {
        direction: 'target',
        unit: 'faces',
        range: [0, Infinity],
        about:
          'Faces seen in the picture; a headshot has exactly 1. Faces below about a fiftieth of the long side are not seen.',
      },
      'faces.second': {
        direction: 'lower',
        unit: 'area ratio',
        range: [0, 1],
        about:
          'Area of the second largest face over the largest; 0 with one face, towards 1 when two people share the picture.',
      },
    },
  },
  async assess(frame) {
    const found = await frame.derive(facesOf);
    const boxes = found.map(({ box, score }, i) => ({ ...roundBox(box), label: `face ${i + 1}`, score: brief(score) }));
    const count = { status: 'ok', raw: found.length, quality: found.length === 1 ? 100 : 0, facts: { boxes } } as const;
    const [first, second] = found.map(({ box }) => box.width * box.height);
    if (first === undefined)
      return { 'faces.count': count, 'faces.second': { status: 'unassessable', reason: 'no-face' } };
    const raw = (second ?? 0) / first;
    return {
      'faces.count': count,
      'faces.second': { status: 'ok', raw, quality: ofiqQuality(OFIQ.SingleFacePresent, raw), facts: { boxes } },
    };
  },
};
