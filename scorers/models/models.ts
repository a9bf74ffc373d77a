import { Unassessable } from '../scorer.js';

/** A tensor, row by row. `float32`: Float32Array; `int64`: BigInt64Array; and so on. */
export interface Tensor {
  type: 'float32' | 'int32' | 'int64' | 'uint8' | 'bool';
  data: Float32Array | Int32Array | BigInt64Array | Uint8Array;
  dims: readonly number[];
}

/** One loaded model. */
export interface Model {
  /** As in the manifest. */
  readonly id: string;
  /** Of the file that runs, hex: goes into every score that it made. */
  readonly sha256: string;
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  /** Sizes of each input, where the network says them; a name or -1 stands for any. */
  readonly inputDims?: Readonly<Record<string, readonly (number | string)[]>>;
  run(feeds: Record<string, Tensor>): Promise<Record<string, Tensor>>;
}

/** The models of one scoring thread: each is loaded once, by whoever asks first. */
export interface Models {
  /** @throws Unassessable model-missing, with what to type in its facts */
  open(id: string): Promise<Model>;
  /** Where the files of a model lie, for those with files besides the network (a tokenizer, a dictionary). @throws Unassessable model-missing */
  folder(id: string): Promise<string>;
  /** id -> sha256 of those opened so far. */
  readonly opened: ReadonlyMap<string, string>;
}

/** What a scorer says when its model is not at hand. `pull`: the id to pull, where it is another's job. */
export function modelMissing(id: string, { pull = id, folder }: { pull?: string; folder?: string } = {}): Unassessable {
  const hint =
    folder === undefined
      ? `comfy-cull models pull ${pull}`
      : `CULL_USE_MODELS names ${folder} for ${id}, and there is no such model there`;
  return new Unassessable('model-missing', { model: id, hint });
}

/** Models of a place that has none: a frame decoded without `models`. */
export const noModels: Models = {
  open: (id) => Promise.reject(modelMissing(id)),
  folder: (id) => Promise.reject(modelMissing(id)),
  opened: new Map(),
};
