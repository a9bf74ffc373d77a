import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { encodeModel, type OnnxNode, type OnnxTensor } from '../../scorers/models/tfjs-to-onnx/onnx.js';
import { clipTokenizer } from './clip-tokenizer.js';

/** The shape of one tower. */
interface Tower {
  layers: number;
  /** Numbers per token; a multiple of `heads`. */
  width: number;
  heads: number;
}

export interface RandomClipOptions {
  vision: Tower & { /** Pixels of a side; a multiple of `patch`. */ side: number; patch: number };
  text: Tower & { /** Tokens at once. */ context: number };
  /** Numbers of an embedding. */
  dimensions: number;
  /** @default 1 */
  seed?: number;
}

/** The shape of openai/clip-vit-base-patch32: 88 and 63 million weights, 350 and 254 MB. */
export const VIT_B_32: RandomClipOptions = {
  vision: { layers: 12, width: 768, heads: 12, side: 224, patch: 32 },
  text: { layers: 12, width: 512, heads: 8, context: 77 },
  dimensions: 512,
};

/** The same in small, for tests that look at the way and not at the answer. */
export const SMALL_CLIP: RandomClipOptions = {
  vision: { layers: 2, width: 64, heads: 4, side: 64, patch: 16 },
  text: { layers: 2, width: 64, heads: 4, context: 77 },
  dimensions: 32,
};

/**
 * Writes a CLIP with seeded random weights, in the architecture of openai/CLIP and the folder layout of transformers.js, with CLIP's real
 * tokenizer. What it answers means nothing; its interface, its arithmetic and its speed are those of the real one.
 *
 * @example
 * await writeRandomClip('/tmp/clip', VIT_B_32);
 */
export async function writeRandomClip(folder: string, options: RandomClipOptions): Promise<void> {
  const { vision, text, dimensions, seed = 1 } = options;
  const { tokenizer, config, vocabulary } = await clipTokenizer();
  const end = vocabulary - 1;
  await mkdir(join(folder, 'onnx'), { recursive: true });
  const write = (name: string, content: unknown): Promise<void> =>
    writeFile(join(folder, name), JSON.stringify(content));
  await Promise.all([
    write('tokenizer.json', tokenizer),
    write('tokenizer_config.json', { ...config, model_max_length: text.context }),
    write('config.json', {
      model_type: 'clip',
      projection_dim: dimensions,
      text_config: {
        model_type: 'clip_text_model',
        vocab_size: vocabulary,
        max_position_embeddings: text.context,
        bos_token_id: end - 1,
        eos_token_id: end,
      },
      vision_config: { model_type: 'clip_vision_model', image_size: vision.side, patch_size: vision.patch },
    }),
    write('preprocessor_config.json', {
      image_processor_type: 'CLIPImageProcessor',
      do_resize: true,
      size: { shortest_edge: vision.side },
      resample: 3,
      do_center_crop: true,
      crop_size: { height: vision.side, width: vision.side },
      do_rescale: true,
      rescale_factor: 1 / 255,
      do_normalize: true,
      image_mean: [0.48145466, 0.4578275, 0.40821073],
      image_std: [0.26862954, 0.26130258, 0.27577711],
      do_convert_rgb: true,
    }),
  ]);
  await writeFile(join(folder, 'onnx/vision_model.onnx'), visionTower(vision, { dimensions, seed }));
  await writeFile(
    join(folder, 'onnx/text_model.onnx'),
    textTower(text, { dimensions, seed: seed + 1, vocabulary, end }),
  );
}

function visionTower(
  { side, patch, ...tower }: RandomClipOptions['vision'],
  { dimensions, seed }: { dimensions: number; seed: number },
): Uint8Array {
  const { width } = tower;
  const patches = (side / patch) ** 2;
  const net = createNet(seed);
  const seen = net.op('Conv', ['pixel_values', net.weight([width, 3, patch, patch])], {
    kernel_shape: [patch, patch],
    strides: [patch, patch],
  });
  const flat = net.op('Transpose', [net.op('Reshape', [seen, net.shape([1, width, patches])])], { perm: [0, 2, 1] });
  const tokens = net.op('Concat', [net.weight([1, 1, width]), flat], { axis: 1 });
  let x = net.op('Add', [tokens, net.weight([1, patches + 1, width])]);
  x = net.norm(x, width);
  for (let layer = 0; layer < tower.layers; layer++) x = block(net, x, tower);
  const first = net.op('Gather', [x, net.index(0)], { axis: 1 });
  net.op('MatMul', [net.norm(first, width), net.weight([width, dimensions])], {}, 'image_embeds');
  return encodeModel({
    name: 'vision',
    ...net.parts,
    inputs: [{ name: 'pixel_values', type: 'float32', dims: [1, 3, side, side] }],
    outputs: [{ name: 'image_embeds', type: 'float32', dims: [1, dimensions] }],
  });
}

