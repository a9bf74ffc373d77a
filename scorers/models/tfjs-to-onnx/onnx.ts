import protobuf from 'protobufjs/light.js';

/**
 * The messages of ONNX that a converted model needs, with the field numbers of onnx.proto (https://github.com/onnx/onnx, Apache-2.0).
 * Written with protobufjs, so that no schema file and no code generation is needed.
 */
const one = (type: string, id: number) => ({ type, id });
const many = (type: string, id: number) => ({ rule: 'repeated', type, id });

const root = protobuf.Root.fromJSON({
  nested: {
    Model: {
      fields: {
        irVersion: one('int64', 1),
        producer: one('string', 2),
        graph: one('Graph', 7),
        opsets: many('Opset', 8),
      },
    },
    Opset: { fields: { domain: one('string', 1), version: one('int64', 2) } },
    Graph: {
      fields: {
        nodes: many('Node', 1),
        name: one('string', 2),
        initializers: many('Tensor', 5),
        inputs: many('ValueInfo', 11),
        outputs: many('ValueInfo', 12),
      },
    },
    Node: {
      fields: {
        inputs: many('string', 1),
        outputs: many('string', 2),
        name: one('string', 3),
        op: one('string', 4),
        attributes: many('Attribute', 5),
      },
    },
    Attribute: {
      fields: {
        name: one('string', 1),
        f: one('float', 2),
        i: one('int64', 3),
        s: one('bytes', 4),
        ints: many('int64', 8),
        type: one('int32', 20),
      },
    },
    Tensor: {
      fields: { dims: many('int64', 1), dataType: one('int32', 2), name: one('string', 8), raw: one('bytes', 9) },
    },
    ValueInfo: { fields: { name: one('string', 1), type: one('Type', 2) } },
    Type: { fields: { tensor: one('TensorType', 1) } },
    TensorType: { fields: { elemType: one('int32', 1), shape: one('Shape', 2) } },
    Shape: { fields: { dim: many('Dim', 1) } },
    Dim: { fields: { value: one('int64', 1), param: one('string', 2) } },
  },
});
const Model = root.lookupType('Model');

export type DataType = 'float32' | 'int32' | 'int64' | 'bool';

/** Numbers of TensorProto.DataType. */
export const DATA_TYPE: Record<DataType, number> = { float32: 1, int32: 6, int64: 7, bool: 9 };

/** Numbers of AttributeProto.AttributeType. */
const FLOAT = 1;
const INT = 2;
const STRING = 3;
const INTS = 7;

/** An attribute: a whole number becomes an int, `{ float }` a float. */
export type Attribute = number | { float: number } | string | readonly number[];

export interface OnnxNode {
  op: string;
  inputs: readonly string[];
  outputs: readonly string[];
  attributes: Record<string, Attribute>;
}

export interface OnnxTensor {
  name: string;
  type: DataType;
  dims: readonly number[];
  data: Float32Array | Int32Array | BigInt64Array | Uint8Array;
}

/** -1 in dims: any size. */
export interface OnnxValueInfo {
  name: string;
  type: DataType;
  dims: readonly number[];
}

export interface OnnxGraph {
  name: string;
  nodes: readonly OnnxNode[];
  initializers: readonly OnnxTensor[];
  inputs: readonly OnnxValueInfo[];
  outputs: readonly OnnxValueInfo[];
}

/**
 * The bytes of an ONNX model: IR version 8, operator set 17.
 *
 * @example
 * await writeFile('model.onnx', encodeModel({ name: 'one', nodes: [{ op: 'Relu', inputs: ['x'], outputs: ['y'], attributes: {} }], … }));
 */
export function encodeModel({ name, nodes, initializers, inputs, outputs }: OnnxGraph): Uint8Array {
  return Model.encode({
    irVersion: 8,
    producer: 'comfy-cull',
    opsets: [{ domain: '', version: 17 }],
    graph: {
      name,
      nodes: nodes.map(({ attributes, outputs: made, ...node }) => ({
        ...node,
        outputs: made,
        name: made[0],
        attributes: Object.entries(attributes).map(([key, value]) => ({ name: key, ...encodeAttribute(value) })),
      })),
      initializers: initializers.map(({ name: of, type, dims, data }) => ({
        name: of,
        dims,
        dataType: DATA_TYPE[type],
        raw: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
      })),
      inputs: inputs.map(encodeValueInfo),
      outputs: outputs.map(encodeValueInfo),
    },
  }).finish();
}

function encodeAttribute(value: Attribute): Record<string, unknown> {
  if (typeof value === 'number') return { i: value, type: INT };
  if (typeof value === 'string') return { s: new TextEncoder().encode(value), type: STRING };
  if ('float' in value) return { f: value.float, type: FLOAT };
  return { ints: value, type: INTS };
}

const encodeValueInfo = ({ name, type, dims }: OnnxValueInfo): Record<string, unknown> => ({
  name,
  type: {
    tensor: {
      elemType: DATA_TYPE[type],
      shape: {
        dim: dims.map((size, axis) => (size < 0 ? { param: axis === 0 ? 'batch' : `any${axis}` } : { value: size })),
      },
    },
  },
});
