import { CHANNELS_FIRST } from '../builder.js';
import { axisOf, input, known, knownScalar, tf, type Rule } from './op.js';

const mean: Rule = (op) => {
  const { b, name, attr } = op;
  const value = input(op, 0);
  const axes = known(op, 1).map((axis) => axisOf(axis, value.dims.length));
  const keep = attr.bool('keep_dims') || attr.bool('keepDims');
  // what is left of height x width alone lies the same in both layouts
  const overPicture = value.layout === 'channelsFirst' && [...axes].sort().join() === '1,2';
  const x = overPicture ? value : b.asTf(value);
  const made = b.node('ReduceMean', [b.use(x)], {
    name,
    attributes: {
      axes: overPicture ? axes.map((axis) => CHANNELS_FIRST[axis] as number) : axes,
      keepdims: keep ? 1 : 0,
    },
  });
  if (!keep)
    return tf(
      made,
      x.dims.filter((_, axis) => !axes.includes(axis)),
      x.type,
    );
  return {
    name: made,
    dims: x.dims.map((size, axis) => (axes.includes(axis) ? 1 : size)),
    type: x.type,
    layout: x.layout,
  };
};

/** The k largest of the last axis, largest first, and where they were. */
const topK: Rule = (op) => {
  const { b, name } = op;
  const x = b.asTf(input(op, 0));
  const k = knownScalar(op, 1);
  const [values, at] = b.nodeWith('TopK', [b.use(x), b.ints(`${name}/k`, [k])], {
    name,
    attributes: { axis: -1, largest: 1, sorted: 1 },
    outputs: 2,
  }) as [string, string];
  const dims = [...x.dims.slice(0, -1), k];
  const indices = b.node('Cast', [at], { name: `${name}/indices`, attributes: { to: 6 } });
  return [tf(values, dims, x.type), tf(indices, dims, 'int32')];
};

const resizeBilinear: Rule = (op) => {
  const { b, name, attr } = op;
  const x = b.asChannelsFirst(input(op, 0));
  const [batch, , , channels] = x.dims as [number, number, number, number];
  const [height, width] = known(op, 1) as [number, number];
  if (batch < 0) throw op.refuse('it resizes a batch of any size; give the dims of the input');
  const mode = attr.bool('align_corners')
    ? 'align_corners'
    : attr.bool('half_pixel_centers')
      ? 'half_pixel'
      : 'asymmetric';
  const made = b.node('Resize', [b.use(x), '', '', b.ints(`${name}/size`, [batch, channels, height, width])], {
    name,
    attributes: { mode: 'linear', coordinate_transformation_mode: mode },
  });
  return { name: made, dims: [batch, height, width, channels], type: x.type, layout: x.layout };
};

export const reductions: Record<string, Rule> = { Mean: mean, TopKV2: topK, ResizeBilinear: resizeBilinear };
