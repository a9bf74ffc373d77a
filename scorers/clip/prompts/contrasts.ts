import { isBackdrop, piecesOf, type Piece } from './pieces.js';
import { BACKGROUNDS, COLOURS, COUNTS, THINGS } from './words.js';

export type Attribute = 'object' | 'colour' | 'background' | 'count';

/** The same sentence with one attribute exchanged. */
export interface Contrast {
  text: string;
  attribute: Attribute;
  from: string;
  to: string;
}

/**
 * Every sentence that differs from this one in a single attribute, as far as its words are known (`words.ts`): another object of the same
 * group, another colour of the subject, another background, another number of objects. Empty where it has no such words.
 *
 * @example
 * contrastsOf('two red mugs on a white background').find(({ to }) => to === 'blue')?.text; // 'two blue mugs on a white background'
 */
export function contrastsOf(sentence: string): Contrast[] {
  const pieces = piecesOf(sentence);
  const subjects = pieces.filter((piece) => !isBackdrop(piece));
  const backdrop = pieces.find(isBackdrop);
  const subject = subjects.find((piece) => thingIn(piece) !== undefined) ?? subjects[0];
  return [
    ...(subject === undefined
      ? []
      : [...otherThings(sentence, subject), ...otherColours(sentence, subject), ...otherCounts(sentence, subject)]),
    ...(backdrop === undefined ? [] : otherBackgrounds(sentence, backdrop)),
  ];
}

interface Found {
  word: string;
  /** In the sentence. */
  at: number;
}

interface FoundThing extends Found {
  names: readonly [string, string, ...string[]];
  group: readonly (readonly [string, string, ...string[]])[];
  plural: boolean;
}

function wordsIn({ text, at }: Piece): Found[] {
  return [...text.matchAll(/[\p{L}\p{N}]+/gu)].map((found) => ({ word: found[0].toLowerCase(), at: at + found.index }));
}

/** The first thing that a piece names. */
function thingIn(piece: Piece): FoundThing | undefined {
  for (const { word, at } of wordsIn(piece))
    for (const group of THINGS)
      for (const names of group) {
        const [singular, plural, ...others] = names;
        if (word === singular || others.includes(word)) return { word, at, names, group, plural: false };
        if (word === plural || others.some((other) => `${other}s` === word))
          return { word, at, names, group, plural: true };
      }
  return undefined;
}

function otherThings(sentence: string, piece: Piece): Contrast[] {
  const thing = thingIn(piece);
  if (thing === undefined) return [];
  const [from] = thing.names;
  return thing.group
    .filter((names) => names !== thing.names)
    .map((names) => ({
      text: exchanged(sentence, thing, thing.plural ? names[1] : names[0]),
      attribute: 'object',
      from,
      to: names[0],
    }));
}

/** The last colour before the thing, else the first one of the piece. */
function otherColours(sentence: string, piece: Piece): Contrast[] {
  const known = wordsIn(piece).filter(({ word }) => colourOf(word) !== undefined);
  const thing = thingIn(piece);
  const colour = known.findLast(({ at }) => thing !== undefined && at < thing.at) ?? known[0];
  const from = colour && colourOf(colour.word);
  if (colour === undefined || from === undefined) return [];
  return Object.keys(COLOURS)
    .filter((to) => to !== from)
    .map((to) => ({ text: exchanged(sentence, colour, to), attribute: 'colour', from, to }));
}

const colourOf = (word: string): string | undefined =>
  Object.keys(COLOURS).find((name) => name === word || COLOURS[name]?.includes(word));

/** The nearest number among the five words before the thing; its noun follows it. */
function otherCounts(sentence: string, piece: Piece): Contrast[] {
  const thing = thingIn(piece);
  if (thing === undefined || thing.names[0] === thing.names[1]) return [];
  const before = sentence.slice(piece.at, thing.at);
  const numbers = /\b(a (?:pair|couple|trio) of|a single|an?|one|two|three|four|several|[1-4])\b/gi;
  const found = [...before.matchAll(numbers)].at(-1);
  if (found === undefined || before.slice(found.index).split(/\s+/).length > 6) return [];
  const number = found[0].toLowerCase();
  const own = COUNTS.find(({ pattern }) => pattern.test(number));
  const at = piece.at + found.index;
  return COUNTS.filter((count) => count !== own).map(({ word }) => {
    const noun = word === 'a' ? thing.names[0] : thing.names[1];
    const text = exchanged(exchanged(sentence, thing, noun), { word: number, at }, word);
    return { text: withArticle(text, at), attribute: 'count', from: own?.word ?? number, to: word };
  });
}

function otherBackgrounds(sentence: string, piece: Piece): Contrast[] {
  const words = wordsIn(piece);
  const names = Object.keys(BACKGROUNDS);
  const means = (word: string): string | undefined => names.find((name) => BACKGROUNDS[name]?.words.includes(word));
  // "white studio background" is white: a colour or a material says more than the place
  const known = words.filter(({ word }) => means(word) !== undefined);
  const telling = known.find(({ word }) => !/^(studio|seamless|table|tabletop|desk)$/.test(word)) ?? known[0];
  const from = telling && means(telling.word);
  if (telling === undefined || from === undefined) return [];
  return names
    .filter((to) => to !== from)
    .map((to) => {
      const inPlace = from in COLOURS && to in COLOURS;
      const whole = { word: piece.text, at: piece.at };
      const text = inPlace
        ? exchanged(sentence, telling, to)
        : exchanged(sentence, whole, BACKGROUNDS[to]?.phrase ?? to);
      return { text, attribute: 'background', from, to };
    });
}

/** The sentence with another word in the place of one; an article before it follows. */
function exchanged(sentence: string, { word, at }: Found, to: string): string {
  const text = sentence.slice(0, at) + to + sentence.slice(at + word.length);
  const before = /\b(an?)\s+$/i.exec(text.slice(0, at));
  return before === null ? text : withArticle(text, before.index);
}

/** "a" or "an" at this place, as the next word asks for. */
function withArticle(text: string, at: number): string {
  return (
    text.slice(0, at) +
    text.slice(at).replace(/^an?(?=\s+(\w))/i, (_, next: string) => (/[aeiou]/i.test(next) ? 'an' : 'a'))
  );
}
