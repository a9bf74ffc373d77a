import { createHash } from 'node:crypto';
import { paint } from '../../../sandbox/painter/index.js';

/** Prompts and seeds that between them draw every background family, every step of the camera, and a scene that was not asked for. */
export const GOLDEN: readonly { prompt: string; seed: number; sha256: string }[] = [
  {
    prompt: 'product photo of a red mug on a white background',
    seed: 2,
    sha256: '0b2d5c6bd0bcd3e981225bfbe672ec58cac0c370557f2ccacdcf009bb2b21ff1',
  },
  {
    prompt: 'two blue bottles on a wooden table',
    seed: 98,
    sha256: 'f3751ef64fb29836df25e772d49cef69167ea77027e200efbd9669ea5a80a6cf',
  },
  {
    prompt: 'a green chair, studio',
    seed: 73,
    sha256: '8b2047d56dd7ee82ea55d52321b21ffbcca4624f9b4f075c4e8d2ad2177bf7f5',
  },
  {
    prompt: 'three yellow shoes on a grey background',
    seed: 192,
    sha256: 'ef19e6c0071caa0c38b2493857f7bca60d43c11ca66e26ebefa3ab6c046fd4d5',
  },
  {
    prompt: 'a black watch on white',
    seed: 247,
    sha256: 'fda76179c84eab8f6da0c68d075d67e67e9edc401b307ecbc5b4e83b17fea780',
  },
  {
    prompt: 'a pink lamp on marble',
    seed: 76,
    sha256: '47166b3b8f9fe9f4ccea86b2092751916cd415a05a1506a954f1bae950927529',
  },
  {
    prompt: 'a teal bag on a beige background',
    seed: 67,
    sha256: 'ad9ebea61de270a63aa0be54e21c560534d2b1610bfca2c94ace656cc2053bbd',
  },
];

/** The sha256 of a painting's pixels at 256 x 256. */
export async function pixelHash(ask: { prompt: string; seed: number }): Promise<string> {
  const { data } = await paint({ prompt: ask.prompt, seed: ask.seed, width: 256, height: 256 });
  return createHash('sha256').update(data).digest('hex');
}
