import { falling, quality, rising } from '../mapping.js';
import type { Assessment, Scorer } from '../scorer.js';

const CENTRE = falling(0.2, 0.05);
const AREA = rising(0.06, 0.02);
const CUT = falling(0.08, 0.02);
const NO_SUBJECT: Assessment = { status: 'unassessable', reason: 'no-subject' };

/** Where the subject lies and whether the frame cuts it. */
export const composition: Scorer = {
  spec: {
    id: 'composition',
    version: '1.0.0',
    tier: 'generic',
    cost: 'cheap',
    models: [],
    source: 'Geometry of the subject mask (scorers/image/subject.ts)',
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
    },
  },
  assess({ subject, working: { width, height } }) {
    const area: Assessment = {
      status: 'ok',
      raw: subject.share,
      quality: quality(subject.share, AREA),
      facts: { found: subject.found, box: subject.box, width, height },
    };
    if (!subject.found)
      return Promise.resolve({
        'composition.subjectArea': { ...area, raw: 0, quality: 0 },
        'composition.centre': NO_SUBJECT,
        'composition.edgeCut': NO_SUBJECT,
      });
    const { left, top, right, bottom } = subject.box;
    const offX = (left + right + 1) / 2 - width / 2;
    const offY = (top + bottom + 1) / 2 - height / 2;
    const off = Math.hypot(offX, offY) / Math.hypot(width, height);
    const cut = Math.min(1, onFrame(subject.mask, width, height) / (2 * (right - left + bottom - top + 2)));
    return Promise.resolve({
      'composition.subjectArea': area,
      'composition.centre': { status: 'ok', raw: off, quality: quality(off, CENTRE) },
      'composition.edgeCut': { status: 'ok', raw: cut, quality: quality(cut, CUT) },
    });
  },
};

/** Subject pixels that lie on the frame's border. */
function onFrame(mask: Uint8Array, width: number, height: number): number {
  let count = 0;
  for (let x = 0; x < width; x++) {
    if (mask[x] === 1) count++;
    if (mask[(height - 1) * width + x] === 1) count++;
  }
  for (let y = 1; y < height - 1; y++) {
    if (mask[y * width] === 1) count++;
    if (mask[y * width + width - 1] === 1) count++;
  }
  return count;
}
