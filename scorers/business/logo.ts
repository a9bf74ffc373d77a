import { pictureEmbedding } from '../clip/clip.js';
import { brief, round, roundBox } from '../facts.js';
import type { Frame } from '../frame.js';
import type { Box } from '../image/geometry.js';
import type { Mark } from '../image/logo-match.js';
import { findLogo, markOf, type Sighting } from '../image/logo-search.js';
import { picturePart } from '../image/opponents.js';
import { quality, rising } from '../mapping.js';
import { Unassessable, unlessUnassessable, type Assessment, type Scorer } from '../scorer.js';
import { dot } from '../vectors.js';

/** Quality says how surely the logo is there; whether it should be is the policy's. */
const SEEN = rising(0.65, 0.05);
/** A place belongs to the subject when the subject covers at least this share of its box. */
const ON = 0.5;
/** Unmeasured: where the middle lies for a given model is for a policy that was tuned with it. */
const COSINE = rising(0.8, 0.05);
/** Of all places only so many of the best are embedded: each costs a run of the image tower. */
const EMBEDDED = 2;

/**
 * Whether a known logo is in the picture, on the subject or beside it. Reads `named.logo`: the logo, best on a plain background that it stands
 * out from.
 */
export const logo: Scorer = {
  spec: {
    id: 'logo',
    version: '2.0.0',
    tier: 'business',
    cost: 'model',
    models: [{ id: 'clip', optional: true }],
    source:
      'Normalised cross-correlation (Lewis, "Fast normalized cross-correlation", 1995) over sizes, turns up to 7.5 degrees and places, on ' +
      'brightness and on the directions of colour edges (Di Zenzo, 1986; Steger, 2002); cosine of CLIP image embeddings (Radford et al., ICML 2021)',
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
      'logo.likeness': {
        direction: 'higher',
        unit: 'cosine',
        range: [-1, 1],
        about:
          'Likeness of the most similar place to the logo, to an image model; a low value means that it shows something else. Not comparable between models.',
      },
    },
  },
  async assess(frame, { named }) {
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
      'logo.likeness': await likeness(frame, { reference, places: all.slice(0, EMBEDDED) }),
    };
  },
};

function assessment(best: Sighting | undefined, map: (raw: number) => number): Assessment {
  const raw = best?.score ?? 0;
  return { status: 'ok', raw, quality: map(raw), ...(best && { facts: factsOf(best) }) };
}

/** The place that looks most like the logo to the image model. */
async function likeness(
  frame: Frame,
  { reference, places }: { reference: Frame; places: readonly Sighting[] },
): Promise<Assessment> {
  const found = await unlessUnassessable(async () => {
    const logo = await reference.derive(logoEmbedding);
    const cosines: { cosine: number; box: Box }[] = [];
    for (const { box } of places)
      cosines.push({ cosine: dot(logo, await pictureEmbedding(frame.models, shown(frame, box))), box });
    return cosines.sort((a, b) => b.cosine - a.cosine)[0];
  });
  if (found instanceof Unassessable) return found.assessment;
  if (found === undefined) return { status: 'unassessable', reason: 'not-applicable' };
  const raw = Math.min(1, Math.max(-1, found.cosine));
  return { status: 'ok', raw, quality: quality(raw, COSINE), facts: { box: roundBox(found.box) } };
}

/** Of the part of the reference that is the logo; it has one, or nothing would be looked for. */
const logoEmbedding = (reference: Frame): Promise<Float32Array> =>
  pictureEmbedding(reference.models, shown(reference, (reference.derive(markOf) as Mark).box));

/** A box as a picture, cut to what is in the frame. */
function shown(frame: Frame, box: Box): ReturnType<typeof picturePart> {
  const within = (v: number, most: number): number => Math.min(most, Math.max(0, Math.round(v)));
  const [left, top] = [within(box.left, frame.width - 1), within(box.top, frame.height - 1)];
  const width = Math.max(1, within(box.left + box.width, frame.width) - left);
  const height = Math.max(1, within(box.top + box.height, frame.height) - top);
  return picturePart(frame, { left, top, width, height });
}

const factsOf = ({ box, turn, brightness, edges }: Sighting): Record<string, unknown> => ({
  box: roundBox(box),
  turn: round(turn),
  negative: brightness < 0,
  brightness: brief(brightness),
  edges: brief(edges),
});
