import { permute, type Value } from '../builder.js';
import type { Attribute } from '../onnx.js';
import { activate } from './activation.js';
import { input, type Op, type Rule } from './op.js';

/** A window that slides over height and width, in pixels. */
interface Window {
  kernel: readonly [number, number];
  strides: readonly [number, number];
  dilations: readonly [number, number];
}

const heightWidth = (ints: readonly number[]): [number, number] => [ints[1] as number, ints[2] as number];

/**
 * Padding and size of the result, as TensorFlow defines them. `SAME`: ceil(size / stride) results; what is missing is padded, of an odd number the
 * larger half at the bottom and right (https://www.tensorflow.org/api_docs/python/tf/nn#notes_on_padding_2).
 */
function slide(op: Op, x: Value, { kernel, strides, dilations }: Window): { pads: number[]; size: [number, number] } {
  const padding = op.attr.string('padding', 'VALID');
  const given = op.attr.ints('explicit_paddings', []);
  const along = [0, 1].map((i) => {
    const length = x.dims[i + 1] as number;
    if (length < 0) throw op.refuse('height and width of its input must be known; give the dims of the input');
    const reach = ((kernel[i] as number) - 1) * (dilations[i] as number) + 1;
    const stride = strides[i] as number;
    const same = Math.max(0, (Math.ceil(length / stride) - 1) * stride + reach - length);
    const [before, after] =
      padding === 'SAME'
        ? [Math.floor(same / 2), Math.ceil(same / 2)]
        : padding === 'EXPLICIT'
          ? [given[2 * i + 2] ?? 0, given[2 * i + 3] ?? 0]
          : [0, 0];
    return { before, after, size: Math.floor((length + before + after - reach) / stride) + 1 };
  });
  const [h, w] = along as [(typeof along)[0], (typeof along)[0]];
  return { pads: [h.before, w.before, h.after, w.after], size: [h.size, w.size] };
}

function checkLayout(op: Op): void {
  const format = op.attr.string('data_format', 'NHWC');
  if (format !== 'NHWC') throw op.refuse(`its data format is ${format}, only NHWC can be converted`);
}

/** Conv2D and DepthwiseConv2dNative, with what is fused: a bias, then an activation. */
const convolution: Rule = (op) => {
  checkLayout(op);
  const { b, attr, name } = op;
  const x = b.asChannelsFirst(input(op, 0));
  const { constant: filter, name: filterName } = input(op, 1);
  if (filter?.dims.length !== 4) throw op.refuse('its filter is no constant of rank 4');
  const [height, width, inside, outside] = filter.dims as [number, number, number, number];
  const depthwise = op.kind.includes('Depthwise');
  if (x.dims[3] !== inside)
    throw op.refuse(`its filter wants ${inside} channels, its input has ${x.dims[3] ?? 'none'}`);
  const channels = depthwise ? inside * outside : outside;
  // TensorFlow: height, width, in, out (depthwise: in, multiplier); ONNX: out, in per group, height, width
  const turned = permute(filter, depthwise ? [2, 3, 0, 1] : [3, 2, 0, 1]);
  const weights = { ...turned, dims: [channels, depthwise ? 1 : inside, height, width] };

  const [fusedBias, activation, ...more] = attr.strings('fused_ops').filter((kind) => kind !== 'Linear');
  if ((fusedBias !== undefined && fusedBias !== 'BiasAdd') || more.length > 0)
    throw op.refuse(`the fused ops ${attr.strings('fused_ops').join(', ')} are not known`);
  const inputs = [b.use(x), b.initializer(filterName, weights)];
  if (fusedBias !== undefined) {
    const bias = input(op, 2);
    if (bias.dims.length !== 1) throw op.refuse(`its bias has rank ${bias.dims.length}`);
    inputs.push(b.use(bias));
  }

  const window: Window = {
    kernel: [height, width],
    strides: heightWidth(attr.ints('strides', [1, 1, 1, 1])),
    dilations: heightWidth(attr.ints('dilations', [1, 1, 1, 1])),
  };
  const { pads, size } = slide(op, x, window);
  const attributes: Record<string, Attribute> = {
    kernel_shape: window.kernel,
    strides: window.strides,
    dilations: window.dilations,
    pads,
    group: depthwise ? inside : 1,
  };
  const made: Value = {
    name: b.node('Conv', inputs, { name, attributes }),
    dims: [x.dims[0] as number, ...size, channels],
    type: 'float32',
    layout: 'channelsFirst',
  };
  return activation === undefined ? made : activate(op, activation, { x: made, alpha: op.inputs[3] });
};

const pool =
  (onnx: 'MaxPool' | 'AveragePool'): Rule =>
  (op) => {
    checkLayout(op);
    const { b, attr, name } = op;
    const x = b.asChannelsFirst(input(op, 0));
    const window: Window = {
      kernel: heightWidth(attr.ints('ksize', [1, 1, 1, 1])),
      strides: heightWidth(attr.ints('strides', [1, 1, 1, 1])),
      dilations: [1, 1],
    };
    const { pads, size } = slide(op, x, window);
    const made = b.node(onnx, [b.use(x)], {
      name,
      attributes: { kernel_shape: window.kernel, strides: window.strides, pads },
    });
    return { name: made, dims: [x.dims[0] as number, ...size, x.dims[3] as number], type: x.type, layout: x.layout };
  };

export const convolutions: Record<string, Rule> = {
  Conv2D: convolution,
  _FusedConv2D: convolution,
  DepthwiseConv2dNative: convolution,
  FusedDepthwiseConv2dNative: convolution,
  MaxPool: pool('MaxPool'),
  AvgPool: pool('AveragePool'),
};
