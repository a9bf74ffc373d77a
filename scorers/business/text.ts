import type { Frame } from '../frame.js';
import { falling, quality } from '../mapping.js';
import type { Ask, Assessment, Scorer } from '../scorer.js';
import { charactersOf, textLines, type TextLine } from '../text/lines.js';
import { says } from '../text/words.js';

const CHARACTERS = falling(2, 1);
const WORDS = falling(0.5, 0.1);
/** A line of which less than this share lies on the subject stands in the background. */
const ON_SUBJECT = 0.5;
/** Points across and along a line at which the subject is looked up. */
const GRID = [4, 24] as const;

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
  const outside = frame.subject.found ? lines.filter((line) => shareOnSubject(frame, line) < ON_SUBJECT) : lines;
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

/** Share of a line's area that lies on the subject. */
export function shareOnSubject(
  { subject, scale, working: { width, height } }: Frame,
  { box: [a, b, , d] }: Pick<TextLine, 'box'>,
): number {
  const [rows, columns] = GRID;
  let hits = 0;
  for (let j = 0; j < rows; j++)
    for (let i = 0; i < columns; i++) {
      const [u, v] = [(i + 0.5) / columns, (j + 0.5) / rows];
      const x = Math.floor((a[0] + u * (b[0] - a[0]) + v * (d[0] - a[0])) / scale);
      const y = Math.floor((a[1] + u * (b[1] - a[1]) + v * (d[1] - a[1])) / scale);
      if (x < 0 || y < 0 || x >= width || y >= height) continue;
      if (subject.mask[y * width + x] === 1) hits++;
    }
  return hits / (rows * columns);
}
