import type { Value } from '../builder.js';
import { input, type Op, type Rule } from './op.js';

/** Ops of one input that keep its shape: TensorFlow's name -> ONNX's. */
const UNARY: Record<string, string> = {
  Relu: 'Relu',
  Sigmoid: 'Sigmoid',
  Tanh: 'Tanh',
  Elu: 'Elu',
  Exp: 'Exp',
  Sqrt: 'Sqrt',
  Neg: 'Neg',
  Abs: 'Abs',
  Floor: 'Floor',
  Reciprocal: 'Reciprocal',
};

/**
 * An activation by its name, also of those fused into a convolution.
 *
 * @throws CullError MODEL_INVALID for one that is not known
 */
export function activate(op: Op, kind: string, { x, alpha }: { x: Value; alpha?: Value | undefined }): Value {
  const { b, name, attr } = op;
  const keep = (made: string): Value => ({ name: made, dims: x.dims, type: x.type, layout: x.layout });
  const onnx = UNARY[kind];
  if (onnx !== undefined) return keep(b.node(onnx, [b.use(x)], { name }));
  if (kind === 'Relu6')
    return keep(b.node('Clip', [b.use(x), b.scalar(`${name}/0`, 0), b.scalar(`${name}/6`, 6)], { name }));
  if (kind === 'LeakyRelu') {
    // alone the op calls it alpha, fused leakyrelu_alpha; TensorFlow's default is 0.2
    const slope = attr.float('leakyrelu_alpha', attr.float('alpha', 0.2));
    return keep(b.node('LeakyRelu', [b.use(x)], { name, attributes: { alpha: { float: slope } } }));
  }
  if (kind === 'Prelu') {
    if (alpha === undefined) throw op.refuse('Prelu has no slopes');
    const slopes = x.layout === 'channelsFirst' ? b.asChannelsFirst(asRank4(op, alpha)) : alpha;
    return keep(b.node('PRelu', [b.use(x), b.use(slopes)], { name }));
  }
  throw op.refuse(`the activation ${kind} is not known`);
}

/** A constant of lower rank with leading ones, as broadcasting reads it. */
export function asRank4(op: Op, value: Value): Value {
  if (value.dims.length === 4) return value;
  if (value.constant === undefined) throw op.refuse(`${value.name} has rank ${value.dims.length} and is no constant`);
  const dims = [...Array<number>(4 - value.dims.length).fill(1), ...value.dims];
  return { ...value, dims, constant: { ...value.constant, dims } };
}

const activation: Rule = (op) => activate(op, op.kind, { x: input(op, 0), alpha: op.inputs[1] });

const identity: Rule = (op) => input(op, 0);

const softmax: Rule = (op) => {
  const x = op.b.asTf(input(op, 0));
  const name = op.b.node('Softmax', [op.b.use(x)], { name: op.name, attributes: { axis: -1 } });
  return { ...x, name };
};

export const activations: Record<string, Rule> = {
  ...Object.fromEntries([...Object.keys(UNARY), 'Relu6', 'LeakyRelu', 'Prelu'].map((kind) => [kind, activation])),
  Identity: identity,
  Softmax: softmax,
};
