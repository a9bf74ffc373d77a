import { CHANNELS_FIRST, type Value } from '../builder.js';
import { axisOf, input, known, knownScalar, sizeOf, tf, type Op, type Rule } from './op.js';

/** ONNX's name for "to the end". */
const END = 2 ** 31 - 1;

const reshape: Rule = (op) => {
  const x = op.b.asTf(input(op, 0));
  const shape = known(op, 1);
  return reshaped(op, x, { shape, dims: fill(shape, x.dims) });
};

/** The -1 of a shape, where the input's size is known. */
function fill(shape: readonly number[], from: readonly number[]): number[] {
  if (from.some((size) => size < 0)) return [...shape];
  const rest = sizeOf(shape.filter((size) => size >= 0));
  return shape.map((size) => (size < 0 ? sizeOf(from) / rest : size));
}

function reshaped(
  { b, name }: Op,
  x: Value,
  { shape, dims }: { shape: readonly number[]; dims: readonly number[] },
): Value {
  return tf(b.node('Reshape', [b.use(x), b.ints(`${name}/shape`, shape)], { name }), dims, x.type);
}

const squeeze: Rule = (op) => {
  const { name, attr } = op;
  const x = op.b.asTf(input(op, 0));
  const given = attr.ints('squeeze_dims', attr.ints('axis', [])).map((axis) => axisOf(axis, x.dims.length));
  const axes = given.length > 0 ? given : x.dims.flatMap((size, axis) => (size === 1 ? [axis] : []));
  return squeezed(op, x, { axes, name });
};

function squeezed({ b }: Op, x: Value, { axes, name }: { axes: readonly number[]; name: string }): Value {
  const dims = x.dims.filter((_size, axis) => !axes.includes(axis));
  return tf(b.node('Squeeze', [b.use(x), b.ints(`${name}/axes`, axes)], { name }), dims, x.type);
}

const expandDims: Rule = (op) => unsqueezed(op, input(op, 0), { at: knownScalar(op, 1), name: op.name });

function unsqueezed({ b }: Op, value: Value, { at, name }: { at: number; name: string }): Value {
  const x = b.asTf(value);
  const axis = axisOf(at, x.dims.length + 1);
  const dims = [...x.dims.slice(0, axis), 1, ...x.dims.slice(axis)];
  return tf(b.node('Unsqueeze', [b.use(x), b.ints(`${name}/axes`, [axis])], { name }), dims, x.type);
}

const transpose: Rule = (op) => {
  const x = op.b.asTf(input(op, 0));
  const perm = known(op, 1);
  const name = op.b.node('Transpose', [op.b.use(x)], { name: op.name, attributes: { perm } });
  return tf(
    name,
    perm.map((axis) => x.dims[axis] as number),
    x.type,
  );
};

/** Channels-first where all are, else in TensorFlow's order. */
function concatenated({ b, name }: Op, values: readonly Value[], at: number): Value {
  const [first] = values as [Value];
  const axis = axisOf(at, first.dims.length);
  const kept = values.every(({ layout }) => layout === 'channelsFirst');
  const parts = kept ? values : values.map((value) => b.asTf(value));
  const made = b.node(
    'Concat',
    parts.map((part) => b.use(part)),
    {
      name,
      attributes: { axis: kept ? (CHANNELS_FIRST[axis] as number) : axis },
    },
  );
  const sizes = values.map(({ dims }) => dims[axis] as number);
  const total = sizes.some((size) => size < 0) ? -1 : sizes.reduce((sum, size) => sum + size, 0);
  const dims = first.dims.map((size, i) => (i === axis ? total : size));
  return { name: made, dims, type: first.type, layout: kept ? 'channelsFirst' : 'tf' };
}

const concat: Rule = (op) => concatenated(op, op.inputs.slice(0, -1), knownScalar(op, op.inputs.length - 1));

const pack: Rule = (op) => {
  const rank = input(op, 0).dims.length + 1;
  const axis = axisOf(op.attr.int('axis', 0), rank);
  const parts = op.inputs.map((value) => unsqueezed(op, value, { at: axis, name: `${op.name}/part` }));
  return concatenated(op, parts, axis);
};

const unpack: Rule = (op) => {
  const { b, name, attr } = op;
  const x = b.asTf(input(op, 0));
  const axis = axisOf(attr.int('axis', 0), x.dims.length);
  const count = attr.int('num', x.dims[axis] as number);
  const parts = b.nodeWith('Split', [b.use(x)], { name: `${name}/part`, attributes: { axis }, outputs: count });
  const dims = x.dims.map((size, i) => (i === axis ? 1 : size));
  return parts.map((part) => squeezed(op, tf(part, dims, x.type), { axes: [axis], name }));
};

interface Range {
  axis: number;
  start: number;
  end: number;
  step: number;
}

