import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { loadGraphModel } from '@tensorflow/tfjs-converter';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import * as wasm from '@tensorflow/tfjs-backend-wasm';
import type { GraphModelJson } from '../../scorers/models/tfjs-to-onnx/graph-model.js';

export interface Values {
  dims: readonly number[];
  data: Float32Array | Int32Array | Uint8Array;
}

function start(): void {
  const scripts = dirname(createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm'));
  wasm.setWasmPaths(`${scripts}/`);
  wasm.setThreadsCount(1);
}

/**
 * Runs a graph model in TensorFlow.js itself: the values of the named nodes. `wasm` is fast; `cpu` is right also where a kernel is smaller than
 * its stride along one side only, where 4.22's WebAssembly is not.
 */
export async function runInTfjs(
  { model, weights }: { model: GraphModelJson; weights: Uint8Array },
  {
    inputs,
    outputs,
    backend = 'wasm',
  }: { inputs: Record<string, Values>; outputs: readonly string[]; backend?: 'wasm' | 'cpu' },
): Promise<Values[]> {
  if (tf.getBackend() !== backend) {
    start();
    await tf.setBackend(backend);
  }
  const loaded = await loadGraphModel(
    tf.io.fromMemory({
      format: 'graph-model',
      modelTopology: { versions: { producer: '0' }, ...model.modelTopology },
      weightSpecs: model.weightsManifest.flatMap((group) => group.weights) as tf.io.WeightsManifestEntry[],
      weightData: new Uint8Array(weights).buffer,
    }),
  );
  const feeds = Object.entries(inputs).map(([name, { data, dims }]) => [name, tf.tensor(data, [...dims])] as const);
  const answer = loaded.execute(Object.fromEntries(feeds), [...outputs]);
  const tensors = Array.isArray(answer) ? answer : [answer];
  const values = tensors.map((tensor) => ({ dims: tensor.shape, data: tensor.dataSync() }));
  for (const tensor of [...tensors, ...feeds.map(([, feed]) => feed)]) tensor.dispose();
  loaded.dispose();
  return values;
}