function textTower(
  { context, ...tower }: RandomClipOptions['text'],
  { dimensions, seed, vocabulary, end }: { dimensions: number; seed: number; vocabulary: number; end: number },
): Uint8Array {
  const { width } = tower;
  const net = createNet(seed);
  const words = net.op('Gather', [net.weight([vocabulary, width]), 'input_ids'], { axis: 0 });
  const length = net.op('Gather', [net.op('Shape', ['input_ids']), net.shape([1])], { axis: 0 });
  const upTo = (table: string, axis: number): string =>
    net.op('Slice', [table, net.shape([0]), length, net.shape([axis])]);
  let x = net.op('Add', [words, upTo(net.weight([1, context, width]), 1)]);
  // a word sees those before it
  const later = Float32Array.from({ length: context ** 2 }, (_, i) =>
    i % context > Math.floor(i / context) ? -1e9 : 0,
  );
  const barred = upTo(upTo(net.tensor([1, 1, context, context], later), 2), 3);
  for (let layer = 0; layer < tower.layers; layer++) x = block(net, x, tower, barred);
  const isEnd = net.op('Cast', [net.op('Equal', ['input_ids', net.index(end)])], { to: 6 });
  const at = net.op('ArgMax', [isEnd], { axis: 1, keepdims: 0 });
  const pooled = net.op('Gather', [net.norm(x, width), at], { axis: 1 });
  const flat = net.op('Reshape', [pooled, net.shape([1, width])]);
  net.op('MatMul', [flat, net.weight([width, dimensions])], {}, 'text_embeds');
  return encodeModel({
    name: 'text',
    ...net.parts,
    inputs: [{ name: 'input_ids', type: 'int64', dims: [1, -1] }],
    outputs: [{ name: 'text_embeds', type: 'float32', dims: [1, dimensions] }],
  });
}

/** One transformer block of CLIP: attention, then two layers with QuickGELU between them, each beside a shortcut. */
function block(net: Net, x: string, { width, heads }: Tower, barred?: string): string {
  const dense = (input: string, [from, to]: [number, number]): string =>
    net.op('Add', [net.op('MatMul', [input, net.weight([from, to])]), net.weight([to])]);
  const split = (input: string, perm: number[]): string =>
    net.op('Transpose', [net.op('Reshape', [dense(input, [width, width]), net.shape([1, -1, heads, width / heads])])], {
      perm,
    });
  const normed = net.norm(x, width);
  const scale = net.tensor([], Float32Array.of(Math.sqrt(heads / width)));
  const query = net.op('Mul', [split(normed, [0, 2, 1, 3]), scale]);
  const scores = net.op('MatMul', [query, split(normed, [0, 2, 3, 1])]);
  const weights = net.op('Softmax', [barred === undefined ? scores : net.op('Add', [scores, barred])], { axis: -1 });
  const mixed = net.op('Transpose', [net.op('MatMul', [weights, split(normed, [0, 2, 1, 3])])], { perm: [0, 2, 1, 3] });
  const attended = net.op('Add', [x, dense(net.op('Reshape', [mixed, net.shape([1, -1, width])]), [width, width])]);
  const inner = dense(net.norm(attended, width), [width, 4 * width]);
  const sharpened = net.op('Mul', [inner, net.tensor([], Float32Array.of(1.702))]);
  const active = net.op('Mul', [inner, net.op('Sigmoid', [sharpened])]);
  return net.op('Add', [attended, dense(active, [4 * width, width])]);
}

type Net = ReturnType<typeof createNet>;

/** Collects nodes and weights; every value gets a name of its own. */
function createNet(seed: number) {
  const nodes: OnnxNode[] = [];
  const initializers: OnnxTensor[] = [];
  const random = uniform(seed);
  const keep = (tensor: Omit<OnnxTensor, 'name'>): string => {
    const name = `w${initializers.length}`;
    initializers.push({ name, ...tensor });
    return name;
  };
  const op = (
    kind: string,
    inputs: string[],
    attributes: OnnxNode['attributes'] = {},
    name = `n${nodes.length}`,
  ): string => {
    nodes.push({ op: kind, inputs, outputs: [name], attributes });
    return name;
  };
  const tensor = (dims: number[], data: Float32Array): string => keep({ type: 'float32', dims, data });
  const filled = (width: number, value: number): string => tensor([width], new Float32Array(width).fill(value));
  return {
    parts: { nodes, initializers },
    op,
    tensor,
    shape: (dims: number[]): string =>
      keep({ type: 'int64', dims: [dims.length], data: BigInt64Array.from(dims, BigInt) }),
    index: (at: number): string => keep({ type: 'int64', dims: [], data: BigInt64Array.of(BigInt(at)) }),
    /** Standard deviation 0.02 for tables and biases, 1 / sqrt(inputs) for matrices, so that the values stay in range. */
    weight(dims: number[]): string {
      const inputs = dims.length === 2 && (dims[0] as number) < 10_000 ? (dims[0] as number) : 2500;
      const reach = Math.sqrt(3 / inputs);
      const data = new Float32Array(dims.reduce((product, length) => product * length, 1));
      for (let i = 0; i < data.length; i++) data[i] = random() * reach;
      return tensor(dims, data);
    },
    norm: (x: string, width: number): string =>
      op('LayerNormalization', [x, filled(width, 1), filled(width, 0)], { axis: -1, epsilon: { float: 1e-5 } }),
  };
}

/** Numbers in -1..1 (xorshift32). */
function uniform(seed: number): () => number {
  let state = (seed * 0x9e3779b9) | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state / 0x80000000;
  };
}
