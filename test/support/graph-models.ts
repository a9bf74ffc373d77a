import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Conversion } from '../../scorers/models/tfjs-to-onnx/convert.js';
import { CUTS } from '../../scorers/models/tfjs-to-onnx/cuts.js';
import type { GraphModelJson } from '../../scorers/models/tfjs-to-onnx/graph-model.js';
import { readScripts } from '../../scorers/models/tfjs-to-onnx/scripts.js';
import { unpacked } from './packages.js';

/** Manifest id -> file in the package @vladmandic/human. */
const HUMAN: Record<string, string> = {
  blazeface: 'blazeface',
  facemesh: 'facemesh',
  iris: 'iris',
  faceres: 'faceres',
  emotion: 'emotion',
  antispoof: 'antispoof',
  handtrack: 'handtrack',
  handlandmark: 'handlandmark-lite',
  centernet: 'centernet',
};
export const GRAPH_MODELS: readonly string[] = [...Object.keys(HUMAN), 'nsfw'];

/** What the converter gets for a model of the manifest, from npm. */
export async function graphModel(id: string): Promise<Conversion> {
  const file = HUMAN[id];
  if (file !== undefined) {
    const folder = join(await unpacked('@vladmandic/human@3.3.6'), 'models');
    const model = JSON.parse(await readFile(join(folder, `${file}.json`), 'utf8')) as GraphModelJson;
    return { model, weights: await readFile(join(folder, `${file}.bin`)), name: id, ...CUTS[id] };
  }
  const folder = join(await unpacked('nsfwjs@4.3.0'), 'dist/models/mobilenet_v2_mid');
  const read = (name: string): Promise<string> => readFile(join(folder, `${name}.min.js`), 'utf8');
  return {
    ...readScripts({
      model: await read('model'),
      weights: await Promise.all(['group1-shard1of2', 'group1-shard2of2'].map(read)),
    }),
    name: id,
  };
}
