import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { modelMissing, type Model, type Models, type Tensor } from './models.js';

/** Where models are and what they run on. Plain data: it travels to the scoring threads. */
export interface ModelOptions {
  /** Folder with the pulled models: `<folder>/<id>/<file>.onnx`. */
  folder: string;
  /** Which model plays a role, where it is not the default: `{ clip: './my-clip', faceBox: 'yunet' }`; an id of the manifest or a folder. */
  use?: Readonly<Record<string, string>>;
  /** onnxruntime's execution providers, best first: `cuda`, `dml`, `coreml`, `cpu`. @default ['cpu'] */
  executionProviders?: readonly string[];
}

/**
 * Opens models in onnxruntime, each once, one thread each: `session.run` blocks the thread that calls it, so this belongs in a scoring thread, and
 * more threads per model would only compete with the other scoring threads.
 *
 * @example
 * const models = openModels({ folder: '.cull/models' });
 * const { scores } = await (await models.open('blazeface')).run({ input });
 */
export function openModels({ folder, executionProviders = ['cpu'] }: ModelOptions): Models {
  const opening = new Map<string, Promise<Model>>();
  const opened = new Map<string, string>();
  const load = async (id: string): Promise<Model> => {
    const file = join(folder, id, 'model.onnx');
    await access(file).catch(() => Promise.reject(modelMissing(id)));
    const sha256 = await hashOf(file);
    const session = await InferenceSession.create(file, {
      executionProviders: [...executionProviders],
      intraOpNumThreads: 1,
      interOpNumThreads: 1,
      executionMode: 'sequential',
      logSeverityLevel: 3,
    });
    opened.set(id, sha256);
    return {
      id,
      sha256,
      inputNames: session.inputNames,
      outputNames: session.outputNames,
      async run(feeds) {
        const inputs = Object.fromEntries(Object.entries(feeds).map(([name, tensor]) => [name, toOrt(tensor)]));
        const outputs = await session.run(inputs);
        return Object.fromEntries(
          Object.entries(outputs).map(([name, { type, data, dims }]) => [name, { type, data, dims } as Tensor]),
        );
      },
    };
  };
  return {
    opened,
    open(id) {
      const known = opening.get(id) ?? load(id);
      opening.set(id, known);
      return known;
    },
    async folder(id) {
      const path = join(folder, id);
      await access(path).catch(() => Promise.reject(modelMissing(id)));
      return path;
    },
  };
}

const toOrt = ({ type, data, dims }: Tensor): OrtTensor => new OrtTensor(type as 'float32', data as Float32Array, dims);

async function hashOf(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}
