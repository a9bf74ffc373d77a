import type { Frame } from '../frame.js';
import { textBoxes } from './detect.js';
import type { Point } from '../image/view.js';
import { corners } from './geometry.js';
import { readLine } from './read.js';

/** Below either, what was found is no text: folds and bricks read as single characters or with doubt. */
const MIN_CONFIDENCE = 0.6;
const MIN_CHARACTERS = 2;
/** A page full of print is not read to its end: the largest lines say enough. */
const MAX_LINES = 48;

/** A line of text that was found and read. */
export interface TextLine {
  /** Top left, top right, bottom right, bottom left along the text; pixels of the full-size upright picture. */
  box: [Point, Point, Point, Point];
  text: string;
  /** Mean probability of its characters, 0.6..1. */
  confidence: number;
}

/**
 * The text of a picture, by lines, from top to bottom and left to right. Latin and Chinese characters; upright or slanted, also from top to
 * bottom, not on its head.
 *
 * @throws Unassessable model-missing
 * @example
 * const lines = await frame.derive(textLines);
 * lines.map(({ text }) => text); // ['SALE', 'up to 50%']
 */
export async function textLines(frame: Frame): Promise<TextLine[]> {
  const boxes = (await textBoxes(frame))
    .sort((one, two) => two.half[0] * two.half[1] - one.half[0] * one.half[1])
    .slice(0, MAX_LINES);
  const lines: (TextLine & { middle: Point; height: number })[] = [];
  for (const box of boxes) {
    const { text, confidence } = await readLine(frame.models, frame, box);
    if (confidence < MIN_CONFIDENCE || charactersOf(text) < MIN_CHARACTERS) continue;
    lines.push({ box: corners(box), text: text.trim(), confidence, middle: box.centre, height: 2 * box.half[1] });
  }
  // boxes whose middles are less than half a height apart stand on one line
  lines.sort((one, two) => {
    const apart = one.middle[1] - two.middle[1];
    return Math.abs(apart) < Math.min(one.height, two.height) / 2 ? one.middle[0] - two.middle[0] : apart;
  });
  return lines.map(({ box, text, confidence }) => ({ box, text, confidence }));
}

/** Characters that are not white space. */
export const charactersOf = (text: string): number => Array.from(text.replace(/\s/gu, '')).length;
