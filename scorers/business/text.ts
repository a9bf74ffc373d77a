import type { Frame } from '../frame.js';
import { falling, quality } from '../mapping.js';
import type { Ask, Assessment, Scorer } from '../scorer.js';
import { charactersOf, textLines, type TextLine } from '../text/lines.js';
import { says } from '../text/words.js';

const CHARACTERS = falling(2, 1);
const WORDS = falling(0.5, 0.1);
/** A line that has less subject around it than this share stands in the background. */
const ON_SUBJECT = 0.5;
/** Of a line's height: how far around it is looked. */
const BAND = 0.5;
/** Points across a line at which the subject is looked up; twice as many along it. */
const GRID = 24;

/**
 * Text in the background, and words that must not or must be there. The words come from the policy (`params: { text: { forbidden: [...],
 * required: [...] } }`) or the request (`expect: { forbiddenWords, requiredWords }`), one or a list.
 */
export const text: Scorer = {
  spec: {
    id: 'text',
    version: '1.0.0',
    tier: 'business',
    cost: 'model',
    models: [{ id: 'textDetection' }, { id: 'textReading' }],
    source:
      'PP-OCRv4 (github.com/PaddlePaddle/PaddleOCR): differentiable binarization, CTC; subject mask: scorers/image/subject.ts',
    dimensions: {
      'text.backgroundChars': {
        direction: 'lower',
        unit: 'characters',
        range: [0, Infinity],
        about: 'Legible characters outside the subject; above 0 means that the background carries text.',
      },
      'text.forbiddenWords': {
        direction: 'lower',
        unit: 'words',
        range: [0, Infinity],
        about: 'How many of the forbidden words or phrases stand anywhere in the picture.',
      },
      'text.missingWords': {
        direction: 'lower',
        unit: 'words',
        range: [0, Infinity],
        about: 'How many of the required words or phrases are not legible anywhere in the picture.',
      },
    },
  },
  async assess(frame, ask) {
    const lines = await frame.derive(textLines);
    return {
      'text.backgroundChars': backgroundChars(frame, lines),
      'text.forbiddenWords': count(wordsOf(ask, 'forbidden'), { lines, found: true }),
      'text.missingWords': count(wordsOf(ask, 'required'), { lines, found: false }),
    };
  },
};

function backgroundChars(frame: Frame, lines: readonly TextLine[]): Assessment {
  // text on a background that has no subject before it is still text in the background
  const outside = frame.subject.found ? lines.filter((line) => shareAroundOnSubject(frame, line) < ON_SUBJECT) : lines;
  const raw = outside.reduce((sum, line) => sum + charactersOf(line.text), 0);
  return { status: 'ok', raw, quality: quality(raw, CHARACTERS), facts: { lines: outside.map(factOf) } };
}

function count(words: readonly string[], { lines, found }: { lines: readonly TextLine[]; found: boolean }): Assessment {
  if (words.length === 0)
    return { status: 'unassessable', reason: 'not-applicable', facts: { hint: 'no words are given' } };
  const hits = words.filter((word) => says(lines, word) === found);
  return {
    status: 'ok',
    raw: hits.length,
    quality: quality(hits.length, WORDS),
    facts: { words: hits, read: lines.map(({ text }) => text) },
  };
}

function wordsOf({ params, expect }: Ask, which: 'forbidden' | 'required'): string[] {
  return [params[which], expect?.[`${which}Words`]]
    .flat()
    .filter((word): word is string => typeof word === 'string' && word !== '');
}

/** For people, and for the overlay. */
export const factOf = ({ box, text, confidence }: TextLine): Record<string, unknown> => ({
  label: text,
  confidence: Number(confidence.toFixed(3)),
  polygon: box.map(([x, y]) => [Math.round(x), Math.round(y)]),
});

/**
 * Share of a line's surroundings that are the subject: a band as wide as half the line is high, on all sides. Large letters stand out from the
 * background as a subject does; what they stand on does not. Rows in which the subject runs from the left border to the right are a table top
 * that another wall stands behind, no subject.
 */
export function shareAroundOnSubject(
  { subject, scale, working: { width, height } }: Frame,
  { box: [a, b, , d] }: Pick<TextLine, 'box'>,
): number {
  const [across, along] = [Math.hypot(d[0] - a[0], d[1] - a[1]), Math.hypot(b[0] - a[0], b[1] - a[1])];
  const [marginU, marginV] = [(BAND * across) / Math.max(1, along), BAND];
  const isSurface = (y: number): boolean => subject.mask[y * width] === 1 && subject.mask[(y + 1) * width - 1] === 1;
  let [hits, count] = [0, 0];
  for (let j = 0; j < GRID; j++)
    for (let i = 0; i < 2 * GRID; i++) {
      const u = ((i + 0.5) / (2 * GRID)) * (1 + 2 * marginU) - marginU;
      const v = ((j + 0.5) / GRID) * (1 + 2 * marginV) - marginV;
      if (u > 0 && u < 1 && v > 0 && v < 1) continue;
      const x = Math.floor((a[0] + u * (b[0] - a[0]) + v * (d[0] - a[0])) / scale);
      const y = Math.floor((a[1] + u * (b[1] - a[1]) + v * (d[1] - a[1])) / scale);
      if (x < 0 || y < 0 || x >= width || y >= height) continue;
      count++;
      if (subject.mask[y * width + x] === 1 && !isSurface(y)) hits++;
    }
  return count === 0 ? 0 : hits / count;
}
