import type { Frame } from '../frame.js';
import { falling, quality, rising } from '../mapping.js';
import type { Scorer } from '../scorer.js';

const CLIPPED = falling(0.08, 0.02);
const BLACK = falling(0.1, 0.03);
const RANGE = rising(60, 18);

interface Tones {
  /** Share of subject pixels (of all pixels where there is no subject) with a channel at 255. */
  clipped: number;
  /** Share of all pixels with every channel at 3 or below. */
  black: number;
  /** 99th minus 1st percentile of grey. */
  range: number;
}

/** Shares and percentiles of the tones of the working picture. */
export function tones({ working, luma, subject }: Frame): Tones {
  const { rgb } = working;
  const n = luma.data.length;
  const histogram = new Uint32Array(256);
  let clipped = 0;
  let inside = 0;
  let black = 0;
  for (let i = 0, p = 0; i < n; i++, p += 3) {
    const r = rgb[p] as number;
    const g = rgb[p + 1] as number;
    const b = rgb[p + 2] as number;
    histogram[(luma.data[i] as number) | 0] = (histogram[(luma.data[i] as number) | 0] as number) + 1;
    if (r <= 3 && g <= 3 && b <= 3) black++;
    if (subject.found && subject.mask[i] !== 1) continue;
    inside++;
    if (r >= 254 || g >= 254 || b >= 254) clipped++;
  }
  const at = (share: number): number => {
    let sum = 0;
    for (let level = 0; level < 256; level++) {
      sum += histogram[level] as number;
      if (sum >= share * n) return level;
    }
    return 255;
  };
  return { clipped: clipped / Math.max(1, inside), black: black / n, range: at(0.99) - at(0.01) };
}

/** Whether tones are lost at either end. A white background is not a loss: clipping counts on the subject. */
export const exposure: Scorer = {
  spec: {
    id: 'exposure',
    version: '1.0.0',
    tier: 'generic',
    cost: 'cheap',
    models: [],
    source: 'Shares of clipped samples; percentiles of the histogram of grey (BT.601)',
    dimensions: {
      'exposure.clippedShare': {
        direction: 'lower',
        unit: 'share',
        range: [0, 1],
        about: 'Share of the subject with a colour channel at its upper end; a high value means burnt highlights.',
      },
      'exposure.blackShare': {
        direction: 'lower',
        unit: 'share',
        range: [0, 1],
        about: 'Share of the picture that is black; a high value means that shadows are lost.',
      },
      'exposure.dynamicRange': {
        direction: 'higher',
        unit: 'grey levels',
        range: [0, 255],
        about: '99th minus 1st percentile of grey; a low value means a flat picture.',
      },
    },
  },
  assess(frame) {
    const { clipped, black, range } = frame.derive(tones);
    return Promise.resolve({
      'exposure.clippedShare': { status: 'ok', raw: clipped, quality: quality(clipped, CLIPPED) },
      'exposure.blackShare': { status: 'ok', raw: black, quality: quality(black, BLACK) },
      'exposure.dynamicRange': { status: 'ok', raw: range, quality: quality(range, RANGE) },
    });
  },
};
