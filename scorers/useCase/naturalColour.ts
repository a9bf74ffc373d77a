import { alignedFace } from '../faces/aligned.js';
import { mainFace } from '../faces/faces.js';
import { faceFacts } from '../faces/facts.js';
import { brief } from '../facts.js';
import { OFIQ, ofiqQuality } from '../mapping.js';
import { Unassessable, type Scorer } from '../scorer.js';

/** Of about two thousand pixels in both cheek zones. */
const MIN_PIXELS = 200;
/** Where the a* and b* of skin lie in ordinary light (D50). */
const A = { low: 5, high: 25 };
const B = { low: 5, high: 35 };
const UNNATURAL = 100;
/** sRGB -> XYZ under D50 (Bradford), with its white, as OFIQ has them. */
const XYZ = [
  [0.43605, 0.38508, 0.14309],
  [0.22249, 0.71689, 0.06062],
  [0.01393, 0.0971, 0.71419],
] as const;
const WHITE = [0.964221, 1, 0.825211] as const;

/** Whether the skin has the colour of skin. */
export const naturalColour: Scorer = {
  spec: {
    id: 'naturalColour',
    version: '1.0.0',
    tier: 'useCase',
    cost: 'model',
    models: [{ id: 'faceBox' }, { id: 'facemesh' }, { id: 'iris' }],
    source: 'OFIQ 1.0.3 NaturalColour (ISO/IEC 29794-5), on the pixels of the cheek zones inside the face',
    dimensions: {
      'naturalColour.distance': {
        direction: 'lower',
        unit: 'CIELAB units',
        range: [0, 100],
        about:
          'Distance of the cheeks from the range of skin colours in a* and b*; 0 is natural, above 5 tinted, 100 when a* or b* is negative (green, blue, grey).',
      },
    },
  },
  async assess(frame) {
    const face = await frame.derive(mainFace);
    const { rgb, cheeks } = await frame.derive(alignedFace);
    const pixels = [...cheeks.left, ...cheeks.right];
    if (pixels.length < MIN_PIXELS) throw new Unassessable('not-applicable', { cheekPixels: pixels.length });
    const mean = [0, 1, 2].map((c) => pixels.reduce((sum, i) => sum + (rgb[3 * i + c] as number), 0) / pixels.length);
    const [a, b] = chroma(mean as [number, number, number]);
    const raw = a < 0 || b < 0 ? UNNATURAL : Math.hypot(beyond(a, A), beyond(b, B));
    return {
      'naturalColour.distance': {
        status: 'ok',
        raw,
        quality: ofiqQuality(OFIQ.NaturalColour, raw),
        facts: { box: faceFacts(face).box, a: brief(a), b: brief(b) },
      },
    };
  },
};

const beyond = (v: number, { low, high }: { low: number; high: number }): number => Math.max(0, low - v, v - high);

/** a* and b* of an sRGB colour 0..255 under D50. */
function chroma(srgb: readonly [number, number, number]): [number, number] {
  const light = srgb.map((v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4));
  const [x, y, z] = XYZ.map((row, k) => {
    const t = row.reduce((sum, weight, c) => sum + weight * (light[c] as number), 0) / (WHITE[k] as number);
    return t <= 216 / 24389 ? ((24389 / 27) * t + 16) / 116 : Math.cbrt(t);
  }) as [number, number, number];
  return [500 * (x - y), 200 * (y - z)];
}
