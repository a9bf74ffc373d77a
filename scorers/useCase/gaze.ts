import type { Eye } from '../faces/eyes.js';
import { mainFace } from '../faces/faces.js';
import { faceFacts } from '../faces/facts.js';
import { brief, roundPoint } from '../facts.js';
import { distance } from '../image/geometry.js';
import { eyeOpenness } from '../faces/measures.js';
import { falling, quality } from '../mapping.js';
import { Unassessable, type Scorer } from '../scorer.js';

const OFFSET = falling(0.16, 0.04);
/** Below this opening (of eyes to chin) a pupil is guessed, not seen. */
const MIN_OPEN = 0.03;
const MAX_YAW = 40;

/** Whether the eyes look where the face looks. */
export const gaze: Scorer = {
  spec: {
    id: 'gaze',
    version: '1.0.0',
    tier: 'useCase',
    cost: 'model',
    models: [{ id: 'faceBox' }, { id: 'facemesh' }, { id: 'iris' }],
    source:
      'Place of the pupil between the corners of the eye; pupils: Ablavatski et al., Real-time Pupil Tracking, 2020',
    dimensions: {
      'gaze.offset': {
        direction: 'lower',
        unit: 'eye widths',
        range: [0, 1],
        about:
          'How far the pupils lie to one side, mean of both eyes; 0 looks straight out of the face, above .16 the eyes look away. Advisory: no labelled set stands behind it.',
      },
    },
  },
  async assess(frame) {
    const face = await frame.derive(mainFace);
    const { left, right } = face.eyes;
    const open = eyeOpenness(face);
    if (Math.abs(face.pose.yaw) > MAX_YAW || Math.min(open.left, open.right) < MIN_OPEN)
      throw new Unassessable('not-applicable', {
        yaw: brief(face.pose.yaw),
        left: brief(open.left),
        right: brief(open.right),
      });
    // outer to inner runs rightwards in the left eye and leftwards in the right one
    const sideways = (aside(left) - aside(right)) / 2;
    const raw = Math.abs(sideways);
    return {
      'gaze.offset': {
        status: 'ok',
        raw,
        quality: quality(raw, OFFSET),
        facts: {
          box: faceFacts(face).box,
          points: [roundPoint(left.pupil), roundPoint(right.pupil)],
          sideways: brief(sideways),
          left: brief(aside(left)),
          right: brief(-aside(right)),
        },
      },
    };
  },
};

/** The pupil's place along the line from the outer to the inner corner, from its middle, in widths of the eye. */
function aside({ outer, inner, centre, pupil }: Eye): number {
  const along = (pupil[0] - centre[0]) * (inner[0] - outer[0]) + (pupil[1] - centre[1]) * (inner[1] - outer[1]);
  return along / distance(outer, inner) ** 2;
}
