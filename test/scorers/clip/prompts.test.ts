import { describe, expect, it } from 'vitest';
import { contrastsOf, type Attribute } from '../../../scorers/clip/prompts/contrasts.js';
import { affirmed, claimsOf, plainPrompt } from '../../../scorers/clip/prompts/pieces.js';

describe('a prompt without what only diffusion models read', () => {
  it.each([
    ['a (red:1.3) mug, <lora:shine:0.8> 8k --ar 3:2', 'a red mug, 8k'],
    ['((masterpiece)), [blurry], a cat BREAK on grass', 'masterpiece, blurry, a cat, on grass'],
    ['embedding:nice.pt a cat', 'a cat'],
    ['ratio 3:2, a clock at 10:30', 'ratio 3:2, a clock at 10:30'],
    ['', ''],
  ])('%s -> %s', (prompt, plain) => expect(plainPrompt(prompt)).toBe(plain));
});

describe('claims', () => {
  it.each<[string, string[], string[]]>([
    [
      'product photo of two blue bottles on a wooden table, 8k, no text',
      ['two blue bottles', 'a wooden table'],
      ['8k', 'no text'],
    ],
    [
      'a red mug, product photo on a white background, centred, soft even light',
      ['a red mug', 'a white background'],
      ['product photo', 'centred', 'soft even light'],
    ],
    [
      'Portrait of a smiling woman in a red dress wearing a hat, holding a cup, beside a dog, under a tree',
      ['Portrait of a smiling woman', 'a red dress', 'a hat', 'a cup', 'a dog'],
      ['a tree'],
    ],
    ['8k, masterpiece', [], ['8k', 'masterpiece']],
    ['a mug, a mug', ['a mug'], ['a mug']],
    ['', [], []],
  ])('of "%s"', (prompt, claims, leftOut) => expect(claimsOf(prompt)).toEqual({ claims, leftOut }));

  it('that deny are not affirmed', () => {
    expect(affirmed('a red mug on white, no text, without people')).toBe('a red mug on white');
  });
});

describe('contrasts', () => {
  const of = (sentence: string, attribute: Attribute): string[] =>
    contrastsOf(sentence).flatMap((one) => (one.attribute === attribute ? [one.text] : []));

  it('exchange the thing for others of its kind, in its number', () => {
    const found = of('two red boxes on a white background', 'object');
    expect(found).toContain('two red mugs on a white background');
    expect(found).toContain('two red watches on a white background');
    expect(found).not.toContain('two red dogs on a white background');
    expect(of('a puppy', 'object')).toEqual(['a cat', 'a horse', 'a bird']);
  });

  it("exchange the subject's colour, not the background's", () => {
    const found = of('product photo of a red mug on a white background', 'colour');
    expect(found).toHaveLength(15);
    expect(found).toContain('product photo of a blue mug on a white background');
    expect(found).toContain('product photo of an orange mug on a white background');
    expect(of('a crimson mug', 'colour')).not.toContain('a red mug');
  });

  it('exchange how many, and the noun with it', () => {
    expect(of('a red mug on white', 'count')).toEqual([
      'two red mugs on white',
      'three red mugs on white',
      'four red mugs on white',
    ]);
    expect(of('a pair of orange shoes', 'count')).toEqual([
      'an orange shoe',
      'three orange shoes',
      'four orange shoes',
    ]);
    expect(of('product photo of mugs', 'count')).toEqual([]);
    expect(of('black headphones', 'count')).toEqual([]);
  });

  it('exchange the background, whatever it is made of', () => {
    const onWhite = of('a red mug on a pure white background', 'background');
    expect(onWhite).toHaveLength(9);
    expect(onWhite).toContain('a red mug on a pure grey background');
    expect(onWhite).toContain('a red mug on a wooden table');
    const onWood = of('a red mug, a wooden table, 8k', 'background');
    expect(onWood).toContain('a red mug, a white background, 8k');
    expect(of('a red mug on white', 'background')).toContain('a red mug on blue');
    expect(of('a mug on a white studio background', 'background')).toContain('a mug on a studio background');
  });

  it('differ from the sentence and from one another', () => {
    const sentence = 'a photo of three navy vases on a marble surface, sharp focus';
    const texts = contrastsOf(sentence).map(({ text }) => text);
    expect(texts).toHaveLength(15 + 15 + 3 + 9);
    expect(new Set([...texts, sentence]).size).toBe(texts.length + 1);
  });

  it('are none where no word is known', () => {
    expect(contrastsOf('an abstract swirl of emotions')).toEqual([]);
    expect(contrastsOf('')).toEqual([]);
  });
});
