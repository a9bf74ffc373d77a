import { faceDetail } from '../faces/detail.js';
import { mainFace } from '../faces/faces.js';
import { faceFacts } from '../faces/facts.js';
import { brief } from '../facts.js';
import { quality, rising } from '../mapping.js';
import type { Scorer } from '../scorer.js';

const DETAIL = rising(20, 8);

/** How sharp the face itself is, whatever is sharp around it. */
export const faceSharpness: Scorer = {
  spec: {
    id: 'faceSharpness',
    version: '1.0.0',
    tier: 'useCase',
    cost: 'model',
    models: [{ id: 'faceBox' }, { id: 'facemesh' }, { id: 'iris' }],
    source:
      'Variance of the Laplacian (Pech-Pacheco et al., ICPR 2000) in the face at 256 px, noise term 20 sigma^2 taken out, relative to the brightness of the face',
    dimensions: {
      'faceSharpness.detail': {
        direction: 'higher',
        unit: 'grey levels squared',
        range: [0, Infinity],
        about:
          'Laplacian variance of the crispest tenth of the face at 256 px; a low value means that the face is out of focus, shaken or smoothed.',
      },
    },
  },
  async assess(frame) {
    const face = await frame.derive(mainFace);
    const { detail, noise, side } = await frame.derive(faceDetail);
    return {
      'faceSharpness.detail': {
        status: 'ok',
        raw: detail,
        quality: quality(detail, DETAIL),
        facts: { box: faceFacts(face).box, noiseRemoved: brief(noise), faceSide: Math.round(side) },
      },
    };
  },
};
