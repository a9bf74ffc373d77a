import { mainFace } from '../faces/faces.js';
import { faceFacts } from '../faces/facts.js';
import { middle } from '../image/geometry.js';
import { faceHeight, interEyeDistance } from '../faces/measures.js';
import { OFIQ, ofiqQuality, type OfiqMap } from '../mapping.js';
import type { Assessment, Scorer } from '../scorer.js';

/** How large the face is and how much room it has on each side. */
export const faceGeometry: Scorer = {
  spec: {
    id: 'faceGeometry',
    version: '1.0.0',
    tier: 'useCase',
    cost: 'model',
    models: [{ id: 'faceBox' }, { id: 'facemesh' }, { id: 'iris' }],
    source:
      'OFIQ 1.0.3 (ISO/IEC 29794-5): InterEyeDistance, HeadSize, LeftwardCrop, RightwardCrop, MarginAbove, MarginBelow, on the points of the face mesh',
    dimensions: {
      'faceGeometry.interEyeDistance': {
        direction: 'higher',
        unit: 'px',
        range: [0, Infinity],
        about:
          'Distance of the eyes, set right for a turned head; below 90 px a face is small for recognition and print.',
      },
      'faceGeometry.headSize': {
        direction: 'target',
        unit: 'share of the height',
        range: [0, Infinity],
        about:
          'Eyes to chin over the picture height; OFIQ wants .45 for a passport, a headshot has .15 to .35. Low: the face is far away.',
      },
      'faceGeometry.left': {
        direction: 'higher',
        unit: 'eye distances',
        range: [-Infinity, Infinity],
        about:
          'From the left edge of the picture to the eye on that side; below 1 the face is cut or squeezed against the edge.',
      },
      'faceGeometry.right': {
        direction: 'higher',
        unit: 'eye distances',
        range: [-Infinity, Infinity],
        about:
          'From the right edge of the picture to the eye on that side; below 1 the face is cut or squeezed against the edge.',
      },
      'faceGeometry.above': {
        direction: 'higher',
        unit: 'eyes to chin',
        range: [-Infinity, Infinity],
        about: 'From the upper edge to the eyes; below 1.4 the top of the head is cut.',
      },
      'faceGeometry.below': {
        direction: 'higher',
        unit: 'eyes to chin',
        range: [-Infinity, Infinity],
        about: 'From the eyes to the lower edge; below 1.8 the neck is missing, below 1 the chin.',
      },
    },
  },
  async assess(frame) {
    const face = await frame.derive(mainFace);
    const { leftEye, rightEye } = face.points;
    const eyes = interEyeDistance(face);
    const t = faceHeight(face);
    const level = middle(leftEye, rightEye)[1];
    const facts = faceFacts(face);
    const score = (raw: number, map: OfiqMap): Assessment => ({
      status: 'ok',
      raw,
      quality: ofiqQuality(map, raw),
      facts,
    });
    return {
      'faceGeometry.interEyeDistance': score(eyes / Math.cos((face.pose.yaw * Math.PI) / 180), OFIQ.InterEyeDistance),
      'faceGeometry.headSize': score(t / frame.height, OFIQ.HeadSize),
      'faceGeometry.left': score(leftEye[0] / eyes, OFIQ.LeftwardCropOfTheFaceImage),
      'faceGeometry.right': score((frame.width - rightEye[0]) / eyes, OFIQ.RightwardCropOfTheFaceImage),
      'faceGeometry.above': score(level / t, OFIQ.MarginAboveOfTheFaceImage),
      'faceGeometry.below': score((frame.height - level) / t, OFIQ.MarginBelowOfTheFaceImage),
    };
  },
};
