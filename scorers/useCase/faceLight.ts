import { cheeksOf } from '../faces/cheeks.js';
import { mainFace } from '../faces/faces.js';
import { faceFacts } from '../faces/facts.js';
import { brief } from '../facts.js';
import { faceLightOf } from '../faces/light.js';
import { falling, OFIQ, ofiqQuality, quality, type OfiqMap } from '../mapping.js';
import type { Assessment, Scorer } from '../scorer.js';

/** One stop between the cheeks is dramatic light. */
const BALANCE = falling(1, 0.25);

/** How light falls on the face. */
export const faceLight: Scorer = {
  spec: {
    id: 'faceLight',
    version: '1.0.0',
    tier: 'useCase',
    cost: 'model',
    models: [{ id: 'faceBox' }, { id: 'facemesh' }, { id: 'iris' }],
    source:
      'OFIQ 1.0.3 (ISO/IEC 29794-5): IlluminationUniformity, LuminanceMean, UnderExposurePrevention, OverExposurePrevention, DynamicRange; balance: medians of the cheek zones',
    dimensions: {
      'faceLight.balance': {
        direction: 'lower',
        unit: 'stops',
        range: [0, Infinity],
        about: 'Brightness of one cheek against the other; 1 stop means one side twice as bright.',
      },
      'faceLight.uniformity': {
        direction: 'higher',
        unit: 'histogram intersection',
        range: [0, 1],
        about:
          'How alike the light on both cheeks is; evenly lit faces have .2 and more, at 0 a hard shadow lies on one side.',
      },
      'faceLight.mean': {
        direction: 'target',
        unit: 'linear luminance',
        range: [0, 1],
        about:
          'Mean luminance of the face; below .2 it is dark (dark skin lies there too: compare with a reference instead), above .8 washed out.',
      },
      'faceLight.under': {
        direction: 'lower',
        unit: 'share',
        range: [0, 1],
        about: 'Share of the face that is nearly black; high: the face is in the dark.',
      },
      'faceLight.over': {
        direction: 'lower',
        unit: 'share',
        range: [0, 1],
        about: 'Share of the face that is nearly white; a few per cent are hard highlights.',
      },
      'faceLight.dynamicRange': {
        direction: 'higher',
        unit: 'bits',
        range: [0, 8],
        about: 'Entropy of the luminance of the face; below 5 it is flat, too dark or washed out.',
      },
    },
  },
  async assess(frame) {
    const face = await frame.derive(mainFace);
    const light = await frame.derive(faceLightOf);
    const { left, right, clipped } = await frame.derive(cheeksOf);
    const facts = { box: faceFacts(face).box };
    const turnedAway: Assessment = { status: 'unassessable', reason: 'not-applicable', facts };
    const balance = Math.log2(left / right);
    const score = (raw: number, map: OfiqMap): Assessment => ({
      status: 'ok',
      raw,
      quality: ofiqQuality(map, raw),
      facts,
    });
    return {
      'faceLight.balance': Number.isFinite(balance)
        ? {
            status: 'ok',
            raw: Math.abs(balance),
            quality: quality(Math.abs(balance), BALANCE),
            facts: {
              ...facts,
              brighter: balance > 0 ? 'left' : 'right',
              left: brief(left),
              right: brief(right),
              clipped: brief(clipped),
            },
          }
        : turnedAway,
      'faceLight.uniformity': Number.isNaN(light.uniformity)
        ? turnedAway
        : score(light.uniformity, OFIQ.IlluminationUniformity),
      'faceLight.mean': score(light.mean, OFIQ.LuminanceMean),
      'faceLight.under': score(light.under, OFIQ.UnderExposurePrevention),
      'faceLight.over': score(light.over, OFIQ.OverExposurePrevention),
      'faceLight.dynamicRange': score(light.range, OFIQ.DynamicRange),
    };
  },
};
