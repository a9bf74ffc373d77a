import { deltaE2000, labOf, type Lab } from '../image/colour.js';
import { paletteOf } from '../image/palette.js';
import { grown, regionOf, subjectRegion } from '../image/region.js';
import type { Frame } from '../frame.js';
import { falling, quality } from '../mapping.js';
import { Unassessable, type Ask, type Scorer } from '../scorer.js';
import { shown } from '../useCase/productColour.js';

const CURVE = falling(8, 2);
/** The subject is grown by this share of the long side: soft edges are no background. */
const AROUND = 0.012;

/** The CSS names that people use for backdrops; anything else is written `#rrggbb`. */
const NAMES: Readonly<Record<string, string>> = {
  white: '#ffffff',
  black: '#000000',
  gray: '#808080',
  grey: '#808080',
  lightgray: '#d3d3d3',
  lightgrey: '#d3d3d3',
  silver: '#c0c0c0',
  red: '#ff0000',
  green: '#008000',
  blue: '#0000ff',
  navy: '#000080',
  yellow: '#ffff00',
  orange: '#ffa500',
  pink: '#ffc0cb',
  beige: '#f5f5dc',
  ivory: '#fffff0',
};

/** Whether the background has the wanted colour. Reads `expect.backgroundColour`, else `params.colour`: a CSS name or `#rrggbb`. */
export const backgroundColour: Scorer = {
  spec: {
    id: 'backgroundColour',
    version: '1.1.0',
    tier: 'business',
    cost: 'cheap',
    models: [],
    source:
      'CIEDE2000 (Sharma, Wu, Dalal, Color Research and Application 30, 2005) of the most frequent colour outside the subject mask; names are ' +
      'those of CSS Color Module Level 4',
    dimensions: {
      'backgroundColour.distance': {
        direction: 'lower',
        unit: 'dE2000',
        range: [0, 150],
        about: "Distance of the background's dominant colour from the wanted one; a high value means another colour.",
      },
      'backgroundColour.share': {
        direction: 'higher',
        unit: 'share',
        range: [0, 1],
        about:
          'Share of the background that has its dominant colour; a low value means that it is not one plain colour.',
      },
    },
  },
  async assess(frame, ask) {
    await Promise.resolve();
    const wanted = wantedColour(ask);
    if (wanted === undefined)
      throw new Unassessable('not-applicable', {
        hint: 'say which colour: params: { backgroundColour: { colour: "#ffffff" } } in the policy, or expect: { backgroundColour } in the template',
      });
    const palette = backgroundPalette(frame);
    const [main] = palette;
    if (main === undefined) throw new Unassessable('not-applicable', { detail: 'the subject covers everything' });
    const distance = deltaE2000(main.lab, wanted);
    const facts = { colours: shown(palette), wanted: wanted.map((v) => Math.round(10 * v) / 10) };
    return {
      'backgroundColour.distance': { status: 'ok', raw: distance, quality: quality(distance, CURVE), facts },
      'backgroundColour.share': {
        status: 'ok',
        raw: Math.min(1, main.share),
        quality: Math.round(1000 * main.share) / 10,
      },
    };
  },
};

/** Dominant colours outside the subject, most frequent first. */
function backgroundPalette(frame: Frame): ReturnType<typeof paletteOf> {
  const region = frame.derive(subjectRegion);
  const subject = region.area === 0 ? region : grown(region, AROUND);
  const outside = regionOf(
    region,
    subject.mask.map((v) => 1 - v),
  );
  return paletteOf(frame.lab, outside.mask);
}

function wantedColour({ expect, params }: Ask): Lab | undefined {
  for (const value of [expect?.['backgroundColour'], params['colour']]) {
    if (typeof value !== 'string') continue;
    const text = value.trim().toLowerCase();
    const hex = /^#([0-9a-f]{6})$/.exec(Object.hasOwn(NAMES, text) ? (NAMES[text] as string) : text)?.[1];
    if (hex === undefined) continue;
    const [r, g, b] = [0, 2, 4].map((at) => Number.parseInt(hex.slice(at, at + 2), 16)) as [number, number, number];
    return labOf(r, g, b);
  }
  return undefined;
}
