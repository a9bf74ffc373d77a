import { mainFace } from '../faces/faces.js';
import { faceFacts } from '../faces/facts.js';
import { mouthOpening } from '../faces/measures.js';
import { OFIQ, ofiqQuality } from '../mapping.js';
import type { Scorer } from '../scorer.js';

/** Whether the mouth is closed. */
export const mouth: Scorer = {
  spec: {
    id: 'mouth',
    version: '1.0.0',
    tier: 'useCase',
    cost: 'model',
    models: [{ id: 'faceBox' }, { id: 'facemesh' }, { id: 'iris' }],
    source: 'OFIQ 1.0.3 MouthClosed (ISO/IEC 29794-5) on the inner lips of the face mesh',
    dimensions: {
      'mouth.opening': {
        direction: 'lower',
        unit: 'eyes to chin',
        range: [0, 1],
        about:
          'Gap between the inner lips over the distance from eyes to chin; above .05 teeth show, above .2 the mouth gapes.',
      },
    },
  },
  async assess(frame) {
    const face = await frame.derive(mainFace);
    const raw = mouthOpening(face);
    return {
      'mouth.opening': { status: 'ok', raw, quality: ofiqQuality(OFIQ.MouthClosed, raw), facts: faceFacts(face) },
    };
  },
};
