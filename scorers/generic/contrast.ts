import { entropy, greyHistogram, moments } from '../image/tones.js';
import { quality, rising } from '../mapping.js';
import type { Scorer } from '../scorer.js';

const RMS = rising(0.08, 0.025);
const ENTROPY = rising(3, 0.8);

/** How far apart the tones of the whole picture are, and how many there are. */
export const contrast: Scorer = {
  spec: {
    id: 'contrast',
    version: '1.0.0',
    tier: 'generic',
    cost: 'cheap',
    models: [],
    source:
      'RMS: Peli, Contrast in complex images, JOSA A 7(10), 1990. Entropy: Shannon, of the grey histogram, as in Pillow (Image.entropy) and in the dynamic range of OFIQ (ISO/IEC 29794-5)',
    dimensions: {
      'contrast.rms': {
        direction: 'higher',
        unit: 'share of full scale',
        range: [0, 0.5],
        about: 'Standard deviation of grey; a low value means a flat, foggy picture.',
      },
      'contrast.entropy': {
        direction: 'higher',
        unit: 'bits',
        range: [0, 8],
        about:
          'Entropy of the grey histogram; a low value means few different tones, as on a graphic or an empty picture.',
      },
    },
  },
  assess(frame) {
    const counts = frame.derive(greyHistogram);
    const { mean, deviation } = moments(counts);
    const rms = deviation / 255;
    const bits = Math.max(0, entropy(counts));
    return Promise.resolve({
      'contrast.rms': {
        status: 'ok',
        raw: rms,
        quality: quality(rms, RMS),
        facts: { meanGrey: Math.round(10 * mean) / 10 },
      },
      'contrast.entropy': { status: 'ok', raw: bits, quality: quality(bits, ENTROPY) },
    });
  },
};