function sliced(
  { b, name }: Op,
  x: Value,
  { ranges, dims }: { ranges: readonly Range[]; dims: readonly number[] },
): Value {
  const list = (key: 'start' | 'end' | 'axis' | 'step'): string =>
    b.ints(
      `${name}/${key}`,
      ranges.map((range) => range[key]),
    );
  const made = b.node('Slice', [b.use(x), list('start'), list('end'), list('axis'), list('step')], { name });
  return tf(made, dims, x.type);
}

const slice: Rule = (op) => {
  const x = op.b.asTf(input(op, 0));
  const [begin, size] = [known(op, 1), known(op, 2)];
  const dims = x.dims.map((length, axis) => {
    const wanted = size[axis] as number;
    return wanted >= 0 ? wanted : length < 0 ? -1 : length - (begin[axis] as number);
  });
  const ranges = begin.map((start, axis) => {
    const wanted = size[axis] as number;
    return { axis, start, end: wanted < 0 ? END : start + wanted, step: 1 };
  });
  return sliced(op, x, { ranges, dims });
};

/** How many of `length` lie in a range with NumPy's meaning of negative ends. */
function countOf({ start, end, step }: Range, length: number): number {
  const clamp = (at: number): number =>
    Math.min(Math.max(at < 0 ? at + length : at, step > 0 ? 0 : -1), step > 0 ? length : length - 1);
  const stop = end === -END ? -1 : clamp(end);
  return Math.max(0, Math.ceil((stop - clamp(start)) / step));
}

const stridedSlice: Rule = (op) => {
  const { b, attr } = op;
  const x = b.asTf(input(op, 0));
  if (attr.int('ellipsis_mask', 0) !== 0 || attr.int('new_axis_mask', 0) !== 0)
    throw op.refuse('an ellipsis or a new axis in a slice cannot be converted');
  const [begin, end, steps] = [known(op, 1), known(op, 2), known(op, 3)];
  const masked = (mask: string, axis: number): boolean => (attr.int(mask, 0) & (1 << axis)) !== 0;
  const single = begin.flatMap((_, axis) => (masked('shrink_axis_mask', axis) ? [axis] : []));
  const ranges = begin.map((from, axis): Range => {
    if (single.includes(axis)) return { axis, start: from, end: from === -1 ? END : from + 1, step: 1 };
    const step = steps[axis] as number;
    const forwards = step > 0;
    return {
      axis,
      start: masked('begin_mask', axis) ? (forwards ? 0 : END) : from,
      end: masked('end_mask', axis) ? (forwards ? END : -END) : (end[axis] as number),
      step,
    };
  });
  const dims = x.dims.map((length, axis) => {
    const range = ranges[axis];
    if (range === undefined) return length;
    return length < 0 ? -1 : countOf(range, length);
  });
  const part = sliced(op, x, { ranges, dims });
  return single.length === 0 ? part : squeezed(op, part, { axes: single, name: `${op.name}/single` });
};

const gather: Rule = (op) => {
  const { b, name } = op;
  if (op.attr.int('batch_dims', 0) !== 0) throw op.refuse('it gathers in batches, which cannot be converted');
  const [x, indices] = [b.asTf(input(op, 0)), b.asTf(input(op, 1))];
  const axis = axisOf(knownScalar(op, 2), x.dims.length);
  const dims = [...x.dims.slice(0, axis), ...indices.dims, ...x.dims.slice(axis + 1)];
  return tf(b.node('Gather', [b.use(x), b.use(indices)], { name, attributes: { axis } }), dims, x.type);
};

/** Zeros around: [before, after] for each axis. */
const pad: Rule = (op) => {
  const { b, name } = op;
  const x = input(op, 0);
  const pairs = known(op, 1);
  const rank = x.dims.length;
  const order = Array.from({ length: rank }, (_, axis) =>
    x.layout === 'channelsFirst' ? (CHANNELS_FIRST[axis] as number) : axis,
  );
  const pads = Array<number>(2 * rank).fill(0);
  order.forEach((to, axis) => {
    pads[to] = pairs[2 * axis] as number;
    pads[to + rank] = pairs[2 * axis + 1] as number;
  });
  const dims = x.dims.map((size, axis) =>
    size < 0 ? -1 : size + (pairs[2 * axis] as number) + (pairs[2 * axis + 1] as number),
  );
  const made = b.node('Pad', [b.use(x), b.ints(`${name}/pads`, pads)], { name });
  return { name: made, dims, type: x.type, layout: x.layout };
};

export const shapes: Record<string, Rule> = {
  Reshape: reshape,
  Squeeze: squeeze,
  ExpandDims: expandDims,
  Transpose: transpose,
  ConcatV2: concat,
  Pack: pack,
  Unpack: unpack,
  Slice: slice,
  StridedSlice: stridedSlice,
  GatherV2: gather,
  Pad: pad,
};
