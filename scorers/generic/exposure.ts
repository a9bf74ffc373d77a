import type { Frame } from '../frame.js';
import { falling, quality, rising } from '../mapping.js';
import type { Assessment, Scorer } from '../scorer.js';

const CLIPPED = falling(0.06, 0.015);
const BLACK = falling(0.1, 0.03);
const RANGE = rising(60, 18);
const DARK = falling(0.14, 0.02);
const MIDDLE = falling(0.55, 0.04);
const BRIGHT = falling(0.8, 0.03);
/** A channel from here on is at its upper end. */
const CEILING = 254;

interface Tones {
  /** Share of the subject with a channel at its upper end. */
  clipped: number;
  /** 1st, 50th and 95th percentile of the subject's linear luminance, 0..1. */
  dark: number;
  middle: number;
  bright: number;
  /** Share of all pixels with every channel at 3 or below. */
  black: number;
  /** 99th minus 1st percentile of grey of the whole picture. */
  range: number;
}

const BINS = 1024;

/** Shares and percentiles of the tones of the working picture, in one pass. */
export function tones({ working, luma, light: luminance, subject }: Frame): Tones {
  const { rgb } = working;
  const n = luma.data.length;
  const grey = new Uint32Array(256);
  const light = new Uint32Array(BINS);
  let [clipped, inside, black] = [0, 0, 0];
  const { mask } = subject;
  for (let i = 0, p = 0; i < n; i++, p += 3) {
    const level = (luma.data[i] as number) | 0;
    grey[level] = (grey[level] as number) + 1;
    const isInside = mask[i] === 1;
    if (level > 3 && !isInside) continue;
    const r = rgb[p] as number;
    const g = rgb[p + 1] as number;
    const b = rgb[p + 2] as number;
    if (r <= 3 && g <= 3 && b <= 3) black++;
    if (!isInside) continue;
    inside++;
    if (r >= CEILING || g >= CEILING || b >= CEILING) clipped++;
    const bin = Math.min(BINS - 1, ((luminance.data[i] as number) * BINS) | 0);
    light[bin] = (light[bin] as number) + 1;
  }
  return {
    clipped: clipped / Math.max(1, inside),
    dark: percentile(light, inside, 0.01) / BINS,
    middle: percentile(light, inside, 0.5) / BINS,
    bright: percentile(light, inside, 0.95) / BINS,
    black: black / n,
    range: percentile(grey, n, 0.99) - percentile(grey, n, 0.01),
  };
}

function percentile(histogram: Uint32Array, total: number, share: number): number {
  let sum = 0;
  for (let bin = 0; bin < histogram.length; bin++) {
    sum += histogram[bin] as number;
    if (sum >= share * total) return bin;
  }
  return histogram.length - 1;
}

/** Whether tones are lost at either end, and how light the subject is. A white background is no loss: the subject counts. */
export const exposure: Scorer = {
  spec: {
    id: 'exposure',
    version: '1.0.0',
    tier: 'generic',
    cost: 'cheap',
    models: [],
    source: 'Shares of clipped samples; percentiles of linear luminance (IEC 61966-2-1) and of grey (BT.601)',
    dimensions: {
      'exposure.clippedShare': {
        direction: 'lower',
        unit: 'share',
        range: [0, 1],
        about: 'Share of the subject with a colour channel at its upper end; a high value means burnt highlights.',
      },
      'exposure.darkTone': {
        direction: 'lower',
        unit: 'linear luminance',
        range: [0, 1],
        about: 'Darkest tones of the subject (1st percentile); a high value means that no shadow is left: overexposed.',
      },
      'exposure.midTone': {
        direction: 'target',
        unit: 'linear luminance',
        range: [0, 1],
        about: 'Median tone of the subject; a high value means overexposed, a very low one underexposed.',
      },
      'exposure.brightTone': {
        direction: 'lower',
        unit: 'linear luminance',
        range: [0, 1],
        about: 'Brightest tones of the subject (95th percentile); a high value means that it runs into white.',
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
        about: '99th minus 1st percentile of grey; a low value means a flat or empty picture.',
      },
    },
  },
  assess(frame) {
    const { clipped, dark, middle, bright, black, range } = frame.derive(tones);
    const ofSubject = (raw: number, curve: Parameters<typeof quality>[1]): Assessment =>
      frame.subject.found
        ? { status: 'ok', raw, quality: quality(raw, curve) }
        : { status: 'unassessable', reason: 'no-subject' };
    return Promise.resolve({
      'exposure.clippedShare': ofSubject(clipped, CLIPPED),
      'exposure.darkTone': ofSubject(dark, DARK),
      'exposure.midTone': ofSubject(middle, MIDDLE),
      'exposure.brightTone': ofSubject(bright, BRIGHT),
      'exposure.blackShare': { status: 'ok', raw: black, quality: quality(black, BLACK) },
      'exposure.dynamicRange': { status: 'ok', raw: range, quality: quality(range, RANGE) },
    });
  },
};
