import { InferenceSession, Tensor } from 'onnxruntime-node';
import { convertGraphModel } from '../../../../scorers/models/tfjs-to-onnx/convert.js';
import type { GraphModelJson, GraphNode, WeightSpec } from '../../../../scorers/models/tfjs-to-onnx/graph-model.js';
import { runInTfjs, type Values } from '../../../support/tfjs.js';
import { normals } from '../../synthetic.js';

type RawAttributes = NonNullable<GraphNode['attr']>;

/** A constant of a small graph: its numbers, or a shape to be filled with seeded noise. */
export interface Constant {
  dims: readonly number[];
  data?: readonly number[];
  whole?: boolean;
}

export interface MiniGraph {
  /** Shape of the input `x`, filled with seeded noise. */
  x: readonly number[];
  constants?: Record<string, Constant>;
  /** In order; the last one is the output, unless `outputs` names others. */
  nodes: readonly { name: string; op: string; input: readonly string[]; attr?: RawAttributes }[];
  outputs?: readonly string[];
}

const base64 = (value: string): string => Buffer.from(value).toString('base64');

/** Attributes as protobuf's JSON writes them. */
export const text = (value: string) => ({ s: base64(value) });
export const texts = (...values: string[]) => ({ list: { s: values.map(base64) } });
export const ints = (...values: number[]) => ({ list: { i: values.map(String) } });
export const int = (value: number) => ({ i: String(value) });
export const flag = (value: boolean) => ({ b: value });
export const type = (value: string) => ({ type: value });

/** A graph model of a few nodes. */
export function miniModel({ x, constants = {}, nodes }: MiniGraph): { model: GraphModelJson; weights: Uint8Array } {
  const next = normals(3);
  const specs: WeightSpec[] = [];
  const bytes: Uint8Array[] = [];
  const filled: GraphNode[] = Object.entries(constants).map(([name, { dims, data, whole = false }]) => {
    const length = dims.reduce((product, size) => product * size, 1);
    const numbers = data ?? Array.from({ length }, next);
    specs.push({ name, shape: dims, dtype: whole ? 'int32' : 'float32' });
    bytes.push(new Uint8Array((whole ? Int32Array.from(numbers) : Float32Array.from(numbers)).buffer));
    const attr = { dtype: type(whole ? 'DT_INT32' : 'DT_FLOAT') };
    return { name, op: 'Const', attr };
  });
  const shape = { shape: { dim: x.map((size) => ({ size: String(size) })) } };
  const placeholder: GraphNode = { name: 'x', op: 'Placeholder', attr: { dtype: type('DT_FLOAT'), shape } };
  return {
    model: {
      format: 'graph-model',
      modelTopology: { node: [placeholder, ...filled, ...nodes] },
      weightsManifest: [{ weights: specs }],
    },
    weights: Buffer.concat(bytes),
  };
}

/** What onnxruntime and TensorFlow.js make of the same graph and the same noise. */
export async function runBoth(graph: MiniGraph, { batch = 1 } = {}): Promise<{ onnx: Values[]; tfjs: Values[] }> {
  const { model, weights } = miniModel(graph);
  const outputs = graph.outputs ?? [graph.nodes.at(-1)!.name];
  const session = await InferenceSession.create(convertGraphModel({ model, weights, name: 'mini', outputs }), {
    intraOpNumThreads: 1,
    logSeverityLevel: 3,
  });
  const dims = graph.x.map((size) => (size < 0 ? batch : size));
  const next = normals(5);
  const data = Float32Array.from({ length: dims.reduce((product, size) => product * size, 1) }, next);
  const answer = await session.run({ x: new Tensor('float32', data, dims) });
  return {
    onnx: outputs.map((name) => ({ dims: answer[name]!.dims, data: answer[name]!.data as Values['data'] })),
    tfjs: await runInTfjs({ model, weights }, { inputs: { x: { data, dims } }, outputs, backend: 'cpu' }),
  };
}
