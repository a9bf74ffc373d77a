import { readFile } from 'node:fs/promises';
import { Tokenizer as HuggingFaceTokenizer } from '@huggingface/tokenizers';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { INPUT_SIDE, shrink } from './scenes.js';

interface Encoder {
  encode(text: string): { ids: number[] };
}
// its declarations name files without extensions, which TypeScript does not find for ES modules
const Tokenizer = HuggingFaceTokenizer as unknown as new (tokenizer: object, config: object) => Encoder;

/** The two towers of a trained model, to try it out with; vectors are of unit length. */
export interface Towers {
  /** @param picture sRGB, 3 bytes a pixel, any size */
  image(picture: { data: Buffer; width: number; height: number }): Promise<Float32Array>;
  text(caption: string): Promise<Float32Array>;
  tokens(caption: string): number[];
}

/** @param folder in the layout of transformers.js, with a closing slash */
export async function openTowers(folder: URL): Promise<Towers> {
  const json = async (name: string): Promise<Record<string, unknown>> =>
    JSON.parse(await readFile(new URL(name, folder), 'utf8')) as Record<string, unknown>;
  const open = async (name: string): Promise<InferenceSession> =>
    InferenceSession.create(await readFile(new URL(`onnx/${name}`, folder)), { intraOpNumThreads: 1 });
  const [vision, language] = [await open('vision_model.onnx'), await open('text_model.onnx')];
  const tokenizer = new Tokenizer(await json('tokenizer.json'), await json('tokenizer_config.json'));
  const spec = await json('preprocessor_config.json');
  const [mean, std] = [spec['image_mean'] as number[], spec['image_std'] as number[]];
  const tokens = (caption: string): number[] => tokenizer.encode(caption).ids;
  return {
    tokens,
    async image(picture) {
      const bytes = await shrink(picture);
      const plane = INPUT_SIDE * INPUT_SIDE;
      const values = Float32Array.from({ length: 3 * plane }, (_, i) => {
        const channel = Math.floor(i / plane);
        return ((bytes[3 * (i % plane) + channel] ?? 0) / 255 - (mean[channel] ?? 0)) / (std[channel] ?? 1);
      });
      const pixels = new Tensor('float32', values, [1, 3, INPUT_SIDE, INPUT_SIDE]);
      return (await vision.run({ pixel_values: pixels }))['image_embeds']?.data as Float32Array;
    },
    async text(caption) {
      const ids = BigInt64Array.from(tokens(caption), BigInt);
      const found = await language.run({ input_ids: new Tensor('int64', ids, [1, ids.length]) });
      return found['text_embeds']?.data as Float32Array;
    },
  };
}

/** Cosine of two vectors of unit length. */
export function cosine(one: Float32Array, two: Float32Array): number {
  return one.reduce((sum, value, i) => sum + value * (two[i] as number), 0);
}
