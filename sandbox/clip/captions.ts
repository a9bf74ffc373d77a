import type { Scene } from '../painter/index.js';
import type { Random } from '../painter/random.js';
import { COLOUR_WORDS, OBJECT_WORDS } from '../painter/words.js';

/**
 * Captions that name a whole scene, in the words that people write prompts in. `{number}` is "a", "two" … and `{noun}` agrees
 * with it; `{ground}` is a background in words of its own, `{bare}` its name alone.
 */
const PHRASES = [
  'product photo of {number} {colour} {noun} on {ground}',
  'product photo of {number} {colour} {noun}, {ground}',
  '{number} {colour} {noun} on {ground}',
  '{number} {colour} {noun}, {ground}',
  'a photo of {number} {colour} {noun} on {ground}',
  'studio product shot of {number} {colour} {noun}, {ground}',
  'photo of {number} {colour} {noun} against {ground}',
  '{number} {colour} {noun} isolated on {bare}',
  '{number} {colour} {noun} on {bare}',
  '{number} {colour} {noun} in front of {ground}',
  'e-commerce picture of {number} {colour} {noun} with {ground}',
] as const;

/** Captions that name a part of it: a claim about the picture. */
const PARTS = [
  'product photo of {number} {colour} {noun}',
  'a photo of {number} {colour} {noun}',
  '{number} {colour} {noun}',
  '{number} {noun}',
  'a photo of {number} {noun}',
  '{number} {noun} on {ground}',
  '{colour} {noun}',
  '{colour} {noun} on {ground}',
  'product photo, {colour} {noun}, {ground}',
  '{noun}',
  'a photo of the {noun}',
  '{noun} on {ground}',
  'the {noun} is {colour}',
  '{colour}',
  'something {colour}',
  'the colour is {colour}',
  '{ground}',
  'on {bare}',
  'a photo on {ground}',
  'the background is {ground}',
  '{number} objects',
] as const;

/** Captions of a picture without its subject. */
const EMPTY = [
  'nothing on {ground}',
  'an empty picture, {ground}',
  '{ground}',
  'no object on {ground}',
  'nothing',
] as const;

/** Words that prompts end with and that say nothing about the scene. */
const EXTRAS = [
  '8k',
  'sharp focus',
  'high quality',
  'centered',
  'professional photography',
  'highly detailed',
  '85mm',
  'no text',
  'no people',
  'clean',
  'best quality',
  'commercial photography',
] as const;

const NUMBERS: Readonly<Record<number, readonly string[]>> = {
  1: ['a', 'one', 'a single', '1'],
  2: ['two', 'a pair of', 'a couple of', '2'],
  3: ['three', 'a trio of', 'several', '3'],
  4: ['four', '4'],
};

const plain = (...names: string[]): string[] =>
  names.flatMap((name) => [`a ${name} background`, `a ${name} backdrop`, `${name} background`]);

const GROUNDS: Readonly<Record<Scene['background'], readonly string[]>> = {
  white: plain('white', 'pure white', 'plain white'),
  grey: plain('grey', 'gray', 'plain grey'),
  black: plain('black', 'dark black', 'plain black'),
  beige: plain('beige', 'cream', 'plain beige'),
  pink: plain('pink', 'pastel pink', 'plain pink'),
  blue: plain('blue', 'pale blue', 'plain blue'),
  green: plain('green', 'pale green', 'plain green'),
  studio: ['a studio background', 'a studio backdrop', 'a seamless backdrop', 'a gradient background'],
  wood: ['a wooden table', 'a wooden background', 'a wooden surface', 'a wood background', 'an oak table'],
  marble: ['a marble background', 'a marble surface', 'a marble backdrop', 'a stone surface'],
};

/** The words that mean each value of a table, its own name first. */
function wordsOf(table: Readonly<Record<string, string>>): Record<string, string[]> {
  const found: Record<string, string[]> = {};
  for (const [word, value] of Object.entries(table)) (found[value] ??= []).push(word);
  return found;
}

function plural(word: string): string {
  if (word.endsWith('s')) return word;
  return /(x|ch|sh)$/.test(word) ? `${word}es` : `${word}s`;
}

/** All that captions are made of; the training script reads it as JSON. Nouns are [singular, plural]. */
export const LANGUAGE = {
  phrases: PHRASES,
  parts: PARTS,
  empty: EMPTY,
  extras: EXTRAS,
  object: Object.fromEntries(
    Object.entries(wordsOf(OBJECT_WORDS)).map(([name, words]) => [name, words.map((word) => [word, plural(word)])]),
  ),
  colour: wordsOf(COLOUR_WORDS),
  background: GROUNDS,
  count: NUMBERS,
};

/**
 * A caption that names all of a scene; the stream chooses phrase and words, so that equal streams word two scenes alike.
 *
 * @example
 * caption({ object: 'mug', colour: 'red', background: 'white', count: 1 }, stream('7')); // 'product photo of a red mug, white'
 */
export function caption(scene: Scene, random: Random): string {
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random.next() * items.length)] as T;
  const phrase = pick(PHRASES);
  const noun = pick(LANGUAGE.object[scene.object] ?? []);
  const words = {
    number: pick(NUMBERS[scene.count] ?? []),
    colour: pick(LANGUAGE.colour[scene.colour] ?? []),
    noun: noun[scene.count === 1 ? 0 : 1] ?? scene.object,
    ground: pick(GROUNDS[scene.background]),
    bare: scene.background,
  };
  const text = phrase.replace(/\{(\w+)\}/g, (_, slot: keyof typeof words) => words[slot]);
  return random.chance(0.3) ? `${text}, ${pick(EXTRAS)}` : text;
}
