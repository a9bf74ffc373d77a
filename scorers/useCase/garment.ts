import { brief, round, scaledBox } from '../facts.js';
import { coveredShare } from '../image/foreign.js';
import { exposedDistance, paletteDistance, paletteOf, type Swatch } from '../image/palette.js';
import { core } from '../image/region.js';
import { shapeOverlap } from '../image/shape.js';
import { textureDistance, textureOf } from '../image/texture.js';
import { falling, quality, rising, type Sigmoid } from '../mapping.js';
import type { Assessment, Scorer } from '../scorer.js';
import { garmentOf, referenceGarment, REGION_MODELS } from './garment-region.js';
import { shown } from './productColour.js';

const CURVES = {
  'garment.colour': falling(10, 2.5),
  'garment.colourMatched': falling(6, 1.5),
  'garment.pattern': falling(0.1, 0.025),
  'garment.covered': falling(0.08, 0.02),
  'garment.shape': rising(0.7, 0.06),
};
type Id = keyof typeof CURVES;
const NO_REFERENCE: Assessment = { status: 'unassessable', reason: 'no-reference' };
const TOO_SMALL: Assessment = { status: 'unassessable', reason: 'too-small' };

/**
 * Whether the garment is the one of the reference pictures, and whether all of it is seen. Reads `references`, `masks.garment` (without it
 * what is worn is looked for) and `masks.garmentReference`; of several references the nearest counts in every dimension.
 */
export const garment: Scorer = {
  spec: {
    id: 'garment',
    version: '1.2.0',
    tier: 'useCase',
    cost: 'model',
    models: REGION_MODELS,
    source:
      "Colour: earth mover's distance (Rubner, Tomasi, Guibas, IJCV 40, 2000) between dominant colours in CIEDE2000. Pattern: chi-square " +
      'distance of contrast, gradient direction (Dalal, Triggs, CVPR 2005) and local binary pattern (Ojala, Pietikäinen, Mäenpää, PAMI 24, ' +
      '2002) histograms. Covered, shape: geometry of the region',
    dimensions: {
      'garment.colour': {
        direction: 'lower',
        unit: 'dE2000',
        range: [0, 150],
        about:
          "Distance of the garment's dominant colours from the reference's; a high value means another colour or light.",
      },
      'garment.colourMatched': {
        direction: 'lower',
        unit: 'dE2000',
        range: [0, 150],
        about: 'The same after exposure is matched within 2 stops; a high value means another colour.',
      },
      'garment.pattern': {
        direction: 'lower',
        unit: 'chi-square',
        range: [0, 1],
        about: "Distance of the cloth's texture from the reference's; a high value means another pattern, or none.",
      },
      'garment.covered': {
        direction: 'lower',
        unit: 'share',
        range: [0, 1],
        about:
          'Share of the garment that is hidden: holes in its region and patches in colours that the reference does not have.',
      },
      'garment.shape': {
        direction: 'higher',
        unit: 'share',
        range: [0, 1],
        about:
          "Overlap of the garment's outline with the reference's at the same width or height; a low value means that parts are missing, or another cut or pose.",
      },
    },
  },
  async assess(frame, ask) {
    const region = await garmentOf(frame, ask);
    const references = (ask.references ?? []).map((reference, at) => ({
      frame: reference,
      region: referenceGarment(reference, at === 0 ? ask.masks?.['garmentReference'] : undefined),
    }));
    const own = paletteOf(frame.lab, core(region).mask);
    const texture = await textureOf(frame, region);
    const all: { colour: number; matched: ReturnType<typeof exposedDistance>; pattern: number; palette: Swatch[] }[] =
      [];
    for (const reference of references) {
      const palette = paletteOf(reference.frame.lab, core(reference.region).mask);
      all.push({
        palette,
        colour: paletteDistance(own, palette),
        matched: exposedDistance(own, palette),
        pattern: textureDistance(texture, await textureOf(reference.frame, reference.region)),
      });
    }
    const ok = (id: Id, raw: number, facts?: Record<string, unknown>): Assessment => ({
      status: 'ok',
      raw,
      quality: quality(raw, CURVES[id] satisfies Sigmoid),
      ...(facts && { facts }),
    });

    const covers = (references.length > 0 ? references : [undefined]).map((one) =>
      coveredShare({ frame, region }, one),
    );
    const least = covers.reduce((best, one) => (one.share < best.share ? one : best));
    const covered = ok('garment.covered', least.share, {
      region: region.way,
      holes: brief(least.holes),
      boxes: least.boxes.map((box) => scaledBox(box, frame.width / region.width)),
      basis: references.length > 0 ? 'region and colours' : 'region alone',
      box: scaledBox(region.box, frame.width / region.width),
    });
    if (all.length === 0)
      return {
        'garment.colour': NO_REFERENCE,
        'garment.colourMatched': NO_REFERENCE,
        'garment.pattern': NO_REFERENCE,
        'garment.covered': covered,
        'garment.shape': NO_REFERENCE,
      };
    const nearest = all.reduce((best, one) => (one.colour < best.colour ? one : best));
    const matched = all.map((one) => one.matched).reduce((best, one) => (one.distance < best.distance ? one : best));
    const patterns = all.map(({ pattern }) => pattern).filter((distance) => !Number.isNaN(distance));
    return {
      'garment.colour': ok('garment.colour', nearest.colour, {
        region: region.way,
        colours: shown(own),
        referenceColours: shown(nearest.palette),
      }),
      'garment.colourMatched': ok('garment.colourMatched', matched.distance, { stops: round(matched.stops) }),
      'garment.pattern': patterns.length === 0 ? TOO_SMALL : ok('garment.pattern', Math.min(...patterns)),
      'garment.covered': covered,
      'garment.shape': ok('garment.shape', Math.max(...references.map((one) => shapeOverlap(region, one.region)))),
    };
  },
};
