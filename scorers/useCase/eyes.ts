import { mainFace } from '../faces/faces.js';
import { faceFacts } from '../faces/facts.js';
import { brief, roundPoint } from '../facts.js';
import { eyeOpenness } from '../faces/measures.js';
import { OFIQ, ofiqQuality } from '../mapping.js';
import { Unassessable, type Scorer } from '../scorer.js';

/** Beyond this yaw the far eye is hidden by the nose, degrees. */
const MAX_YAW = 40;

/** Whether both eyes are open. */
export const eyes: Scorer = {
  spec: {
    id: 'eyes',
    version: '1.0.0',
    tier: 'useCase',
    cost: 'model',
    models: [{ id: 'faceBox' }, { id: 'facemesh' }, { id: 'iris' }],
    source:
      'OFIQ 1.0.3 EyesOpen (ISO/IEC 29794-5) on the lids of the iris network; aspect ratio: Soukupova and Cech, Real-Time Eye Blink Detection using Facial Landmarks, 2016',
    dimensions: {
      'eyes.open': {
        direction: 'higher',
        unit: 'eyes to chin',
        range: [0, 1],
        about:
          'Opening of the smaller eye over the distance from eyes to chin. Open eyes of photos read .045 and more, closed ones .01 to .025; below .03 they are shut, .03 to .05 is narrowed by a laugh or a look down.',
      },
    },
  },
  async assess(frame) {
    const face = await frame.derive(mainFace);
    const { left, right } = face.eyes;
    if (Math.abs(face.pose.yaw) > MAX_YAW) throw new Unassessable('not-applicable', { yaw: brief(face.pose.yaw) });
    const open = eyeOpenness(face);
    const raw = Math.min(open.left, open.right);
    return {
      'eyes.open': {
        status: 'ok',
        raw,
        quality: ofiqQuality(OFIQ.EyesOpen, raw),
        facts: {
          box: faceFacts(face).box,
          polygons: [left.contour.map(roundPoint), right.contour.map(roundPoint)],
          left: brief(open.left),
          right: brief(open.right),
          aspectLeft: brief(left.aspect),
          aspectRight: brief(right.aspect),
        },
      },
    };
  },
};
