import { CullError } from '../../../errors.js';
import { Builder, type Value } from './builder.js';
import { Attributes, GraphModel, reference, type GraphModelJson, type GraphNode } from './graph-model.js';
import { encodeModel, type OnnxValueInfo } from './onnx.js';
import { activations } from './ops/activation.js';
import { arithmetic } from './ops/arithmetic.js';
import { convolutions } from './ops/convolution.js';
import type { Rule } from './ops/op.js';
import { reductions } from './ops/reduction.js';
import { shapes } from './ops/shape.js';
import { decodeWeights, type Constant } from './weights.js';

const RULES = new Map<string, Rule>(
  Object.entries({ ...activations, ...arithmetic, ...convolutions, ...shapes, ...reductions }),
);

export interface Conversion {
  /** `model.json`, parsed. */
  model: GraphModelJson;
  /** Its weight files, joined in their order. */
  weights: Uint8Array;
  /** For errors, and the name of the ONNX graph. */
  name: string;
  /**
   * Where the graph begins, if not at its placeholders: node -> shape of its value (float32). What lies before is left out; the input is
   * called as the node.
   */
  inputs?: Readonly<Record<string, readonly number[]>> | undefined;
  /** Where it ends: nodes, as the outputs will be called. @default the model's own outputs */
  outputs?: readonly string[] | undefined;
}

/**
 * A TensorFlow.js graph model as ONNX (operator set 17). Inputs and outputs keep their names (without `:0`) and layout (NHWC); within, pictures lie
 * channels-first. Weights become float32. All that is exact: the converted model says what tfjs says, up to rounding.
 *
 * @throws CullError MODEL_INVALID naming op and node, for what cannot be converted
 *
 * @example
 * const model = JSON.parse(await readFile('blazeface.json', 'utf8'));
 * await writeFile('model.onnx', convertGraphModel({ model, weights: await readFile('blazeface.bin'), name: 'blazeface' }));
 */
export function convertGraphModel({ model, weights, name, inputs = {}, outputs }: Conversion): Uint8Array {
  const graph = new GraphModel(name, model);
  const constants = decodeWeights(name, model.weightsManifest, weights);
  const b = new Builder();
  const made = new Map<string, readonly Value[]>();
  const begins: OnnxValueInfo[] = [];
  const valueOf = (of: string): Value => {
    const { node, output } = reference(of);
    const value = made.get(node)?.[output];
    if (value === undefined) throw refusal(graph, graph.node(node), `it has no output ${output}`);
    return value;
  };
  const ends = outputs ?? graph.outputs;
  for (const end of ends) b.unique(end);
  for (const node of inOrder(graph, ends, new Set(Object.keys(inputs)))) {
    const cut = inputs[node.name];
    if (cut !== undefined || node.op === 'Placeholder') {
      const begin = beginning(graph, node, cut);
      begins.push(begin);
      made.set(node.name, [{ ...begin, layout: 'tf' }]);
    } else if (node.op === 'Const') {
      made.set(node.name, [constantOf(graph, node, constants)]);
    } else {
      const rule = RULES.get(node.op);
      if (rule === undefined) throw refusal(graph, node, 'there is no rule for this op');
      const read = (node.input ?? []).filter((of) => !of.startsWith('^')).map(valueOf);
      const refuse = (why: string): CullError => refusal(graph, node, why);
      const value = rule({ kind: node.op, name: node.name, attr: new Attributes(node), inputs: read, b, refuse });
      made.set(node.name, Array.isArray(value) ? (value as readonly Value[]) : [value as Value]);
    }
  }
  return encodeModel(
    b.graph(name, {
      inputs: begins,
      outputs: ends.map((end) => finish(b, end, valueOf(end))),
    }),
  );
}

/** The nodes that the outputs need, each after those it reads. */
function inOrder(graph: GraphModel, outputs: readonly string[], cuts: ReadonlySet<string>): GraphNode[] {
  const order: GraphNode[] = [];
  const state = new Map<string, 'open' | 'done'>();
  const stack = outputs.map((of) => reference(of).node).reverse();
  while (stack.length > 0) {
    const name = stack.at(-1) as string;
    const node = graph.node(name);
    if (state.get(name) === 'open' || state.get(name) === 'done') {
      if (state.get(name) === 'open') order.push(node);
      state.set(name, 'done');
      stack.pop();
      continue;
    }
    state.set(name, 'open');
    if (cuts.has(name)) continue;
    for (const of of [...(node.input ?? [])].reverse()) {
      if (of.startsWith('^')) continue;
      const next = reference(of).node;
      if (state.get(next) === 'open') throw refusal(graph, node, 'it is part of a loop; begin the conversion after it');
      if (state.get(next) === undefined) stack.push(next);
    }
  }
  return order;
}

function beginning(graph: GraphModel, node: GraphNode, cut: readonly number[] | undefined): OnnxValueInfo {
  const attr = new Attributes(node);
  const dims = cut ?? attr.shape('shape');
  const type = attr.type('dtype');
  if (cut === undefined && type !== 'DT_FLOAT') throw refusal(graph, node, `an input of ${type} cannot be converted`);
  if (dims === undefined) throw refusal(graph, node, 'its shape is not given');
  return { name: node.name, dims, type: 'float32' };
}

function constantOf(graph: GraphModel, node: GraphNode, constants: ReadonlyMap<string, Constant>): Value {
  const constant = constants.get(node.name);
  if (constant === undefined) throw refusal(graph, node, 'the weights do not have it');
  return { name: node.name, dims: constant.dims, type: constant.type, layout: 'tf', constant };
}

/** The value under the name of the output, which was kept free for it, in TensorFlow's order. */
function finish(b: Builder, end: string, value: Value): OnnxValueInfo {
  const last = b.asTf(value);
  b.nodes.push({ op: 'Identity', inputs: [b.use(last)], outputs: [end], attributes: {} });
  return { name: end, dims: last.dims, type: last.type };
}

function refusal(graph: GraphModel, node: GraphNode, why: string): CullError {
  return new CullError(
    'MODEL_INVALID',
    `the model ${graph.name} cannot be converted: ${node.op} ${node.name}: ${why}`,
    {
      hint: 'use a model that is ONNX already, or add a rule for the op to scorers/models/tfjs-to-onnx/ops',
      details: { op: node.op, node: node.name },
    },
  );
}
