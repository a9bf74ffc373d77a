import { mainFace } from '../faces/faces.js';
import { faceFacts } from '../faces/facts.js';
import { OFIQ, ofiqQuality } from '../mapping.js';
import type { Assessment, Scorer } from '../scorer.js';

/** How the head is turned. */
export const pose: Scorer = {
  spec: {
    id: 'pose',
    version: '1.0.0',
    tier: 'useCase',
    cost: 'model',
    models: [{ id: 'faceBox' }, { id: 'facemesh' }, { id: 'iris' }],
    source:
      'Axes of the face mesh (scorers/faces/pose.ts); maps: OFIQ 1.0.3 HeadPoseYaw, HeadPosePitch, HeadPoseRoll (ISO/IEC 29794-5)',
    dimensions: {
      'pose.yaw': {
        direction: 'target',
        unit: 'degrees',
        range: [-90, 90],
        about:
          'Head turned sideways, positive towards the right side of the picture; beyond 25 either way it is no frontal portrait.',
      },
      'pose.pitch': {
        direction: 'target',
        unit: 'degrees',
        range: [-180, 180],
        about: 'Head raised (positive) or bent down (negative); a camera above eye level reads as bent down.',
      },
      'pose.roll': {
        direction: 'target',
        unit: 'degrees',
        range: [-180, 180],
        about: 'Head leaned to a side, positive clockwise in the picture.',
      },
    },
  },
  async assess(frame) {
    const face = await frame.derive(mainFace);
    const facts = faceFacts(face);
    const score = (raw: number, map: keyof typeof OFIQ): Assessment => ({
      status: 'ok',
      raw,
      quality: ofiqQuality(OFIQ[map], raw),
      facts,
    });
    return {
      'pose.yaw': score(face.pose.yaw, 'HeadPoseYaw'),
      'pose.pitch': score(face.pose.pitch, 'HeadPosePitch'),
      'pose.roll': score(face.pose.roll, 'HeadPoseRoll'),
    };
  },
};
