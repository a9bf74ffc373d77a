import { BACKDROP, BACKGROUNDS, contentOf, isFlaw, isSmall, isStyle, THINGS, wordsOf } from './words.js';

/** A part of a sentence between commas and prepositions. */
export interface Piece {
  text: string;
  /** Where it begins in the sentence. */
  at: number;
  /** The preposition before it, lower case; '' where there is none. */
  lead: string;
}

const SEPARATOR =
  /\s*[,.;|\n]+\s*|\s*(?<![\w-])(?:isolated on|in front of|next to|onto|on|against|over|with|before|wearing|holding|beside|behind|under|in(?=\s+an?\s|\s+the\s))(?![\w-])\s*/gi;
const NEGATION = /^(no|without|not)\b/i;
/** "product photo of", "a picture of": says how, not what. */
const OPENING = /^(?:an?\s+)?((?:[\w-]+\s+){0,4}?[\w-]+)\s+of\s+/i;
const MOST_CLAIMS = 5;

/**
 * A prompt without what only diffusion models read: weights `(mug:1.2)`, brackets, `<lora:…>`, `embedding:…`, options `--ar 3:2`.
 *
 * @example
 * plainPrompt('a (red:1.3) mug, <lora:shine:0.8> 8k --ar 3:2'); // 'a red mug, 8k'
 */
export const plainPrompt = (prompt: string): string =>
  prompt
    .replace(/<(lora|lyco|hypernet|lcm):[^>]*>/gi, ' ')
    .replace(/\bembedding:\S+/gi, ' ')
    .replace(/(^|\s)--\w+(\s+[^\s,-][^\s,]*)?/g, ' ')
    .replace(/:\s*-?\d+(\.\d+)?(?=\s*[)\]])/g, '')
    .replace(/[()[\]{}]/g, '')
    .replace(/\bBREAK\b/g, ',')
    .replace(/\s+/g, ' ')
    .replace(/(\s*,)+/g, ',')
    .replace(/^[,\s]+|[,\s]+$/g, '');

/** The pieces of a sentence, in its order. */
export function piecesOf(sentence: string): Piece[] {
  const pieces: Piece[] = [];
  let [at, lead] = [0, ''];
  for (const found of sentence.matchAll(SEPARATOR)) {
    pieces.push({ text: sentence.slice(at, found.index), at, lead });
    at = found.index + found[0].length;
    lead = found[0]
      .replace(/[^a-z ]/gi, '')
      .trim()
      .toLowerCase();
  }
  pieces.push({ text: sentence.slice(at), at, lead });
  return pieces.filter(({ text }) => text.trim() !== '');
}

/** Whether a piece says what is behind the subject. */
export function isBackdrop({ text, lead }: Piece): boolean {
  const words = wordsOf(text);
  const scenery = Object.values(BACKGROUNDS).some((background) =>
    background.words.some((word) => words.includes(word)),
  );
  if (BACKDROP.test(text.toLowerCase()) && (scenery || lead !== '')) return true;
  return /^(isolated on|on|onto|against|over|in front of|before)$/.test(lead) && scenery && !namesThing(words);
}

const namesThing = (words: readonly string[]): boolean =>
  THINGS.flat().some((names) => names.some((name) => words.includes(name)));

/** A claim is at most one of these; `leftOut` is what the sentence says besides. */
export interface Claims {
  claims: string[];
  leftOut: string[];
}

/**
 * The short claims that a prompt makes about a picture, in its order, at most five. The rule: cut at commas, full stops and
 * prepositions (on, against, with, in a, wearing, …), drop an opening such as "product photo of", leave out pieces that only say how a picture is
 * made ("8k, sharp focus") and what it must not show ("no text": that is the negative prompt's), and whatever comes after the fifth.
 *
 * @example
 * claimsOf('product photo of two blue bottles on a wooden table, 8k, no text');
 * // { claims: ['two blue bottles', 'a wooden table'], leftOut: ['8k', 'no text'] }
 */
export function claimsOf(prompt: string): Claims {
  const found = { claims: [] as string[], leftOut: [] as string[] };
  for (const { text } of piecesOf(plainPrompt(prompt))) {
    const claim = withoutOpening(text.trim());
    const about = contentOf(claim);
    const backdrop = BACKDROP.test(claim.toLowerCase());
    const counts = (about.length > 0 || backdrop) && !NEGATION.test(claim) && !found.claims.includes(claim);
    if (counts && found.claims.length < MOST_CLAIMS) found.claims.push(claim);
    else found.leftOut.push(claim);
  }
  return found;
}

function withoutOpening(text: string): string {
  const [whole = '', how = ''] = OPENING.exec(text) ?? [];
  return whole !== '' && wordsOf(how).every((word) => isStyle(word) || isSmall(word)) ? text.slice(whole.length) : text;
}

/**
 * A prompt as a sentence about a picture: `plainPrompt` without the pieces that say what must not be there, as CLIP reads "no text" as text.
 *
 * @example
 * affirmed('a red mug on white, no text'); // 'a red mug on white'
 */
export function affirmed(prompt: string): string {
  const plain = plainPrompt(prompt);
  return plain
    .split(/\s*,\s*/)
    .filter((part) => !NEGATION.test(part))
    .join(', ');
}

/** A part of a negative prompt, and the sentence that says so about a picture. */
export interface Forbidden {
  part: string;
  sentence: string;
}

/**
 * What a negative prompt forbids: its parts between commas, each once.
 *
 * @example
 * forbiddenOf('blurry, (watermark:1.4)'); // sentences: 'a blurry photo', 'a photo of watermark'
 */
export function forbiddenOf(negativePrompt: string): Forbidden[] {
  const parts = plainPrompt(negativePrompt).split(/\s*[,.;|]\s*/);
  return [...new Set(parts)]
    .filter((part) => wordsOf(part).length > 0)
    .map((part) => ({ part, sentence: wordsOf(part).every(isFlaw) ? `a ${part} photo` : `a photo of ${part}` }));
}
