import { describe, expect, it } from 'vitest';
import { flag, int, ints, runBoth, text, texts, type, type Constant, type MiniGraph } from './mini.js';

/** Both must give the same shape and the same numbers up to rounding. */
async function expectSame(graph: MiniGraph, options: { batch?: number } = {}): Promise<void> {
  const { onnx, tfjs } = await runBoth(graph, options);
  expect(tfjs.length).toBeGreaterThan(0);
  tfjs.forEach((wanted, i) => {
    expect(onnx[i]!.dims).toEqual(wanted.dims);
    const got = Array.from(onnx[i]!.data, Number);
    const off = got.map((value, at) => Math.abs(value - Number(wanted.data[at]))).filter((delta) => !(delta < 1e-5));
    expect(off).toEqual([]);
    expect(new Set(got).size, 'a result that could not differ').toBeGreaterThan(1);
  });
}

const whole = (...data: number[]): Constant => ({ dims: [data.length], data, whole: true });
const number = (value: number, isWhole = false): Constant => ({ dims: [], data: [value], whole: isWhole });
const PICTURE = [1, 7, 6, 3] as const;

/** One op on the picture `x`, its further inputs constants, in order. */
const one = (
  op: string,
  {
    x = PICTURE,
    constants = {},
    attr,
  }: { x?: readonly number[]; constants?: Record<string, Constant>; attr?: object } = {},
): MiniGraph => ({
  x,
  constants,
  nodes: [{ name: 'y', op, input: ['x', ...Object.keys(constants)], ...(attr !== undefined && { attr: { ...attr } }) }],
});

/** The same, between two convolutions: the value that arrives lies channels-first. */
const after = (graph: MiniGraph): MiniGraph => ({
  ...graph,
  constants: { ...graph.constants, before: { dims: [1, 1, 3, 3] } },
  nodes: [
    {
      name: 'conv',
      op: 'Conv2D',
      input: ['x', 'before'],
      attr: { strides: ints(1, 1, 1, 1), dilations: ints(1, 1, 1, 1), padding: text('SAME') },
    },
    ...graph.nodes.map((node) => ({ ...node, input: node.input.map((name) => (name === 'x' ? 'conv' : name)) })),
  ],
});

describe('convolutions and pools', () => {
  const filter = (dims: number[]) => ({ filter: { dims } });
  it.each([
    ['SAME', 1, [1, 1]],
    ['SAME', 2, [1, 1]],
    ['SAME', 3, [1, 1]],
    ['VALID', 1, [1, 1]],
    ['VALID', 2, [1, 1]],
    ['SAME', 1, [2, 2]],
    ['VALID', 1, [2, 1]],
  ] as const)('%s, stride %i, dilation %s, odd and even sides', async (padding, stride, [dy, dx]) => {
    const attr = { padding: text(padding), strides: ints(1, stride, stride, 1), dilations: ints(1, dy, dx, 1) };
    for (const side of [1, 2, 3])
      for (const op of ['Conv2D', 'DepthwiseConv2dNative'])
        await expectSame(one(op, { attr, constants: filter(op === 'Conv2D' ? [3, side, 3, 4] : [3, side, 3, 1]) }));
  });
  it('a kernel smaller than its stride', () =>
    expectSame(
      one('Conv2D', {
        attr: { padding: text('SAME'), strides: ints(1, 2, 2, 1), dilations: ints(1, 1, 1, 1) },
        constants: filter([1, 1, 3, 2]),
      }),
    ));
  it('explicit padding', () =>
    expectSame(
      one('Conv2D', {
        attr: {
          padding: text('EXPLICIT'),
          strides: ints(1, 1, 1, 1),
          dilations: ints(1, 1, 1, 1),
          explicit_paddings: ints(0, 0, 2, 0, 1, 3, 0, 0),
        },
        constants: filter([3, 3, 3, 2]),
      }),
    ));
  it('depthwise with several filters for each channel', () =>
    expectSame(
      one('DepthwiseConv2dNative', {
        attr: { padding: text('SAME'), strides: ints(1, 2, 2, 1), dilations: ints(1, 1, 1, 1) },
        constants: filter([3, 3, 3, 2]),
      }),
    ));
  it.each(['MaxPool', 'AvgPool'])('%s counts nothing outside the picture', async (op) => {
    for (const padding of ['SAME', 'VALID'])
      for (const [kernel, stride] of [
        [2, 2],
        [3, 2],
        [3, 1],
      ] as const)
        await expectSame(
          one(op, {
            attr: {
              padding: text(padding),
              ksize: ints(1, kernel, kernel, 1),
              strides: ints(1, stride, stride, 1),
              dilations: ints(1, 1, 1, 1),
            },
          }),
        );
  });
  it('a batch of any size', () =>
    expectSame(
      one('Conv2D', {
        x: [-1, 7, 6, 3],
        attr: { padding: text('SAME'), strides: ints(1, 2, 2, 1), dilations: ints(1, 1, 1, 1) },
        constants: filter([3, 3, 3, 2]),
      }),
      { batch: 3 },
    ));
});

