/** Words of a policy against what was read. A recogniser drops spaces and now and then takes one character for another. */
import { distance } from 'fastest-levenshtein';
import type { TextLine } from './lines.js';

/** One wrong character in so many is still the word. */
const CHARACTERS_PER_ERROR = 6;
/** Shorter words are looked for as whole words only: `ad` is in `shadow`. */
const MIN_INSIDE = 4;

/** What is compared: without case, width, accents' spelling and everything but letters and digits. */
export const plain = (text: string): string =>
  text
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]/gu, '');

/**
 * Whether a word or phrase stands somewhere in the lines. From 4 characters on, also within what was read without spaces; from 6 on,
 * with one wrong character in six.
 *
 * @example
 * says(lines, 'free shipping'); // true for FREESHlPPING
 */
export function says(lines: readonly Pick<TextLine, 'text'>[], phrase: string): boolean {
  const wanted = plain(phrase);
  if (wanted === '') return false;
  const allowed = Math.floor(wanted.length / CHARACTERS_PER_ERROR);
  return lines.some(({ text }) => {
    const words = text.split(/[^\p{L}\p{N}]+/u).map(plain);
    if (words.includes(wanted)) return true;
    return wanted.length >= MIN_INSIDE && distanceInside(plain(text), wanted) <= allowed;
  });
}

/** The smallest edit distance of a text to any stretch of another (Sellers, Journal of Algorithms 1, 1980). */
export function distanceInside(text: string, wanted: string): number {
  const [inside, pattern] = [Array.from(text), Array.from(wanted)];
  let row = Array.from({ length: pattern.length + 1 }, (_, i) => i);
  let best = pattern.length;
  for (const character of inside) {
    const next = [0];
    for (let j = 1; j <= pattern.length; j++)
      next.push(
        Math.min(
          (row[j] as number) + 1,
          (next[j - 1] as number) + 1,
          (row[j - 1] as number) + (pattern[j - 1] === character ? 0 : 1),
        ),
      );
    row = next;
    best = Math.min(best, row[pattern.length] as number);
  }
  return best;
}

/**
 * How far what was read is from what a label must say, in characters: the closest run of lines, one after another, as one text.
 *
 * @returns the distance, and the text that it belongs to; all that was expected where nothing was read
 * @example
 * closest([{ text: 'ACNE' }, { text: 'Soap' }, { text: '200 ml' }], 'ACME soap'); // { distance: 1, read: 'ACNE Soap' }
 */
export function closest(
  lines: readonly Pick<TextLine, 'text'>[],
  expected: string,
): { distance: number; read: string } {
  const wanted = plain(expected);
  let best = { distance: Array.from(wanted).length, read: '' };
  for (let from = 0; from < lines.length; from++)
    for (let to = from + 1; to <= lines.length; to++) {
      const read = lines.slice(from, to).map(({ text }) => text).join(' '); // prettier-ignore
      const found = distance(plain(read), wanted);
      if (found < best.distance) best = { distance: found, read };
    }
  return best;
}
