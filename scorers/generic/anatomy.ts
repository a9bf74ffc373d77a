import { faceResidual, faceSymmetry, type Misfit } from '../faces/build.js';
import { facesOf, type Face } from '../faces/faces.js';
import { faceHeight } from '../faces/measures.js';
import { brief, round, roundBox, roundPoint } from '../facts.js';
import { handCandidates, handsOf, type Hand } from '../hands/hands.js';
import { handShape } from '../hands/shape.js';
import { falling, quality, rising, type Sigmoid } from '../mapping.js';
import { peopleOf } from '../people.js';
import { unlessUnassessable, Unassessable, type Assessment, type Scorer } from '../scorer.js';

const BELIEF = rising(0.8, 0.06);
const LENGTH = falling(1, 0.2);
/** Faces as shot read up to .083 and .049 on the six photos of the tests; these curves are not held out (docs/accuracy.md). */
const RESIDUAL = falling(0.08, 0.015);
const SYMMETRY = falling(0.07, 0.012);
/** Smaller faces are guessed, px from the eyes to the chin. */
const LEAST_FACE = 40;
/** Faces turned further than this show one half only, degrees. */
const [TURNED, NODDED] = [15, 25];
/** Quality lost with each hand too many. */
const LOSS = 60;
const HANDS_EACH = 2;
/** From here on the detector means it. */
const DETECTED = 0.5;

/** Whether hands and faces are built as they are on people, and hands are not too many. */
export const anatomy: Scorer = {
  spec: {
    id: 'anatomy',
    version: '1.1.0',
    tier: 'generic',
    cost: 'model',
    models: [
      { id: 'handtrack' },
      { id: 'handlandmark' },
      { id: 'centernet', optional: true },
      { id: 'faceBox', optional: true },
      { id: 'facemesh', optional: true },
      { id: 'iris', optional: true },
    ],
    source:
      'Zhang et al., "MediaPipe Hands", 2020: 21 points; proportions of adult hands (scorers/hands/shape.ts); faces: Procrustes residuals (Gower, Psychometrika 40, 1975)',
    dimensions: {
      'anatomy.hands': {
        direction: 'target',
        unit: 'hands',
        range: [0, 100],
        about: 'How many hands are seen; hands that hold something or are far away may be missed.',
      },
      'anatomy.extraHands': {
        direction: 'lower',
        unit: 'hands',
        range: [0, 100],
        about: 'Hands beyond two for each person that is seen; 1 means that somebody has three.',
      },
      'anatomy.handBelief': {
        direction: 'higher',
        unit: 'share',
        range: [0, 1],
        about:
          'How much the worst hand looks like one to a network trained on real hands, from 0.65 on; below it sees none.',
      },
      'anatomy.fingerLength': {
        direction: 'lower',
        unit: 'octaves',
        range: [0, 10],
        about: 'How far the worst finger is too long or too short for its palm; 1 means twice or half its length.',
      },
      'anatomy.faceResidual': {
        direction: 'lower',
        unit: 'share of eyes to chin',
        range: [0, 10],
        about:
          'How far detector and mesh disagree about eyes, nose and mouth of the worst face. A weak sign of a distorted face: for people to look at, not for gates.',
      },
      'anatomy.faceSymmetry': {
        direction: 'lower',
        unit: 'share of eyes to chin',
        range: [0, 10],
        about:
          'How far the halves of the worst face that looks ahead differ. A weak sign of a distorted face; expressions read as asymmetry too.',
      },
    },
  },
  async assess(frame) {
    const hands = await frame.derive(handsOf);
    const people = await unlessUnassessable(() => frame.derive(peopleOf));
    const shapes = hands.map(handShape);
    const facts = { boxes: hands.map(boxFact), polygons: hands.map(outline), extended: shapes.map((s) => s.extended) };
    const none: Assessment = { status: 'unassessable', reason: 'not-applicable', facts: { hands: 0 } };
    const candidates = await frame.derive(handCandidates);
    // in real photos too the detector means some that are no hands, so these are for people to look at
    const doubted = candidates.filter((one) => one.found >= DETECTED && !hands.includes(one)).map(boxFact);
    const belief = Math.min(...hands.map(({ score }) => score));
    const length = Math.max(...shapes.map(({ worstLength }) => worstLength));
    const faces = await unlessUnassessable(() => frame.derive(facesOf));
    return {
      ...faceBuild(faces),
      'anatomy.hands': { status: 'ok', raw: hands.length, quality: 100, facts },
      'anatomy.extraHands':
        people instanceof Unassessable ? people.assessment : extraHands({ hands: hands.length, people: people.length }),
      'anatomy.handBelief':
        hands.length === 0 ? none : { status: 'ok', raw: belief, quality: quality(belief, BELIEF), facts: { doubted } },
      'anatomy.fingerLength':
        hands.length === 0 ? none : { status: 'ok', raw: length, quality: quality(length, LENGTH) },
    };
  },
};

/**
 * Hands beyond two each. A picture of a hand alone shows no person to the detector, but has one.
 *
 * @example
 * extraHands({ hands: 3, people: 1 }); // raw 1
 */
export function extraHands({ hands, people }: { hands: number; people: number }): Assessment {
  const extra = Math.max(0, hands - HANDS_EACH * Math.max(1, people));
  return { status: 'ok', raw: extra, quality: Math.max(0, 100 - LOSS * extra), facts: { hands, people } };
}

function faceBuild(faces: readonly Face[] | Unassessable): Record<string, Assessment> {
  const measured = (curve: Sigmoid, measure: (face: Face) => Misfit | Unassessable): Assessment => {
    if (faces instanceof Unassessable) return faces.assessment;
    const all = faces.map((face) => ({ face, found: measure(face) }));
    const known = all.flatMap(({ face, found }) => (found instanceof Unassessable ? [] : [{ face, found }]));
    const first = all[0]?.found;
    if (known.length === 0) return (first instanceof Unassessable ? first : new Unassessable('no-face')).assessment;
    const { face, found } = known.reduce((worst, one) => (one.found.raw > worst.found.raw ? one : worst));
    const facts = {
      box: roundBox(face.box),
      points: { [found.worst.name]: roundPoint(found.worst.at) },
      faces: faces.length,
      measured: known.length,
    };
    return { status: 'ok', raw: found.raw, quality: quality(found.raw, curve), facts };
  };
  return {
    'anatomy.faceResidual': measured(RESIDUAL, (face) => tooSmall(face) ?? faceResidual(face)),
    'anatomy.faceSymmetry': measured(SYMMETRY, (face) => tooSmall(face) ?? turned(face) ?? faceSymmetry(face)),
  };
}

function tooSmall(face: Face): Unassessable | undefined {
  const height = faceHeight(face);
  return height < LEAST_FACE ? new Unassessable('too-small', { face: round(height), needed: LEAST_FACE }) : undefined;
}

function turned({ pose: { yaw, pitch } }: Face): Unassessable | undefined {
  if (Math.abs(yaw) <= TURNED && Math.abs(pitch) <= NODDED) return undefined;
  return new Unassessable('not-applicable', { why: 'the face is turned away', yaw: round(yaw), pitch: round(pitch) });
}

const boxFact = ({ box, score }: Hand): Record<string, number | string> => ({
  ...roundBox(box),
  label: 'hand',
  score: brief(score),
});

/** Wrist, finger tips: what a person sees at a glance. */
const outline = ({ points }: Hand): [number, number][] =>
  [0, 4, 8, 12, 16, 20].flatMap((i) => points.slice(i, i + 1).map(roundPoint));
