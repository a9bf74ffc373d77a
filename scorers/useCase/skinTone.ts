import { cheeksOf, type Cheeks } from '../faces/cheeks.js';
import { mainFace } from '../faces/faces.js';
import { faceFacts } from '../faces/facts.js';
import { brief } from '../facts.js';
import { deltaE2000, labOfLight, type Lab } from '../image/colour.js';
import { falling, quality } from '../mapping.js';
import { Unassessable, unlessUnassessable, type Scorer } from '../scorer.js';

const STOPS = falling(1, 0.25);
const HUE = falling(15, 4);
const DIFFERENCE = falling(8, 2);
/** With more of the cheeks clipped than this, their brightness is not known. */
const MAX_CLIPPED = 0.1;

type Light = readonly [number, number, number];

/** Whether the skin is as bright and of the same colour as on the reference photos. */
export const skinTone: Scorer = {
  spec: {
    id: 'skinTone',
    version: '1.0.0',
    tier: 'useCase',
    cost: 'model',
    models: [{ id: 'faceBox' }, { id: 'facemesh' }, { id: 'iris' }],
    source:
      'Medians of linear light in the cheek zones of OFIQ 1.0.3 (ISO/IEC 29794-5); stops = log2 of the ratio; CIEDE2000: Sharma, Wu, Dalal 2005',
    dimensions: {
      'skinTone.stops': {
        direction: 'target',
        unit: 'stops',
        range: [-Infinity, Infinity],
        about:
          'Brightness of the cheeks against the references; 1 is twice as bright, -1 half. Exposure and a lighter or darker skin look the same here.',
      },
      'skinTone.hue': {
        direction: 'lower',
        unit: 'degrees',
        range: [0, 180],
        about: 'Angle between the hues of the cheeks and of the references; above 15 the skin is visibly tinted.',
      },
      'skinTone.difference': {
        direction: 'lower',
        unit: 'dE2000',
        range: [0, Infinity],
        about:
          'Colour difference from the references once brightness is made equal: tint and saturation alone; above 8 it is another colour.',
      },
    },
  },
  async assess(frame, { references = [] }) {
    if (references.length === 0) throw new Unassessable('no-reference');
    const face = await frame.derive(mainFace);
    const cheeks = await frame.derive(cheeksOf);
    const target = referenceOf(
      await Promise.all(references.map((one) => unlessUnassessable(() => one.derive(cheeksOf)))),
    );
    const facts = {
      box: faceFacts(face).box,
      clipped: brief(cheeks.clipped),
      light: brief(cheeks.light),
      wanted: brief(target.light),
    };
    if (unreadable(cheeks)) throw new Unassessable('clipped', facts);
    const stops = Math.log2(cheeks.light / target.light);
    const [own, wanted] = [labOfLight(scaled(cheeks.colour, target.light)), labOfLight(target.colour)];
    const turn = hueOf(own) - hueOf(wanted);
    const hue = turn > 180 ? turn - 360 : turn < -180 ? turn + 360 : turn;
    const difference = deltaE2000(own, wanted);
    return {
      'skinTone.stops': { status: 'ok', raw: stops, quality: quality(Math.abs(stops), STOPS), facts },
      'skinTone.hue': {
        status: 'ok',
        raw: Math.abs(hue),
        quality: quality(Math.abs(hue), HUE),
        facts: { ...facts, towards: hue > 0 ? 'yellow' : 'red' },
      },
      'skinTone.difference': {
        status: 'ok',
        raw: difference,
        quality: quality(difference, DIFFERENCE),
        facts: { ...facts, lab: own.map(brief), wantedLab: wanted.map(brief) },
      },
    };
  },
};

const unreadable = ({ light, clipped }: Cheeks): boolean => Number.isNaN(light) || light === 0 || clipped > MAX_CLIPPED;

/** What the references agree on: the geometric mean of their brightness, the mean of their colours at that brightness. */
function referenceOf(found: readonly (Cheeks | Unassessable)[]): { light: number; colour: Light } {
  const missing = found.find((one) => one instanceof Unassessable && one.reason !== 'no-face');
  if (missing instanceof Unassessable) throw missing;
  const faces = found.filter((one): one is Cheeks => !(one instanceof Unassessable));
  if (faces.length === 0)
    throw new Unassessable('no-reference', { hint: 'no reference photo shows a face', references: found.length });
  const usable = faces.filter((one) => !unreadable(one));
  if (usable.length === 0)
    throw new Unassessable('clipped', {
      hint: 'the cheeks of every reference photo are clipped',
      references: found.length,
    });
  const light = Math.exp(usable.reduce((sum, one) => sum + Math.log(one.light), 0) / usable.length);
  const colours = usable.map(({ colour }) => scaled(colour, light));
  const mean = (c: 0 | 1 | 2): number => colours.reduce((sum, colour) => sum + colour[c], 0) / colours.length;
  return { light, colour: [mean(0), mean(1), mean(2)] };
}

/** The same colour in other brightness. */
function scaled([r, g, b]: Light, light: number): Light {
  const gain = light / (0.2126 * r + 0.7152 * g + 0.0722 * b);
  return [r * gain, g * gain, b * gain];
}

const hueOf = ([, a, b]: Lab): number => (Math.atan2(b, a) * 180) / Math.PI;
