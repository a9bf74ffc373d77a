import { contentOf } from './words.js';

/** Captions of other pictures: what a prompt has to be nearer to the picture than. Half are product shots, half anything. */
export const DISTRACTORS: readonly string[] = [
  'a red mug on a white background',
  'two blue bottles on a wooden table',
  'a green vase on a grey background',
  'three black boxes on a white background',
  'a yellow book on a marble background',
  'a silver phone on a black background',
  'a brown bag on a beige background',
  'a gold watch on a black background',
  'a white lamp on a blue background',
  'four orange chairs on a white background',
  'two pink shoes on a studio background',
  'purple headphones on a grey background',
  'a teal mug on a wooden table',
  'a navy bag on a white background',
  'a beige vase on a pink background',
  'two grey phones on a white background',
  'three green bottles on a marble background',
  'a black lamp on a white background',
  'a pink box on a green background',
  'two brown books on a wooden table',
  'a red chair on a studio background',
  'four white mugs on a blue background',
  'a blue shoe on a beige background',
  'three gold watches on a grey background',
  'a dog running on a beach',
  'a cat asleep on a sofa',
  'a plate of pasta with tomato sauce',
  'a mountain lake at sunrise',
  'a city street at night in the rain',
  'a portrait of an old man with a beard',
  'a woman in a red dress',
  'a child on a swing',
  'a football match in a stadium',
  'a bowl of fruit',
  'a train in a station',
  'a bedroom with a large window',
  'a bicycle against a brick wall',
  'a map of the world',
  'a page of printed text',
  'a field of sunflowers',
  'a bird on a branch',
  'a sailing boat on the sea',
  'a birthday cake with candles',
  'a laptop on a desk',
  'a crowd at a concert',
  'a snow-covered forest',
  'a bridge over a river',
  'an oil painting of a horse',
  'a man in a suit shaking hands',
  'an aerial view of a coast',
];

/**
 * The distractors of a prompt: the list, and what a policy adds (`params.distractors`), without those that say the same thing as the prompt or
 * a part of it.
 *
 * @example
 * distractorsOf('a red mug on white').includes('a red mug on a white background'); // false
 */
export function distractorsOf(prompt: string, more: readonly string[] = []): string[] {
  const own = new Set(contentOf(prompt));
  return [...new Set([...DISTRACTORS, ...more])].filter((text) => {
    const content = new Set(contentOf(text));
    return ![...content].every((word) => own.has(word)) && ![...own].every((word) => content.has(word));
  });
}
