import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { cleaned } from '../../../scorers/clip/clean.js';
import { createTokenizer, type Tokens } from '../../../scorers/clip/tokenizer.js';
import { clipTokenizer } from '../../support/clip-tokenizer.js';

interface Row {
  text: string;
  cleaned: string;
  ids: number[];
}
const { same, differs } = JSON.parse(
  readFileSync(new URL('../../fixtures/clip/tokens.json', import.meta.url), 'utf8'),
) as { same: Row[]; differs: Row[] };
const [START, END] = [49406, 49407];
const CLIP = { context: 77, padded: false, clean: true, padId: END };

let files: { tokenizer: object; config: object };
let tokenize: (text: string) => Tokens;
beforeAll(async () => {
  files = await clipTokenizer();
  tokenize = createTokenizer(files, CLIP);
});

/** All tokens of a text, those of start and end taken off each piece. */
const words = ({ chunks }: Pick<Tokens, 'chunks'>): number[] => chunks.flatMap((chunk) => chunk.slice(1, -1));

describe("CLIP's tokenizer", () => {
  it.each(same)('cleans and reads as the original: $text', ({ text, cleaned: expected, ids }) => {
    expect(cleaned(text)).toBe(expected);
    expect(words(tokenize(text))).toEqual(ids);
  });

  it.each(differs)('leaves damaged encodings as they are: $text', ({ text, cleaned: repaired }) => {
    expect(cleaned(text)).toBe(text.toLowerCase());
    expect(repaired).not.toBe(text.toLowerCase());
  });

  it('frames a text with start and end, an empty one too', () => {
    expect(tokenize('a cat').chunks).toEqual([[START, 320, 2368, END]]);
    expect(tokenize('').chunks).toEqual([[START, END]]);
  });

  it.each([75, 76, 150, 151, 400])('cuts %i words into pieces that each end with the end token', (count) => {
    const { chunks } = tokenize('word '.repeat(count));
    expect(chunks).toHaveLength(Math.ceil(count / 75));
    for (const chunk of chunks) {
      expect(chunk.length).toBeLessThanOrEqual(77);
      expect([chunk[0], chunk.at(-1)]).toEqual([START, END]);
    }
    expect(words({ chunks })).toHaveLength(count);
  });

  it('cuts between words', () => {
    const long = 'extraordinarily photographers ';
    const { chunks } = tokenize(long.repeat(60));
    const [extraordinarily, photographers] = long.split(' ').map((word) => words(tokenize(word)));
    const starts = [extraordinarily![0], photographers![0]];
    const ends = [extraordinarily!.at(-1), photographers!.at(-1)];
    for (const chunk of chunks) {
      expect(starts).toContain(chunk[1]);
      expect(ends).toContain(chunk.at(-2));
    }
    expect(words({ chunks })).toHaveLength(60 * (extraordinarily!.length + photographers!.length));
  });

  it('cuts within a word that no piece can hold, and drops nothing', () => {
    const { ids } = same.find(({ text }) => text.startsWith('xxx'))!;
    const text = 'x'.repeat(900);
    const { chunks } = tokenize(text);
    expect(chunks.length).toBeGreaterThan(1);
    expect(words({ chunks })).toHaveLength(3 * ids.length);
  });

  it('fills up to the context where the tower was trained so', () => {
    const padded = createTokenizer(files, { context: 16, padded: true, clean: true, padId: 1 });
    expect(padded('a cat').chunks).toEqual([[START, 320, 2368, END, ...Array<number>(12).fill(1)]]);
  });
});
