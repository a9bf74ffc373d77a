import { Tokenizer as HuggingFaceTokenizer } from '@huggingface/tokenizers';
import { cleaned } from './clean.js';

interface Encoder {
  encode(text: string, options?: { add_special_tokens?: boolean }): { ids: number[]; tokens: string[] };
}
// its declarations name files without extensions, which TypeScript does not find for ES modules
const Tokenizer = HuggingFaceTokenizer as unknown as new (tokenizer: object, config: object) => Encoder;

export interface TextSpec {
  /** Tokens that the text tower reads at once, those of start and end included: 77 for CLIP, 64 for SigLIP. */
  context: number;
  /** Whether shorter texts are filled up to it: SigLIP was trained so, CLIP ends at its end token. */
  padded: boolean;
  /** Whether OpenAI's cleaning comes first (`clean.ts`). */
  clean: boolean;
  /** The token of padding; -1 where there is none. */
  padId: number;
}

/** Tokens of one text. */
export interface Tokens {
  /** One list for each piece that the text tower reads, start and end tokens included; never empty. */
  chunks: number[][];
  /** How many of them stand for words that the vocabulary lacks; always 0 for CLIP's own, which spells them out. */
  unknown: number;
}

interface TokenizerJson {
  added_tokens?: { content: string; special?: boolean }[];
  model?: { vocab?: Record<string, number> | [string, number][]; unk_token?: string | null };
}

/**
 * Turns texts into tokens for a text tower. A text that is longer than the tower's context is cut into pieces, between words, each with a start
 * and an end token of its own; nothing is dropped. (Other ports cut the end token off with the rest, and CLIP reads its answer there.)
 * Names of special tokens within a text are ordinary text.
 *
 * @example
 * const tokenize = createTokenizer({ tokenizer, config }, { context: 77, padded: false, clean: true, padId: 49407 });
 * tokenize('a cat').chunks; // [[49406, 320, 2368, 49407]]
 */
export function createTokenizer(
  { tokenizer, config }: { tokenizer: object; config: object },
  { context, padded, clean, padId }: TextSpec,
): (text: string) => Tokens {
  const { added_tokens: added = [], ...rest } = tokenizer as TokenizerJson;
  const inVocabulary = vocabularyOf(rest.model?.vocab);
  const ordinary = added.filter(({ content, special }) => special !== true || !inVocabulary(content));
  const encoder = new Tokenizer({ ...rest, added_tokens: ordinary }, config);
  const { start, end } = frameOf(encoder);
  const room = context - start.length - end.length;
  return (text) => {
    const plain = clean ? cleaned(text) : text;
    const { ids, tokens } = encoder.encode(plain, { add_special_tokens: false });
    const pieces = split(ids, wordStarts(tokens), room);
    return {
      unknown: tokens.filter((token) => token === rest.model?.unk_token).length,
      chunks: pieces.map((piece) => {
        const chunk = [...start, ...piece, ...end];
        return padded ? [...chunk, ...Array<number>(context - chunk.length).fill(padId)] : chunk;
      }),
    };
  };
}

function vocabularyOf(vocab: Record<string, number> | [string, number][] = []): (token: string) => boolean {
  if (!Array.isArray(vocab)) return (token) => Object.hasOwn(vocab, token);
  const names = new Set(vocab.map(([name]) => name));
  return (token) => names.has(token);
}

/** The tokens that the tokenizer itself puts before and after a text. */
function frameOf(encoder: Encoder): { start: number[]; end: number[] } {
  const bare = encoder.encode('a', { add_special_tokens: false }).ids;
  const framed = encoder.encode('a').ids;
  const at = framed.findIndex((_, i) => bare.every((id, k) => framed[i + k] === id));
  return { start: framed.slice(0, at), end: framed.slice(at + bare.length) };
}

/** Whether a word begins at each token: CLIP marks the end of a word, SentencePiece its beginning, WordPiece its inner parts. */
function wordStarts(tokens: readonly string[]): boolean[] {
  if (tokens.some((token) => token.endsWith('</w>')))
    return tokens.map((_, i) => i === 0 || tokens[i - 1]?.endsWith('</w>') === true);
  if (tokens.some((token) => token.startsWith('▁'))) return tokens.map((token) => token.startsWith('▁'));
  return tokens.map((token) => !token.startsWith('##'));
}

/** Pieces of at most `room` tokens, cut before a word; a word that is longer than that is cut within. An empty text is one empty piece. */
function split(ids: readonly number[], starts: readonly boolean[], room: number): number[][] {
  const pieces: number[][] = [];
  let from = 0;
  while (ids.length - from > room) {
    let to = from + room;
    while (to > from && starts[to] !== true) to--;
    if (to === from) to = from + room;
    pieces.push(ids.slice(from, to));
    from = to;
  }
  return [...pieces, ids.slice(from)];
}
