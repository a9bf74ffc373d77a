import { findLogo, markOf, type Sighting } from '../image/logo-search.js';
import { quality, rising } from '../mapping.js';
import { Unassessable, type Assessment, type Scorer } from '../scorer.js';

/** Quality says how surely the logo is there; whether it should be is the policy's. */
const SEEN = rising(0.65, 0.05);
/** A place belongs to the subject when the subject covers at least this share of its box. */
const ON = 0.5;

/**
 * Whether a known logo is in the picture, on the subject or beside it. Reads `named.logo`: the logo, best on a plain background that it stands
 * out from.
 */
export const logo: Scorer = {
  spec: {
    id: 'logo',
    version: '1.0.0',
    tier: 'business',
    cost: 'model',
    models: [],
    source:
      'Normalised cross-correlation (Lewis, "Fast normalized cross-correlation", 1995) over sizes, turns up to 7.5 degrees and places, geometric ' +
      'mean of brightness and gradient magnitude',
    dimensions: {
      'logo.score': {
        direction: 'target',
        unit: 'correlation',
        range: [0, 1],
        about:
          'How much the most similar place looks like the logo; a high value means that the logo is in the picture.',
      },
      'logo.onSubject': {
        direction: 'higher',
        unit: 'correlation',
        range: [0, 1],
        about: 'The same on the subject; a low value means that the logo is missing on it, hidden, bent or redrawn.',
      },
      'logo.background': {
        direction: 'lower',
        unit: 'correlation',
        range: [0, 1],
        about: 'The same beside the subject; a high value means that the logo is in the background.',
      },
    },
  },
  async assess(frame, { named }) {
    await Promise.resolve();
    const reference = named?.['logo'];
    if (reference === undefined)
      throw new Unassessable('no-reference', { hint: 'declare `named: { logo: <image input> }` in the template' });
    const mark = reference.derive(markOf);
    if (mark === undefined)
      throw new Unassessable('no-reference', {
        detail: 'the logo does not stand out from its background; a white logo needs a dark one, transparent is white',
      });
    const all = findLogo(frame, mark);
    const on = all.filter(({ onSubject }) => onSubject >= ON);
    const beside = all.filter(({ onSubject }) => onSubject < ON);
    const { found } = frame.subject;
    return {
      'logo.score': assessment(all[0], (raw) => quality(raw, SEEN)),
      'logo.onSubject': found
        ? assessment(on[0], (raw) => quality(raw, SEEN))
        : { status: 'unassessable', reason: 'no-subject' },
      'logo.background': assessment(beside[0], (raw) => Math.round(10 * (100 - quality(raw, SEEN))) / 10),
    };
  },
};

function assessment(best: Sighting | undefined, map: (raw: number) => number): Assessment {
  const raw = best?.score ?? 0;
  return { status: 'ok', raw, quality: map(raw), ...(best && { facts: factsOf(best) }) };
}

const factsOf = ({ box, turn, brightness, edges }: Sighting): Record<string, unknown> => ({
  box: Object.fromEntries(Object.entries(box).map(([side, v]) => [side, Math.round(10 * v) / 10])),
  turn: Math.round(10 * turn) / 10,
  negative: brightness < 0,
  brightness: Math.round(1000 * brightness) / 1000,
  edges: Math.round(1000 * edges) / 1000,
});
