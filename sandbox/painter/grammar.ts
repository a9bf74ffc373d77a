import { BACKGROUND_WORDS, COLOUR_WORDS, COUNT_WORDS, OBJECT_WORDS } from './words.js';
import type { BackgroundName, ColourName, ObjectName } from './words.js';

/** What a prompt asks for, as far as the painter understands it. */
export interface Scene {
  readonly object: ObjectName;
  readonly colour: ColourName;
  readonly background: BackgroundName;
  /** 1..4 */
  readonly count: number;
}

/** What is drawn where the prompt is silent or unknown. */
export const DEFAULT_SCENE: Scene = { object: 'mug', colour: 'red', background: 'white', count: 1 };

const MAX_COUNT = 4;
/** A new part of the sentence begins here; what follows may be the background. */
const BREAK = /^(on|onto|against|over|in|front|with|before)$/;
const NEGATION = /^(no|without|not)$/;
/** Words that make the part they stand in the background. */
const BACKDROP =
  /^(background|backdrop|backgrounds|surface|wall|table|tabletop|desk|studio|wood|wooden|marble|seamless)$/;

/** The meaning of a word in a table, singular or plural. The table may hold names of Object.prototype only as own words. */
function look<T>(table: Readonly<Record<string, T>>, word: string): T | undefined {
  for (const form of [word, word.replace(/s$/, ''), word.replace(/es$/, '')]) {
    if (Object.hasOwn(table, form)) return table[form];
  }
  return undefined;
}

/** Lower-case words; prompt weights such as `(mug:1.2)` and words after "no" are dropped. */
function wordsOf(prompt: string): string[] {
  const words = prompt
    .toLowerCase()
    .replace(/:\s*-?\d+(\.\d+)?/g, ' ')
    .replace(/[,.;!?]+(?=\s|$)/g, ' | ')
    .split(/[^a-z0-9|]+/)
    .filter(Boolean);
  const kept: string[] = [];
  for (let i = 0; i < words.length; i++) {
    const word = words[i] ?? '';
    if (NEGATION.test(word)) i += 1;
    else kept.push(word);
  }
  return kept;
}

/** The sentence cut at prepositions and punctuation. */
function partsOf(words: readonly string[]): string[][] {
  const parts: string[][] = [[]];
  for (const word of words) {
    if (word === '|' || BREAK.test(word)) parts.push([]);
    if (word !== '|') parts.at(-1)?.push(word);
  }
  return parts.filter((part) => part.length > 0);
}

function countOf(word: string): number | undefined {
  if (Object.hasOwn(COUNT_WORDS, word)) return COUNT_WORDS[word];
  return /^\d{1,2}$/.test(word) && Number(word) > 0 ? Math.min(MAX_COUNT, Number(word)) : undefined;
}

/**
 * Reads a prompt. Object: the first known noun outside the background part. Its colour: the nearest colour word before it
 * in the same part, else the first one outside the background. Count: the nearest number among the five words before it.
 * Background: the known word in the part that names a background, table, wall or studio, else in a part that begins with
 * "on" or "against". Unknown words are ignored; whatever is missing is taken from DEFAULT_SCENE.
 *
 * @example
 * parsePrompt('product photo of two blue bottles on a wooden table');
 * // { object: 'bottle', colour: 'blue', background: 'wood', count: 2 }
 */
export function parsePrompt(prompt: string): Scene {
  const parts = partsOf(wordsOf(prompt));
  const hasObject = (part: readonly string[]): boolean => part.some((word) => look(OBJECT_WORDS, word));
  const scenery =
    parts.find((part) => part.some((w) => BACKDROP.test(w)) && !hasObject(part)) ??
    parts.find((part) => /^(on|against|over)$/.test(part[0] ?? '') && !hasObject(part)) ??
    parts.find((part) => part.some((w) => BACKDROP.test(w)));
  let background: BackgroundName | undefined;
  for (const word of scenery ?? []) {
    // "studio" and "table" say less than a colour or material beside them: "white studio background" is white.
    const found = look(BACKGROUND_WORDS, word);
    if (found && (!background || background === 'studio' || word === 'wood' || word === 'wooden')) background = found;
    if (found && found !== 'studio' && !/^(table|desk)$/.test(word)) break;
  }

  const subject = parts.find((part) => part !== scenery && hasObject(part)) ?? parts.find(hasObject);
  const at = subject?.findIndex((word) => look(OBJECT_WORDS, word)) ?? -1;
  const before = subject && at >= 0 ? subject.slice(0, at).reverse() : [];
  const first = <T>(words: readonly string[], read: (word: string) => T | undefined): T | undefined => {
    for (const word of words) {
      const value = read(word);
      if (value !== undefined) return value;
    }
    return undefined;
  };
  const colour = (word: string): ColourName | undefined => look(COLOUR_WORDS, word);
  // "a pair of red shoes": the article before "pair" must not win, so the largest of the nearest numbers counts.
  const counts = before.slice(0, 5).flatMap((word) => countOf(word) ?? []);
  return {
    object: first(subject?.slice(at) ?? [], (word) => look(OBJECT_WORDS, word)) ?? DEFAULT_SCENE.object,
    colour:
      first(before, colour) ?? first(parts.filter((part) => part !== scenery).flat(), colour) ?? DEFAULT_SCENE.colour,
    background: background ?? DEFAULT_SCENE.background,
    count: counts.length > 0 ? Math.max(...counts) : DEFAULT_SCENE.count,
  };
}
