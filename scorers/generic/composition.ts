import type { Area } from '../image/filters.js';
import { tiltOf, type Tilt } from '../image/tilt.js';
import { falling, quality, rising } from '../mapping.js';
import type { Assessment, Scorer } from '../scorer.js';

const CENTRE = falling(0.2, 0.05);
const AREA = rising(0.06, 0.02);
const CUT = falling(0.08, 0.02);
/** Advisory: there is no standard, and no evidence that people agree. */
const THIRDS = falling(0.17, 0.04);
const TILT = falling(2, 0.5);
const HEADROOM = rising(0.01, 0.004);
const NO_SUBJECT: Assessment = { status: 'unassessable', reason: 'no-subject' };

/** Where the subject lies and whether the frame cuts it. */
export const composition: Scorer = {
  spec: {
    id: 'composition',
    version: '1.1.0',
    tier: 'generic',
    cost: 'cheap',
    models: [],
    source:
      'Geometry of the subject mask (scorers/image/subject.ts); tilt: mode of the directions of the strongest edges (scorers/image/tilt.ts)',
    dimensions: {
      'composition.subjectArea': {
        direction: 'higher',
        unit: 'share',
        range: [0, 1],
        about: 'Share of the picture that the subject covers; 0 means that nothing stands out from the background.',
      },
      'composition.centre': {
        direction: 'lower',
        unit: 'share of the diagonal',
        range: [0, 1],
        about: 'Distance of the middle of the subject from the middle of the picture; a high value means off centre.',
      },
      'composition.edgeCut': {
        direction: 'lower',
        unit: 'share of the box outline',
        range: [0, 1],
        about: 'How much of the subject lies against the frame; above 0 means that the subject is cut off.',
      },
      'composition.headroom': {
        direction: 'target',
        unit: 'share of the height',
        range: [0, 1],
        about: 'Room between the top of the subject and the top of the picture; 0 means that it touches. Advisory.',
      },
      'composition.thirds': {
        direction: 'target',
        unit: 'share of the diagonal',
        range: [0, 1],
        about:
          'Distance of the subject from the nearest crossing of the third lines; about 0.2 in the middle. Advisory.',
      },
      'composition.horizonTilt': {
        direction: 'lower',
        unit: 'degrees',
        range: [0, 15],
        about: 'How far the main lines are off level or upright; a high value means a tilted camera. Advisory.',
      },
    },
  },
  assess(frame) {
    const {
      subject,
      scale,
      working: { width, height },
    } = frame;
    const { found, share, box, centre } = subject;
    const area: Assessment = {
      status: 'ok',
      raw: found ? share : 0,
      quality: found ? quality(share, AREA) : 0,
      facts: { found, ...(found && { box: fullSize(box, scale) }) },
    };
    const tilt = tiltScore(frame.derive(tiltOf));
    if (!found)
      return Promise.resolve({
        'composition.subjectArea': area,
        'composition.centre': NO_SUBJECT,
        'composition.edgeCut': NO_SUBJECT,
        'composition.headroom': NO_SUBJECT,
        'composition.thirds': NO_SUBJECT,
        'composition.horizonTilt': tilt,
      });
    const { left, top, right, bottom } = box;
    const offX = (left + right + 1) / 2 - width / 2;
    const offY = (top + bottom + 1) / 2 - height / 2;
    const off = Math.hypot(offX, offY) / Math.hypot(width, height);
    const touched = onFrame(subject.mask, width, height);
    const total = Object.values(touched).reduce((sum, count) => sum + count, 0);
    const cut = Math.min(1, total / (2 * (right - left + bottom - top + 2)));
    const sides = Object.entries(touched).flatMap(([side, count]) => (count > 0 ? [side] : []));
    const headroom = top / height;
    const thirds = Math.min(
      ...[1 / 3, 2 / 3].flatMap((x) =>
        [1 / 3, 2 / 3].map((y) => Math.hypot((centre.x - x) * width, (centre.y - y) * height)),
      ),
    );
    const fromThirds = thirds / Math.hypot(width, height);
    return Promise.resolve({
      'composition.subjectArea': area,
      'composition.centre': { status: 'ok', raw: off, quality: quality(off, CENTRE) },
      'composition.edgeCut': { status: 'ok', raw: cut, quality: quality(cut, CUT), facts: { sides } },
      'composition.headroom': { status: 'ok', raw: headroom, quality: quality(headroom, HEADROOM) },
      'composition.thirds': { status: 'ok', raw: fromThirds, quality: quality(fromThirds, THIRDS) },
      'composition.horizonTilt': tilt,
    });
  },
};

function tiltScore({ degrees, share, edges }: Tilt): Assessment {
  if (Number.isNaN(degrees)) return { status: 'unassessable', reason: 'not-applicable', facts: { share, edges } };
  const raw = Math.abs(degrees);
  return { status: 'ok', raw, quality: quality(raw, TILT), facts: { degrees, share, edges } };
}

/** An inclusive box of working pixels as one of full-size pixels. */
const fullSize = (box: Area, scale: number) => {
  const px = (v: number): number => Math.round(10 * v * scale) / 10;
  return {
    left: px(box.left),
    top: px(box.top),
    width: px(box.right - box.left + 1),
    height: px(box.bottom - box.top + 1),
  };
};

/** Subject pixels that lie on each side of the frame; a corner counts for the side it is found on first. */
function onFrame(mask: Uint8Array, width: number, height: number) {
  const sides = { top: 0, bottom: 0, left: 0, right: 0 };
  for (let x = 0; x < width; x++) {
    if (mask[x] === 1) sides.top++;
    if (mask[(height - 1) * width + x] === 1) sides.bottom++;
  }
  for (let y = 1; y < height - 1; y++) {
    if (mask[y * width] === 1) sides.left++;
    if (mask[y * width + width - 1] === 1) sides.right++;
  }
  return sides;
}
