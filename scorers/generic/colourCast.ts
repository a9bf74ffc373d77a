import type { Frame } from '../frame.js';
import { falling, quality } from '../mapping.js';
import type { Assessment, Scorer } from '../scorer.js';

const CAST = falling(9, 2.5);
/** A pixel is nearly neutral below this chroma; a stronger colour is a colour, not a cast. */
const NEAR_NEUTRAL = 22;
/** Outside these L* a cast cannot be seen: too dark to have a colour, or burnt out. */
const DARKEST = 20;
const LIGHTEST = 99.5;
/** Fewest nearly neutral pixels that tell, as a share of the picture. */
const FEWEST = 0.05;
/** Bins of half a unit from -NEAR_NEUTRAL on. */
const BINS = 4 * NEAR_NEUTRAL + 2;

export interface Cast {
  /** Mean a* and b* of all pixels with a colour, and how many of the pixels looked at those are. */
  mean: readonly [number, number];
  share: number;
  /** Median a* and b* of the nearly neutral ones, and their share. */
  neutral: readonly [number, number];
  neutralShare: number;
}

/** Averages of every second column of the working picture. */
export function castOf({ lab, working: { width } }: Frame): Cast {
  const as = new Uint32Array(BINS);
  const bs = new Uint32Array(BINS);
  let [seen, coloured, near, sumA, sumB] = [0, 0, 0, 0, 0];
  const step = width % 2 === 0 ? 2 : 1;
  for (let i = 0; i < lab.l.length; i += step) {
    seen++;
    const l = lab.l[i] as number;
    if (l < DARKEST || l > LIGHTEST) continue;
    const a = lab.a[i] as number;
    const b = lab.b[i] as number;
    coloured++;
    sumA += a;
    sumB += b;
    if (a * a + b * b >= NEAR_NEUTRAL * NEAR_NEUTRAL) continue;
    near++;
    const [aBin, bBin] = [((a + NEAR_NEUTRAL) * 2 + 0.5) | 0, ((b + NEAR_NEUTRAL) * 2 + 0.5) | 0];
    as[aBin] = (as[aBin] as number) + 1;
    bs[bBin] = (bs[bBin] as number) + 1;
  }
  return {
    mean: [sumA / Math.max(1, coloured), sumB / Math.max(1, coloured)],
    share: coloured / seen,
    neutral: [middle(as, near), middle(bs, near)],
    neutralShare: near / seen,
  };
}

/** Median of a histogram of half units, interpolated within its bin. */
function middle(counts: Uint32Array, total: number): number {
  let below = 0;
  for (let bin = 0; bin < counts.length; bin++) {
    const here = counts[bin] as number;
    if (here > 0 && below + here >= total / 2) return (bin - 0.5 + (total / 2 - below) / here) / 2 - NEAR_NEUTRAL;
    below += here;
  }
  return 0;
}

const round = (v: number): number => Math.round(10 * v) / 10;

/** Whether the picture as a whole leans to a colour. Advisory where the scene itself may: a sunset is no fault. */
export const colourCast: Scorer = {
  spec: {
    id: 'colourCast',
    version: '1.0.0',
    tier: 'generic',
    cost: 'cheap',
    models: [],
    source:
      'Grey world: Buchsbaum, A spatial processor model for object colour perception, Journal of the Franklin Institute 310, 1980; near-neutral pixels in CIELAB: Gasparini, Schettini, Color balancing of digital photos using simple image statistics, Pattern Recognition 37, 2004',
    dimensions: {
      'colourCast.neutral': {
        direction: 'lower',
        unit: 'chroma C*ab',
        range: [0, 22],
        about:
          'Chroma of the median of the nearly neutral pixels; a high value means that whites and greys lean to a colour.',
      },
      'colourCast.greyWorld': {
        direction: 'lower',
        unit: 'chroma C*ab',
        range: [0, 150],
        about: 'Chroma of the mean colour; a high value means a cast, or a scene with one dominant colour.',
      },
    },
  },
  assess(frame) {
    const { mean, share, neutral, neutralShare } = frame.derive(castOf);
    const read = ([a, b]: readonly [number, number], of: number): Assessment => {
      if (of < FEWEST) return { status: 'unassessable', reason: 'not-applicable', facts: { share: of } };
      const raw = Math.hypot(a, b);
      return { status: 'ok', raw, quality: quality(raw, CAST), facts: { a: round(a), b: round(b), share: of } };
    };
    return Promise.resolve({
      'colourCast.neutral': read(neutral, neutralShare),
      'colourCast.greyWorld': read(mean, share),
    });
  },
};
