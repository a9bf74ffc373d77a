import type { Frame } from '../frame.js';
import { deltaE2000 } from '../image/colour.js';
import { quantile } from '../image/filters.js';
import { falling, quality, rising } from '../mapping.js';
import type { Scorer } from '../scorer.js';

const WHITE = rising(0.85, 0.05);
const UNIFORM = falling(4, 1);
const TINT = falling(6, 1.2);
const SHADOW = falling(0.2, 0.05);
const MARKS = falling(0.003, 0.001);
const HEIGHT = falling(0.03, 0.006);

interface BackgroundStats {
  white: number;
  uniformity: number;
  tint: number;
  shadow: number;
  markShare: number;
  markHeight: number;
}

/** Statistics of what is neither subject nor its edge. */
export function backgroundStats({ working: { width, height, rgb }, lab, subject }: Frame): BackgroundStats {
  let white = 0;
  let n = 0;
  let shadow = 0;
  const away: number[] = [];
  let [l, a, b] = [0, 0, 0];
  for (let i = 0, p = 0; i < subject.mask.length; i++, p += 3) {
    if (subject.mask[i] === 1) continue;
    n++;
    if ((rgb[p] as number) >= 245 && (rgb[p + 1] as number) >= 245 && (rgb[p + 2] as number) >= 245) white++;
    if (subject.background.lab[0] - (lab.l[i] as number) > 3) shadow++;
    if (subject.mask[i] === 2) continue;
    if (i % 7 === 0) away.push(subject.distance[i] as number);
    l += lab.l[i] as number;
    a += lab.a[i] as number;
    b += lab.b[i] as number;
  }
  const clean = Math.max(1, n);
  const meanL = l / clean;
  const marks = subject.others.filter((c) => c.bottom - c.top >= 3);
  return {
    white: white / clean,
    uniformity: away.length === 0 ? 0 : quantile(Float32Array.from(away), 0.9),
    tint: deltaE2000([meanL, a / clean, b / clean], [meanL, 0, 0]),
    shadow: shadow / clean,
    markShare: marks.reduce((sum, c) => sum + c.area, 0) / (width * height),
    markHeight: marks.reduce((most, c) => Math.max(most, c.bottom - c.top + 1), 0) / height,
  };
}

/** Cleanliness of a product's background. */
export const background: Scorer = {
  spec: {
    id: 'background',
    version: '1.0.0',
    tier: 'useCase',
    cost: 'cheap',
    models: [],
    source: 'Shares over the complement of the subject; CIEDE2000: Sharma, Wu, Dalal 2005',
    dimensions: {
      'background.whiteShare': {
        direction: 'higher',
        unit: 'share',
        range: [0, 1],
        about: 'Share of the background with every channel at 245 or above; a low value means that it is not white.',
      },
      'background.uniformity': {
        direction: 'lower',
        unit: 'dE76',
        range: [0, 400],
        about: '90th percentile of the distance from the background colour; a high value means a dirty background.',
      },
      'background.tint': {
        direction: 'lower',
        unit: 'dE2000',
        range: [0, 100],
        about:
          'Distance of the mean background colour from the grey of its lightness; a high value means a colour cast.',
      },
      'background.shadowShare': {
        direction: 'lower',
        unit: 'share',
        range: [0, 1],
        about: 'Share of the background that is darker than the background colour; a high value means a heavy shadow.',
      },
      'background.markShare': {
        direction: 'lower',
        unit: 'share',
        range: [0, 1],
        about: 'Share of the picture covered by marks that are not the subject, such as text.',
      },
      'background.markHeight': {
        direction: 'lower',
        unit: 'share of the height',
        range: [0, 1],
        about:
          'Height of the tallest mark that is not the subject; a high value means readable text or a stray object.',
      },
    },
  },
  assess(frame) {
    const s = frame.derive(backgroundStats);
    return Promise.resolve({
      'background.whiteShare': { status: 'ok', raw: s.white, quality: quality(s.white, WHITE) },
      'background.uniformity': { status: 'ok', raw: s.uniformity, quality: quality(s.uniformity, UNIFORM) },
      'background.tint': { status: 'ok', raw: s.tint, quality: quality(s.tint, TINT) },
      'background.shadowShare': { status: 'ok', raw: s.shadow, quality: quality(s.shadow, SHADOW) },
      'background.markShare': { status: 'ok', raw: s.markShare, quality: quality(s.markShare, MARKS) },
      'background.markHeight': { status: 'ok', raw: s.markHeight, quality: quality(s.markHeight, HEIGHT) },
    });
  },
};
