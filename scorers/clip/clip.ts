/** Embeddings of pictures and texts, and how well they fit. All vectors have length 1, so that a dot product is a cosine. */
import { join } from 'node:path';
import { LRUCache } from 'lru-cache';
import { messageOf } from '../../errors.js';
import type { Frame, Picture } from '../frame.js';
import type { Model, Models, Tensor } from '../models/models.js';
import { unit } from '../vectors.js';
import { readClipConfig, unreadable, type ClipConfig } from './config.js';
import { pixelValues } from './preprocess.js';
import { createTokenizer, type Tokens } from './tokenizer.js';

interface Files extends Pick<ClipConfig, 'image' | 'logitScale'> {
  tokenize: (text: string) => Tokens;
}

/** Read once per thread. */
const files = new WeakMap<Models, Promise<Files>>();

/** Of one thread: a request asks for the same sentences for each of its images, and the text tower takes as long as a third of an image. */
const texts = new LRUCache<string, Promise<Float32Array>>({ max: 4096 });

/**
 * The embedding of an image, computed once per frame: all its scorers share it.
 *
 * @returns unit length; 512 numbers for ViT-B/32
 * @throws Unassessable model-missing
 * @example
 * const cosine = dot(await imageEmbedding(frame), await textEmbedding(frame.models, 'a red mug'));
 */
export const imageEmbedding = (frame: Frame): Promise<Float32Array> => frame.derive(embedFrame);

const embedFrame = (frame: Frame): Promise<Float32Array> => pictureEmbedding(frame.models, frame);

/**
 * The embedding of any picture, such as a part of an image.
 *
 * @returns unit length
 * @throws Unassessable model-missing
 */
export async function pictureEmbedding(models: Models, picture: Picture): Promise<Float32Array> {
  const { image } = await filesOf(models);
  const model = await models.open('clip/vision');
  const { data, dims } = await pixelValues(picture, image);
  return unit(embeddingIn(await model.run({ pixel_values: { type: 'float32', data, dims } }), model));
}

/**
 * The embedding of a text. One that is longer than the text tower's context is read in pieces; it is then the mean of their embeddings,
 * brought to unit length again.
 *
 * @returns unit length
 * @throws Unassessable model-missing
 * @example
 * await textEmbedding(frame.models, 'a photo of a red mug');
 */
export async function textEmbedding(models: Models, text: string): Promise<Float32Array> {
  const model = await models.open('clip/text');
  const key = `${model.sha256} ${text}`;
  const known = texts.get(key);
  if (known !== undefined) return known;
  const fresh = filesOf(models).then(({ tokenize }) => embedTokens(model, tokenize(text)));
  texts.set(key, fresh);
  fresh.catch(() => texts.delete(key));
  return fresh;
}

/** In how many pieces the text tower reads a text, and how many of its tokens are words that the model does not know. */
export async function reading(models: Models, text: string): Promise<{ chunks: number; unknown: number }> {
  const { chunks, unknown } = (await filesOf(models)).tokenize(text);
  return { chunks: chunks.length, unknown };
}

/** How much a difference of two cosines is in logits: 100 for CLIP. */
export const logitScale = async (models: Models): Promise<number> => (await filesOf(models)).logitScale;

function filesOf(models: Models): Promise<Files> {
  const known = files.get(models);
  if (known !== undefined) return known;
  const fresh = models.folder('clip').then(async (folder) => {
    const { image, logitScale, ...config } = await readClipConfig(folder);
    return { image, logitScale, tokenize: tokenizerOf(folder, config) };
  });
  files.set(models, fresh);
  // what is missing may be pulled while the thread lives
  fresh.catch(() => files.delete(models));
  return fresh;
}

function tokenizerOf(
  folder: string,
  { tokenizer, tokenizerConfig, text }: Pick<ClipConfig, 'tokenizer' | 'tokenizerConfig' | 'text'>,
): Files['tokenize'] {
  try {
    return createTokenizer({ tokenizer, config: tokenizerConfig }, text);
  } catch (error) {
    throw unreadable(join(folder, 'tokenizer.json'), messageOf(error));
  }
}

async function embedTokens(model: Model, { chunks }: Tokens): Promise<Float32Array> {
  const found: Float32Array[] = [];
  for (const chunk of chunks) {
    const dims = [1, chunk.length];
    const ids: Tensor = { type: 'int64', data: BigInt64Array.from(chunk, BigInt), dims };
    const mask: Tensor = { type: 'int64', data: new BigInt64Array(chunk.length).fill(1n), dims };
    const feeds = { input_ids: ids, ...(model.inputNames.includes('attention_mask') && { attention_mask: mask }) };
    found.push(unit(embeddingIn(await model.run(feeds), model)));
  }
  const [first] = found as [Float32Array];
  return found.length === 1
    ? first
    : unit(first.map((_, i) => found.reduce((sum, vector) => sum + (vector[i] as number), 0)));
}

/** The answer of a tower: CLIP's projection, or what SigLIP pools. */
function embeddingIn(outputs: Record<string, Tensor>, { id }: Model): Float32Array {
  const found = outputs['image_embeds'] ?? outputs['text_embeds'] ?? outputs['pooler_output'];
  if (found === undefined || !(found.data instanceof Float32Array))
    throw new Error(`${id} answers ${Object.keys(outputs).join(', ')}, none of which is an embedding of float32`);
  return found.data;
}
