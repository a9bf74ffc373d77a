import { copyFile, link, mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ModelEntry } from './entry.js';
import { convertGraphModel } from './tfjs-to-onnx/convert.js';
import { CUTS } from './tfjs-to-onnx/cuts.js';
import type { GraphModelJson } from './tfjs-to-onnx/graph-model.js';
import { readScripts } from './tfjs-to-onnx/scripts.js';

/**
 * Makes the files of a model's folder from those of its source.
 *
 * @param from folder with the source's files, already verified
 * @param into the new, empty folder
 * @throws CullError MODEL_INVALID where they cannot be converted
 */
export async function buildModel(entry: ModelEntry, from: string, into: string): Promise<void> {
  for (const { path, as, optional } of entry.files) {
    if (as === undefined) continue;
    await mkdir(dirname(join(into, as)), { recursive: true });
    try {
      await linkOrCopy(join(from, path), join(into, as));
    } catch (error) {
      if (optional !== true) throw error;
    }
  }
  if (entry.build === 'copy') return;
  const [model = '', ...weights] = entry.files.filter(({ as }) => as === undefined).map(({ path }) => join(from, path));
  const source = await (entry.build === 'tfjs' ? readFiles : readScriptFiles)(model, weights);
  const onnx = convertGraphModel({ ...source, name: entry.id, ...CUTS[entry.id] });
  await writeFile(join(into, 'model.onnx'), onnx);
}

interface Source {
  model: GraphModelJson;
  weights: Uint8Array;
}

async function readFiles(model: string, weights: readonly string[]): Promise<Source> {
  return {
    model: JSON.parse(await readFile(model, 'utf8')) as GraphModelJson,
    weights: Buffer.concat(await Promise.all(weights.map((path) => readFile(path)))),
  };
}

async function readScriptFiles(model: string, weights: readonly string[]): Promise<Source> {
  return readScripts({
    model: await readFile(model, 'utf8'),
    weights: await Promise.all(weights.map((path) => readFile(path, 'utf8'))),
  });
}

/** Hundreds of megabytes need not be there twice, where the file system knows links. */
const linkOrCopy = (from: string, to: string): Promise<void> => link(from, to).catch(() => copyFile(from, to));