describe('what is fused', () => {
  const attr = { padding: text('SAME'), strides: ints(1, 1, 1, 1), dilations: ints(1, 1, 1, 1) };
  it.each(['Relu', 'Relu6', 'Elu', 'Sigmoid'])('bias and %s', async (activation) => {
    const fused = { ...attr, fused_ops: texts('BiasAdd', activation), num_args: int(1) };
    const bias: Constant = { dims: [4], data: [0, 1, -2, 3] };
    await expectSame(one('_FusedConv2D', { attr: fused, constants: { filter: { dims: [3, 3, 3, 4] }, bias } }));
    const three: Constant = { dims: [3], data: [1, -2, 3] };
    await expectSame(
      one('FusedDepthwiseConv2dNative', { attr: fused, constants: { filter: { dims: [3, 3, 3, 1] }, bias: three } }),
    );
  });
  it('bias alone', () =>
    expectSame(
      one('_FusedConv2D', {
        attr: { ...attr, fused_ops: texts('BiasAdd'), num_args: int(1) },
        constants: { filter: { dims: [3, 3, 3, 4] }, bias: { dims: [4] } },
      }),
    ));
  it('bias and Prelu', () =>
    expectSame(
      one('_FusedConv2D', {
        attr: { ...attr, fused_ops: texts('BiasAdd', 'Prelu'), num_args: int(2) },
        constants: { filter: { dims: [3, 3, 3, 4] }, bias: { dims: [4] }, alpha: { dims: [1, 1, 4] } },
      }),
    ));
  it('bias and LeakyRelu with its slope', () =>
    expectSame(
      one('_FusedConv2D', {
        attr: { ...attr, fused_ops: texts('BiasAdd', 'LeakyRelu'), num_args: int(1), leakyrelu_alpha: { f: 0.3 } },
        constants: { filter: { dims: [3, 3, 3, 4] }, bias: { dims: [4] } },
      }),
    ));
  it('a matrix product, its sides turned', async () => {
    await expectSame(one('MatMul', { x: [2, 5], constants: { b: { dims: [5, 4] } } }));
    await expectSame(
      one('MatMul', {
        x: [5, 2],
        constants: { b: { dims: [4, 5] } },
        attr: { transpose_a: flag(true), transpose_b: flag(true) },
      }),
    );
    await expectSame(
      one('_FusedMatMul', {
        x: [2, 5],
        constants: { b: { dims: [5, 4] }, bias: { dims: [4] } },
        attr: { fused_ops: texts('BiasAdd', 'Relu'), num_args: int(1) },
      }),
    );
  });
});

describe('element by element', () => {
  it.each([
    'Relu',
    'Relu6',
    'Sigmoid',
    'Tanh',
    'Elu',
    'Exp',
    'Neg',
    'Abs',
    'Floor',
    'Reciprocal',
    'Softmax',
    'Identity',
  ])('%s', async (op) => {
    await expectSame(one(op));
    await expectSame(after(one(op)));
  });
  it('Sqrt', () =>
    expectSame({
      x: PICTURE,
      nodes: [
        { name: 'abs', op: 'Abs', input: ['x'] },
        { name: 'y', op: 'Sqrt', input: ['abs'] },
      ],
    }));
  it('LeakyRelu', () => expectSame(one('LeakyRelu', { attr: { alpha: { f: 0.3 } } })));
  it('Prelu', async () => {
    await expectSame(one('Prelu', { constants: { alpha: { dims: [1, 1, 3] } } }));
    await expectSame(after(one('Prelu', { constants: { alpha: { dims: [1, 1, 3] } } })));
  });
  it.each(['Add', 'AddV2', 'BiasAdd', 'Sub', 'Mul', 'RealDiv', 'Minimum', 'Maximum', 'FloorDiv', 'FloorMod'])(
    '%s with a number, a channel vector, a picture',
    async (op) => {
      for (const dims of op === 'BiasAdd' ? [[3]] : [[], [3], [6, 1], [1, 7, 6, 3], [1, 1, 1, 3]]) {
        await expectSame(one(op, { constants: { other: { dims } } }));
        await expectSame(after(one(op, { constants: { other: { dims } } })));
      }
    },
  );
  it.each(['Equal', 'Less', 'LessEqual', 'Greater', 'GreaterEqual'])('%s', (op) =>
    expectSame({
      x: [2, 3],
      constants: { zero: { dims: [2, 3], data: [0, 0, 0, 0, 0, 0] } },
      nodes: [
        { name: 'relu', op: 'Relu', input: ['x'] },
        { name: 'is', op, input: ['relu', 'zero'] },
        { name: 'as', op: 'Cast', input: ['is'], attr: { SrcT: type('DT_BOOL'), DstT: type('DT_FLOAT') } },
        { name: 'y', op: 'Add', input: ['as', 'x'] },
      ],
    }),
  );
  it('AddN', () =>
    expectSame({
      x: PICTURE,
      constants: { c: { dims: [1, 7, 6, 3] } },
      nodes: [{ name: 'y', op: 'AddN', input: ['x', 'c', 'x'], attr: { N: int(3) } }],
    }));
  it('whole numbers divide downwards, the rest has the sign of the divisor', async () => {
    for (const op of ['FloorDiv', 'FloorMod'])
      for (const by of [3, -3])
        await expectSame({
          x: [20],
          constants: { ten: number(10), by: number(by, true) },
          nodes: [
            { name: 'tens', op: 'Mul', input: ['x', 'ten'] },
            { name: 'int', op: 'Cast', input: ['tens'], attr: { SrcT: type('DT_FLOAT'), DstT: type('DT_INT32') } },
            { name: 'y', op, input: ['int', 'by'] },
          ],
        });
  });
});

