import type { Frame } from '../frame.js';
import { exposedDistance, paletteDistance, paletteOf, type Swatch } from '../image/palette.js';
import { core, subjectRegion } from '../image/region.js';
import { falling, quality } from '../mapping.js';
import { Unassessable, type Assessment, type Scorer } from '../scorer.js';

const DISTANCE = falling(12, 3);
const MATCHED = falling(8, 2);

/** Dominant colours of the subject, without its outline. @throws Unassessable no-subject */
export function subjectPalette(frame: Frame): Swatch[] {
  if (!frame.subject.found) throw new Unassessable('no-subject');
  return paletteOf(frame.lab, core(frame.derive(subjectRegion)).mask);
}

/**
 * Whether the product has the colours of its reference pictures. Reads `references`; of several, the one that comes nearest counts (the same
 * product is seen from several sides).
 */
export const productColour: Scorer = {
  spec: {
    id: 'productColour',
    version: '1.1.0',
    tier: 'useCase',
    cost: 'cheap',
    models: [],
    source:
      "Earth mover's distance (Rubner, Tomasi, Guibas, IJCV 40, 2000) between the dominant colours of the subjects, in CIEDE2000 " +
      '(Sharma, Wu, Dalal, Color Research and Application 30, 2005)',
    dimensions: {
      'productColour.distance': {
        direction: 'lower',
        unit: 'dE2000',
        range: [0, 150],
        about:
          "Distance of the product's colours from the reference's; a high value means another colour or other light.",
      },
      'productColour.matched': {
        direction: 'lower',
        unit: 'dE2000',
        range: [0, 150],
        about:
          'The same after exposure is matched within 2 stops; a high value means another colour. Light and dark of one hue read alike.',
      },
    },
  },
  async assess(frame, { references }) {
    await Promise.resolve();
    const theirs = (references ?? []).filter(({ subject }) => subject.found).map((one) => one.derive(subjectPalette));
    if (theirs.length === 0) throw new Unassessable('no-reference');
    const own = frame.derive(subjectPalette);
    const least = (values: number[]): number => values.indexOf(Math.min(...values));
    const distances = theirs.map((palette) => paletteDistance(own, palette));
    const matched = theirs.map((palette) => exposedDistance(own, palette));
    const [at, matchedAt] = [least(distances), least(matched.map(({ distance }) => distance))];
    const ok = (raw: number, curve: typeof DISTANCE, facts: Record<string, unknown>): Assessment => ({
      status: 'ok',
      raw,
      quality: quality(raw, curve),
      facts,
    });
    return {
      'productColour.distance': ok(distances[at] as number, DISTANCE, {
        reference: at,
        colours: shown(own),
        referenceColours: shown(theirs[at] as Swatch[]),
      }),
      'productColour.matched': ok((matched[matchedAt] as (typeof matched)[number]).distance, MATCHED, {
        reference: matchedAt,
        stops: Math.round(10 * (matched[matchedAt] as (typeof matched)[number]).stops) / 10,
      }),
    };
  },
};

/** A palette for people: `L a b share`, rounded. */
export const shown = (palette: readonly Swatch[]): number[][] =>
  palette.map(({ lab, share }) => [...lab.map((v) => Math.round(10 * v) / 10), Math.round(1000 * share) / 1000]);
