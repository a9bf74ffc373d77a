import type { Frame } from '../frame.js';
import { dot } from '../vectors.js';
import { imageEmbedding, logitScale, reading, textEmbedding } from './clip.js';
import { contrastsOf, type Contrast } from './prompts/contrasts.js';
import { contentOf } from './prompts/words.js';

/** The sentence that fits any picture. */
export const NEUTRAL = 'a photo';

/** How well sentences fit one picture. Only differences of two of these mean something. */
export interface Fit {
  /** In logits. @throws where `signal` is aborted */
  of(sentence: string): Promise<number>;
  /** Whether the model knows any of the words that say what is on the picture. */
  readable(sentence: string): Promise<boolean>;
  /** Pieces that the text tower reads it in, and words that it does not know. */
  reading(sentence: string): Promise<{ chunks: number; unknown: number }>;
}

/** @throws Unassessable model-missing */
export async function fitOf(frame: Frame, signal: AbortSignal): Promise<Fit> {
  const { models } = frame;
  const image = await imageEmbedding(frame);
  const scale = await logitScale(models);
  return {
    async of(sentence) {
      signal.throwIfAborted();
      return scale * dot(image, await textEmbedding(models, sentence));
    },
    async readable(sentence) {
      const content = contentOf(sentence);
      return content.length === 0 || (await reading(models, content.join(' '))).unknown < content.length;
    },
    reading: (sentence) => reading(models, sentence),
  };
}

/** How much nearer a sentence is than the nearest other one, and which that is. */
export interface Margin {
  /** In logits. */
  margin: number;
  /** The nearest other sentence. */
  against: string;
  /** What was exchanged to get it; absent where it is the neutral one. */
  exchanged?: Pick<Contrast, 'attribute' | 'from' | 'to'>;
  /** Other sentences it was compared with. */
  contrasts: number;
}

/**
 * The margin of a sentence over the neutral one and over itself with one attribute exchanged. Exchanges whose words the model does not know
 * are left out: it could not tell them from one another.
 *
 * @example
 * await marginOf(fit, 'a red mug', (claim) => `a photo of ${claim}`); // { margin: 3.1, against: 'a photo of a pink mug', … }
 */
export async function marginOf(fit: Fit, sentence: string, said = (text: string): string => text): Promise<Margin> {
  const own = await fit.of(said(sentence));
  const { unknown } = await fit.reading(said(sentence));
  let [nearest, best, count] = [undefined as Contrast | undefined, await fit.of(NEUTRAL), 1];
  for (const contrast of contrastsOf(sentence)) {
    if ((await fit.reading(said(contrast.text))).unknown > unknown) continue;
    count++;
    const other = await fit.of(said(contrast.text));
    if (other > best) [nearest, best] = [contrast, other];
  }
  return {
    margin: own - best,
    against: nearest === undefined ? NEUTRAL : said(nearest.text),
    ...(nearest !== undefined && {
      exchanged: { attribute: nearest.attribute, from: nearest.from, to: nearest.to },
    }),
    contrasts: count,
  };
}