describe('shapes', () => {
  const cases: [string, MiniGraph][] = [
    ['Reshape with a free side', one('Reshape', { constants: { shape: whole(1, -1, 9) } })],
    ['Squeeze of named axes', one('Squeeze', { x: [1, 3, 1, 2], attr: { squeeze_dims: ints(2) } })],
    ['Squeeze of all', one('Squeeze', { x: [1, 3, 1, 2] })],
    ['ExpandDims at the end', one('ExpandDims', { constants: { axis: number(-1, true) } })],
    ['Transpose', one('Transpose', { constants: { perm: whole(0, 2, 1, 3) } })],
    ['Slice with a rest', one('Slice', { constants: { begin: whole(0, 1, 2, 1), size: whole(1, 3, -1, 1) } })],
    [
      'Pad of channels and one side',
      one('Pad', { constants: { paddings: { dims: [4, 2], data: [0, 0, 1, 2, 0, 3, 0, 2], whole: true } } }),
    ],
    ['Mean over the picture', one('Mean', { constants: { axes: whole(1, 2) }, attr: { keep_dims: flag(false) } })],
    ['Mean over the picture, kept', one('Mean', { constants: { axes: whole(2, 1) }, attr: { keep_dims: flag(true) } })],
    ['Mean over channels', one('Mean', { constants: { axes: whole(-1) }, attr: { keep_dims: flag(false) } })],
    ['GatherV2', one('GatherV2', { constants: { at: whole(2, 0, 2), axis: number(1, true) } })],
    [
      'StridedSlice with masks and a step',
      one('StridedSlice', {
        constants: { begin: whole(0, 1, 5, 0), end: whole(1, 6, 0, 2), steps: whole(1, 2, -1, 1) },
        attr: {
          begin_mask: int(1),
          end_mask: int(8),
          shrink_axis_mask: int(0),
          ellipsis_mask: int(0),
          new_axis_mask: int(0),
        },
      }),
    ],
    [
      'StridedSlice of the last, its axis dropped',
      one('StridedSlice', {
        constants: { begin: whole(0, -1, 0, 1), end: whole(1, 0, 6, 2), steps: whole(1, 1, 1, 1) },
        attr: {
          begin_mask: int(0),
          end_mask: int(0),
          shrink_axis_mask: int(10),
          ellipsis_mask: int(0),
          new_axis_mask: int(0),
        },
      }),
    ],
  ];
  it.each(cases)('%s', async (_, graph) => {
    await expectSame(graph);
    if (graph.x === PICTURE) await expectSame(after(graph));
  });
  it.each([
    [false, false],
    [true, false],
    [false, true],
  ])('ResizeBilinear, corners aligned %s, half pixels %s', (align, half) =>
    expectSame(
      one('ResizeBilinear', {
        constants: { size: whole(13, 9) },
        attr: { align_corners: flag(align), half_pixel_centers: flag(half) },
      }),
    ),
  );
  it.each([0, 1, -1])('Pack and Unpack along %i', (axis) =>
    expectSame({
      x: [2, 3],
      constants: { c: { dims: [2, 3] } },
      nodes: [
        { name: 'pack', op: 'Pack', input: ['x', 'c'], attr: { axis: int(axis), N: int(2) } },
        { name: 'un', op: 'Unpack', input: ['pack'], attr: { axis: int(axis), num: int(2) } },
        { name: 'y', op: 'Sub', input: ['un:1', 'un'] },
      ],
      outputs: ['pack', 'y'],
    }),
  );
  it.each([1, 2, 3, -1])('ConcatV2 along %i', async (axis) => {
    const graph: MiniGraph = {
      x: PICTURE,
      constants: { c: { dims: [1, 7, 6, 3] }, axis: number(axis, true) },
      nodes: [{ name: 'y', op: 'ConcatV2', input: ['x', 'c', 'x', 'axis'], attr: { N: int(3) } }],
    };
    await expectSame(graph);
    await expectSame(after(graph));
  });
  it('TopKV2, with where they were', () =>
    expectSame({
      x: [1, 50],
      constants: { k: number(5, true) },
      nodes: [{ name: 'top', op: 'TopKV2', input: ['x', 'k'], attr: { sorted: flag(true) } }],
      outputs: ['top', 'top:1'],
    }));
});
