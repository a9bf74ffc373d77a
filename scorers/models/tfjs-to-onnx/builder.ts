import type { Attribute, DataType, OnnxGraph, OnnxNode, OnnxTensor } from './onnx.js';
import type { Constant } from './weights.js';

/**
 * A tensor of the graph. `dims` are TensorFlow's (pictures NHWC), -1 where any size goes; how the values really lie is `layout`. A value of
 * rank 4 that a convolution made stays channels-first until something needs TensorFlow's order: no transposes between convolutions.
 */
export interface Value {
  /** In the ONNX graph; of a constant, what it will be called there. */
  name: string;
  dims: readonly number[];
  type: DataType;
  layout: 'tf' | 'channelsFirst';
  /** Known while converting. */
  constant?: Constant;
}

/** NHWC axis -> where it lies in NCHW. */
export const CHANNELS_FIRST = [0, 2, 3, 1] as const;
/** The permutation of a Transpose: entry i says which axis becomes axis i. */
const TO_CHANNELS_FIRST = [0, 3, 1, 2];
const TO_TF = [0, 2, 3, 1];

/** Collects the nodes and constants of an ONNX graph, each constant and each transpose once. */
export class Builder {
  readonly nodes: OnnxNode[] = [];
  readonly initializers: OnnxTensor[] = [];
  readonly #names = new Set<string>();
  readonly #emitted = new Map<Constant, string>();
  readonly #other = new Map<string, Value>();

  /** The name itself, or with a number where it is taken. */
  unique(name: string): string {
    let free = name;
    for (let i = 1; this.#names.has(free); i++) free = `${name}_${i}`;
    this.#names.add(free);
    return free;
  }

  /** Adds a node with one output; says its name. */
  node(op: string, inputs: readonly string[], of: { name: string; attributes?: Record<string, Attribute> }): string {
    return this.nodeWith(op, inputs, { ...of, outputs: 1 })[0] as string;
  }

  /** Adds a node with several outputs; says their names. */
  nodeWith(
    op: string,
    inputs: readonly string[],
    { name, attributes = {}, outputs }: { name: string; attributes?: Record<string, Attribute>; outputs: number },
  ): string[] {
    const made = Array.from({ length: outputs }, () => this.unique(name));
    this.nodes.push({ op, inputs, outputs: made, attributes });
    return made;
  }

  /** Adds a constant; says its name. */
  initializer(name: string, { type, dims, data }: Omit<OnnxTensor, 'name'>): string {
    const unique = this.unique(name);
    this.initializers.push({ name: unique, type, dims, data });
    return unique;
  }

  /** A list of whole numbers for ONNX's inputs of shapes, axes and sizes. */
  ints(name: string, values: readonly number[]): string {
    return this.initializer(name, { type: 'int64', dims: [values.length], data: BigInt64Array.from(values, BigInt) });
  }

  /** One number of the type of a value. */
  scalar(name: string, value: number, type: DataType = 'float32'): string {
    return this.initializer(name, {
      type,
      dims: [],
      data: type === 'float32' ? Float32Array.of(value) : Int32Array.of(value),
    });
  }

  /** What to write as input of a node: the value's name; a constant is put into the graph at its first use. */
  use({ name, constant }: Value): string {
    if (constant === undefined) return name;
    const known = this.#emitted.get(constant) ?? this.initializer(name, constant);
    this.#emitted.set(constant, known);
    return known;
  }

  /** The value in TensorFlow's order. */
  asTf(value: Value): Value {
    return value.layout === 'tf' ? value : this.#transposed(value, TO_TF, 'tf');
  }

  /** The value of rank 4 with its channels before height and width. */
  asChannelsFirst(value: Value): Value {
    if (value.layout === 'channelsFirst') return value;
    if (value.constant === undefined) return this.#transposed(value, TO_CHANNELS_FIRST, 'channelsFirst');
    const constant = permute(value.constant, TO_CHANNELS_FIRST);
    return { ...value, layout: 'channelsFirst', constant };
  }

  #transposed(value: Value, perm: number[], layout: Value['layout']): Value {
    const known = this.#other.get(value.name);
    if (known !== undefined) return known;
    const name = this.node('Transpose', [this.use(value)], { name: `${value.name}/${layout}`, attributes: { perm } });
    const made: Value = { name, dims: value.dims, type: value.type, layout };
    this.#other.set(value.name, made);
    this.#other.set(name, value);
    return made;
  }

  graph(name: string, ends: Pick<OnnxGraph, 'inputs' | 'outputs'>): OnnxGraph {
    return { name, nodes: this.nodes, initializers: this.initializers, ...ends };
  }
}

/**
 * A constant with its axes in another order: `permute(filter, [3, 2, 0, 1])` makes ONNX's convolution filter of TensorFlow's.
 */
export function permute({ dims, type, data }: Constant, order: readonly number[]): Constant {
  const strides = dims.map((_, axis) => dims.slice(axis + 1).reduce((product, size) => product * size, 1));
  const outDims = order.map((axis) => dims[axis] as number);
  const outStrides = order.map((axis) => strides[axis] as number);
  const out = data.slice();
  const at = outDims.map(() => 0);
  for (let i = 0, from = 0; i < out.length; i++) {
    out[i] = data[from] as number;
    for (let axis = at.length - 1; axis >= 0; axis--) {
      const next = (at[axis] as number) + 1;
      from += outStrides[axis] as number;
      if (next < (outDims[axis] as number)) {
        at[axis] = next;
        break;
      }
      from -= next * (outStrides[axis] as number);
      at[axis] = 0;
    }
  }
  return { dims: outDims, type, data: out };
}
