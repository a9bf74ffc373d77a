import { emotionOf } from '../faces/emotion.js';
import { mainFace } from '../faces/faces.js';
import { faceFacts } from '../faces/facts.js';
import { brief } from '../facts.js';
import type { Assessment, Scorer } from '../scorer.js';

/** What the face seems to express. Advisory: good for ranking smiles, not for rejecting anybody. */
export const expression: Scorer = {
  spec: {
    id: 'expression',
    version: '1.0.0',
    tier: 'useCase',
    cost: 'model',
    models: [{ id: 'faceBox' }, { id: 'facemesh' }, { id: 'iris' }, { id: 'emotion' }],
    source:
      'Arriaga et al., Real-time Convolutional Neural Networks for Emotion and Gender Classification, 2017 (weights of @vladmandic/human)',
    dimensions: {
      'expression.happy': {
        direction: 'higher',
        unit: 'probability',
        range: [0, 1],
        about: "The network's belief in a happy face; low for a straight face too. Advisory.",
      },
      'expression.calm': {
        direction: 'higher',
        unit: 'probability',
        range: [0, 1],
        about:
          'Belief in a happy or a neutral face; low: it seems angry, afraid, sad, disgusted or surprised. Advisory: anger passes for fear.',
      },
    },
  },
  async assess(frame) {
    const face = await frame.derive(mainFace);
    const shares = await frame.derive(emotionOf);
    const facts = {
      box: faceFacts(face).box,
      ...Object.fromEntries(Object.entries(shares).map(([emotion, share]) => [emotion, brief(share)])),
    };
    const score = (raw: number): Assessment => ({ status: 'ok', raw, quality: Math.round(1000 * raw) / 10, facts });
    return {
      'expression.happy': score(shares.happy),
      'expression.calm': score(Math.min(1, shares.happy + shares.neutral)),
    };
  },
};
