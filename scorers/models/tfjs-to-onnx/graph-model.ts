import { CullError } from '../../../errors.js';

/** `model.json` of a TensorFlow.js graph model: the fields that are read. */
export interface GraphModelJson {
  format?: string | undefined;
  signature?: Signature | undefined;
  userDefinedMetadata?: { signature?: Signature | undefined } | undefined;
  modelTopology: { node: readonly GraphNode[] };
  weightsManifest: readonly { weights: readonly WeightSpec[] }[];
}

interface Signature {
  inputs?: Record<string, { name: string }> | undefined;
  outputs?: Record<string, { name: string }> | undefined;
}

export interface WeightSpec {
  name: string;
  shape: readonly number[];
  dtype: string;
  quantization?: { dtype: string; scale?: number | undefined; min?: number | undefined } | undefined;
}

export interface GraphNode {
  name: string;
  op: string;
  input?: readonly string[] | undefined;
  attr?: Record<string, RawAttribute> | undefined;
}

/** As protobuf's JSON writes it: bytes in base64, 64-bit integers as text. */
interface RawAttribute {
  s?: string;
  i?: string | number;
  f?: number;
  b?: boolean;
  type?: string;
  shape?: { dim?: readonly { size: string | number }[] };
  list?: { s?: readonly string[]; i?: readonly (string | number)[] };
}

const text = (base64: string): string => Buffer.from(base64, 'base64').toString('utf8');

/** Reads the attributes of one node, with TensorFlow's defaults given by the caller. */
export class Attributes {
  readonly #attr: Record<string, RawAttribute>;

  constructor(node: GraphNode) {
    this.#attr = node.attr ?? {};
  }

  int(name: string, otherwise: number): number {
    const value = this.#attr[name]?.i;
    return value === undefined ? otherwise : Number(value);
  }

  float(name: string, otherwise: number): number {
    return this.#attr[name]?.f ?? otherwise;
  }

  bool(name: string): boolean {
    return this.#attr[name]?.b ?? false;
  }

  string(name: string, otherwise: string): string {
    const value = this.#attr[name]?.s;
    return value === undefined ? otherwise : text(value);
  }

  type(name: string): string {
    return this.#attr[name]?.type ?? 'DT_INVALID';
  }

  ints(name: string, otherwise: readonly number[]): readonly number[] {
    return this.#attr[name]?.list?.i?.map(Number) ?? otherwise;
  }

  strings(name: string): readonly string[] {
    return this.#attr[name]?.list?.s?.map(text) ?? [];
  }

  /** -1: any size. */
  shape(name: string): readonly number[] | undefined {
    return this.#attr[name]?.shape?.dim?.map(({ size }) => Number(size));
  }
}

/** `a/b:1` is the second output of the node `a/b`; `^a/b` only says that it runs before. */
export function reference(input: string): { node: string; output: number } {
  const [, node = input, output = '0'] = /^\^?(.*?)(?::(\d+))?$/.exec(input) ?? [];
  return { node, output: Number(output) };
}

/** The nodes of a graph model by name; its own inputs and outputs, in tfjs's order. */
export class GraphModel {
  readonly nodes = new Map<string, GraphNode>();
  readonly outputs: readonly string[];

  /** @throws CullError MODEL_INVALID for what is no graph model */
  constructor(
    readonly name: string,
    readonly json: GraphModelJson,
  ) {
    // the JSON comes from outside, whatever its type says
    const topology = (json as { modelTopology?: { node?: unknown } | undefined }).modelTopology;
    if (!Array.isArray(topology?.node) || !Array.isArray((json as { weightsManifest?: unknown }).weightsManifest))
      throw new CullError(
        'MODEL_INVALID',
        `${name} is not a TensorFlow.js graph model: it has no list of nodes or of weights`,
        {
          hint: 'a layers model must first be converted with tensorflowjs_converter --output_format=tfjs_graph_model',
        },
      );
    for (const node of json.modelTopology.node) this.nodes.set(node.name, node);
    const signature = json.userDefinedMetadata?.signature ?? json.signature;
    const named = Object.values(signature?.outputs ?? {}).map((of) => reference(of.name).node);
    this.outputs = named.length > 0 ? named : this.#leaves();
  }

  /** Nodes whose value nobody reads. */
  #leaves(): string[] {
    const read = new Set(
      [...this.nodes.values()].flatMap(({ input }) => (input ?? []).map((of) => reference(of).node)),
    );
    return [...this.nodes.values()].filter(({ name, op }) => !read.has(name) && op !== 'NoOp').map(({ name }) => name);
  }

  /** @throws CullError MODEL_INVALID where there is none of that name */
  node(name: string): GraphNode {
    const node = this.nodes.get(name);
    if (node === undefined)
      throw new CullError('MODEL_INVALID', `the model ${this.name} has no node ${name}`, {
        hint: 'pull the model again; its files do not belong together',
      });
    return node;
  }
}
