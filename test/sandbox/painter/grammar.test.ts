import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BACKGROUNDS, COLOURS, DEFAULT_SCENE, OBJECTS, parsePrompt } from '../../../sandbox/painter/index.js';

describe('parsePrompt', () => {
  it.each([
    ['product photo of a red mug on a white background', 'mug', 'red', 'white', 1],
    ['product photo of two blue bottles on a wooden table', 'bottle', 'blue', 'wood', 2],
    ['3 green vases, white background, 8k, sharp focus, 85mm', 'vase', 'green', 'white', 3],
    ['studio shot of a pair of black shoes against a grey backdrop', 'shoe', 'black', 'grey', 2],
    ['A (navy handbag:1.3) on white', 'bag', 'navy', 'white', 1],
    ['four yellow boxes in a studio', 'box', 'yellow', 'studio', 4],
    ['12 purple cups on marble', 'mug', 'purple', 'marble', 4],
    ['white chair on a black background', 'chair', 'white', 'black', 1],
    ['orange lamp on a white studio background', 'lamp', 'orange', 'white', 1],
    ['watch, teal, no text, no people, on a seamless beige backdrop', 'watch', 'teal', 'beige', 1],
    ['a silver phone with a pink background', 'phone', 'silver', 'pink', 1],
    ['a grey wristwatch on an oak desk', 'watch', 'grey', 'wood', 1],
    ['gold headphones', 'headphones', 'gold', 'white', 1],
    ['brown notebook without background', 'book', 'brown', 'white', 1],
  ])('%s', (prompt, object, colour, background, count) => {
    expect(parsePrompt(prompt)).toEqual({ object, colour, background, count });
  });

  it.each(['', 'a zeppelin', 'constructor __proto__ toString', '💥 <svg/>', 'no mug'])('falls back on %j', (prompt) => {
    expect(parsePrompt(prompt)).toEqual(DEFAULT_SCENE);
  });

  it('keeps what it knows of a prompt that it knows in part', () => {
    expect(parsePrompt('three chartreuse bottles on the moon')).toEqual({
      ...DEFAULT_SCENE,
      object: 'bottle',
      count: 3,
    });
  });

  it('reads every combination of its own words', () => {
    const numbers = ['', 'one', 'two', 'three', 'four'];
    for (const object of OBJECTS)
      for (const colour of Object.keys(COLOURS))
        for (const background of BACKGROUNDS)
          for (const count of [1, 2, 3, 4])
            expect(parsePrompt(`photo of ${numbers[count]} ${colour} ${object} on a ${background} background`)).toEqual(
              {
                object,
                colour,
                background,
                count,
              },
            );
  });

  it('gives a scene for any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 200 }), (prompt) => {
        const scene = parsePrompt(prompt);
        expect(OBJECTS).toContain(scene.object);
        expect(Object.keys(COLOURS)).toContain(scene.colour);
        expect(BACKGROUNDS).toContain(scene.background);
        expect([1, 2, 3, 4]).toContain(scene.count);
      }),
    );
  });
});
