import type { Value } from '../builder.js';
import type { DataType } from '../onnx.js';
import { activate, asRank4 } from './activation.js';
import { input, tf, type Op, type Rule } from './op.js';

/** Ops of two inputs, element by element: TensorFlow's name -> ONNX's. */
const BINARY: Record<string, string> = {
  Add: 'Add',
  AddV2: 'Add',
  BiasAdd: 'Add',
  Sub: 'Sub',
  Mul: 'Mul',
  RealDiv: 'Div',
  Minimum: 'Min',
  Maximum: 'Max',
  Equal: 'Equal',
  Less: 'Less',
  LessEqual: 'LessOrEqual',
  Greater: 'Greater',
  GreaterEqual: 'GreaterOrEqual',
};
const COMPARES = /^(Equal|Less|Greater)/;

const TYPES: Record<string, DataType> = { DT_FLOAT: 'float32', DT_INT32: 'int32', DT_BOOL: 'bool' };
/** As Cast's attribute `to` numbers them. */
const CAST_TO: Record<string, number> = { float32: 1, int32: 6, bool: 9 };

/**
 * The inputs in one layout: channels-first where one of them is and the others can follow (rank 4, a constant, or one number).
 */
function aligned(op: Op, values: readonly Value[]): { values: Value[]; layout: Value['layout'] } {
  const isNumber = ({ dims }: Value): boolean => dims.length === 0;
  const canFollow = (value: Value): boolean =>
    value.dims.length === 4 || value.constant !== undefined || isNumber(value);
  if (!values.some(({ layout }) => layout === 'channelsFirst') || !values.every(canFollow))
    return { values: values.map((value) => op.b.asTf(value)), layout: 'tf' };
  const follow = (value: Value): Value => (isNumber(value) ? value : op.b.asChannelsFirst(asRank4(op, value)));
  return { values: values.map(follow), layout: 'channelsFirst' };
}

/** The shape of a result, by NumPy's rules of broadcasting. */
function broadcast(op: Op, a: readonly number[], c: readonly number[]): number[] {
  const rank = Math.max(a.length, c.length);
  return Array.from({ length: rank }, (_, axis) => {
    const left = a[axis - rank + a.length] ?? 1;
    const right = c[axis - rank + c.length] ?? 1;
    if (left === right || right === 1) return left;
    if (left === 1 || left < 0) return right;
    if (right < 0) return left;
    throw op.refuse(`its inputs of the shapes ${a.join(' x ')} and ${c.join(' x ')} do not fit together`);
  });
}

function pair(op: Op): { left: string; right: string; of: Omit<Value, 'name'> } {
  const { values, layout } = aligned(op, [input(op, 0), input(op, 1)]);
  const [left, right] = values as [Value, Value];
  const dims = broadcast(op, left.dims, right.dims);
  return { left: op.b.use(left), right: op.b.use(right), of: { dims, type: left.type, layout } };
}

const binary: Rule = (op) => {
  const { left, right, of } = pair(op);
  const name = op.b.node(BINARY[op.kind] as string, [left, right], { name: op.name });
  return { ...of, name, ...(COMPARES.test(op.kind) && { type: 'bool' as const }) };
};

/** ONNX divides whole numbers towards zero, and its Mod of whole numbers has the divisor's sign as TensorFlow's FloorMod. */
const floorDivision =
  (want: 'quotient' | 'rest'): Rule =>
  (op) => {
    const { b, name } = op;
    const { left, right, of } = pair(op);
    if (of.type === 'int32') {
      const rest = b.node('Mod', [left, right], { name: want === 'rest' ? name : `${name}/rest` });
      if (want === 'rest') return { ...of, name: rest };
      const whole = b.node('Sub', [left, rest], { name: `${name}/whole` });
      return { ...of, name: b.node('Div', [whole, right], { name }) };
    }
    const exact = b.node('Div', [left, right], { name: `${name}/exact` });
    const floor = b.node('Floor', [exact], { name: want === 'quotient' ? name : `${name}/floor` });
    if (want === 'quotient') return { ...of, name: floor };
    const whole = b.node('Mul', [floor, right], { name: `${name}/whole` });
    return { ...of, name: b.node('Sub', [left, whole], { name }) };
  };

const addN: Rule = (op) => {
  const { values, layout } = aligned(op, op.inputs);
  const first = input(op, 0);
  const name = op.b.node(
    'Sum',
    values.map((value) => op.b.use(value)),
    { name: op.name },
  );
  return { name, dims: first.dims, type: first.type, layout };
};

const cast: Rule = (op) => {
  const x = input(op, 0);
  const wanted = op.attr.type('DstT');
  const type = TYPES[wanted];
  if (type === undefined) throw op.refuse(`it casts to ${wanted}, which is not known`);
  const name = op.b.node('Cast', [op.b.use(x)], { name: op.name, attributes: { to: CAST_TO[type] as number } });
  return { name, dims: x.dims, type, layout: x.layout };
};

/** MatMul of matrices, and with what is fused: a bias, then an activation. */
const matMul: Rule = (op) => {
  const { b, attr, name } = op;
  const [left, right] = [input(op, 0), input(op, 1)];
  if (left.dims.length !== 2 || right.dims.length !== 2) throw op.refuse('its inputs are no matrices');
  const [transA, transB] = [attr.bool('transpose_a') ? 1 : 0, attr.bool('transpose_b') ? 1 : 0];
  const [bias, activation] = attr.strings('fused_ops');
  if (bias !== undefined && bias !== 'BiasAdd') throw op.refuse(`the fused op ${bias} is not known`);
  const inputs = [left, right, ...(bias === undefined ? [] : [input(op, 2)])].map((value) => b.use(value));
  const made = tf(b.node('Gemm', inputs, { name, attributes: { transA, transB } }), [
    left.dims[transA === 1 ? 1 : 0] as number,
    right.dims[transB === 1 ? 0 : 1] as number,
  ]);
  return activation === undefined || activation === 'Linear'
    ? made
    : activate(op, activation, { x: made, alpha: op.inputs[3] });
};

export const arithmetic: Record<string, Rule> = {
  ...Object.fromEntries(Object.keys(BINARY).map((kind) => [kind, binary])),
  FloorDiv: floorDivision('quotient'),
  FloorMod: floorDivision('rest'),
  AddN: addN,
  Cast: cast,
  MatMul: matMul,
  _FusedMatMul: matMul,
};
