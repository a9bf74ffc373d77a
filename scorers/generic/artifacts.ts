import { coarseness } from '../image/coarse.js';
import { fills } from '../image/fill.js';
import { strongestRepeat } from '../image/repeats.js';
import { strongestSeam } from '../image/seams.js';
import { greyHistogram } from '../image/tones.js';
import { falling, quality } from '../mapping.js';
import type { Assessment, Scorer } from '../scorer.js';

const BLANK = falling(0.995, 0.002);
const NOISE = falling(0.85, 0.04);
const REPEAT = falling(0.88, 0.03);
const SEAM = falling(0.6, 0.08);
const HALF = falling(0.08, 0.02);

/** A tone is this wide, levels. */
const TONE = 5;
/** With less variation than this, levels, grain cannot be told from a picture. */
const LEAST_DEVIATION = 8;
/** An even part counts as cut off when this share of its edge is picture. */
const ABRUPT = 0.9;
/** From here on an even part is the whole picture. */
const ALL = 0.98;
const SMALLEST = 64;

/** What a broken sampler, decoder or download leaves: nothing, noise, copies, lines, half a picture. */
export const artifacts: Scorer = {
  spec: {
    id: 'artifacts',
    version: '1.0.0',
    tier: 'generic',
    cost: 'cheap',
    models: [],
    source:
      'Own definitions: grey histogram; variance of cell means over variance (one-way analysis of variance); normalised autocorrelation; steps against their neighbours; even lines from each side',
    dimensions: {
      'artifacts.blank': {
        direction: 'lower',
        unit: 'share',
        range: [0, 1],
        about: 'Share of the picture in its commonest tone, 5 levels wide; 1 means that nothing was drawn.',
      },
      'artifacts.frozenNoise': {
        direction: 'lower',
        unit: 'share of the variance',
        range: [0, 1],
        about:
          'Variance finer than a twelfth of the picture; near 1 means noise without things: a latent that was never denoised.',
      },
      'artifacts.tiledRepeat': {
        direction: 'lower',
        unit: 'correlation',
        range: [0, 1],
        about: 'Likeness of the picture with itself shifted along an axis; near 1 means copies side by side.',
      },
      'artifacts.seams': {
        direction: 'lower',
        unit: 'share of the side',
        range: [0, 1],
        about:
          'Longest straight line across the picture at which tones jump, 1 from side to side: a seam between tiles, or the edge of a table.',
      },
      'artifacts.halfGrey': {
        direction: 'lower',
        unit: 'share',
        range: [0, 1],
        about: 'Even part at one side that the picture is cut off by right across; above 0 means a truncated picture.',
      },
    },
  },
  assess(frame) {
    if (frame.working.width < SMALLEST || frame.working.height < SMALLEST) {
      const tooSmall: Assessment = { status: 'unassessable', reason: 'too-small' };
      return Promise.resolve(Object.fromEntries(Object.keys(artifacts.spec.dimensions).map((id) => [id, tooSmall])));
    }
    const blank = commonestTone(frame.derive(greyHistogram));
    const { deviation, coarse } = frame.derive(coarseness);
    const { correlation, axis, period } = frame.derive(strongestRepeat);
    const seam = frame.derive(strongestSeam);
    return Promise.resolve({
      'artifacts.blank': { status: 'ok', raw: blank, quality: quality(blank, BLANK) },
      'artifacts.frozenNoise':
        deviation < LEAST_DEVIATION
          ? NOT_APPLICABLE
          : { status: 'ok', raw: 1 - coarse, quality: quality(1 - coarse, NOISE), facts: { deviation } },
      'artifacts.tiledRepeat': Number.isNaN(correlation)
        ? NOT_APPLICABLE
        : { status: 'ok', raw: correlation, quality: quality(correlation, REPEAT), facts: { axis, period } },
      'artifacts.seams': {
        status: 'ok',
        raw: seam.share,
        quality: quality(seam.share, SEAM),
        facts: { axis: seam.axis, at: seam.at },
      },
      'artifacts.halfGrey': cutOff(frame),
    });
  },
};

const NOT_APPLICABLE: Assessment = { status: 'unassessable', reason: 'not-applicable' };

function cutOff(picture: Parameters<typeof fills>[0]): Assessment {
  const found = fills(picture);
  // one tone all over: where it would end cannot be told
  if (found.some(({ share }) => share >= ALL)) return NOT_APPLICABLE;
  const worst = found
    .filter(({ abrupt }) => abrupt >= ABRUPT)
    .reduce((most, one) => (one.share > most.share ? one : most), { share: 0, side: 'none', abrupt: 0 });
  return {
    status: 'ok',
    raw: worst.share,
    quality: quality(worst.share, HALF),
    ...(worst.share > 0 && { facts: { side: worst.side } }),
  };
}

function commonestTone(counts: Uint32Array): number {
  let [sum, most, total] = [0, 0, 0];
  for (let level = 0; level < 256; level++) {
    sum += counts[level] as number;
    total += counts[level] as number;
    if (level >= TONE) sum -= counts[level - TONE] as number;
    if (sum > most) most = sum;
  }
  return most / total;
}
