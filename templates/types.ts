/** A ComfyUI workflow in API format: node id -> node. */
export type Graph = Record<string, GraphNode>;

export interface GraphNode {
  class_type: string;
  /** A value, or a link `[nodeId, outputIndex]`. */
  inputs: Record<string, unknown>;
  _meta?: { title?: string };
}

export type InputType = 'string' | 'number' | 'integer' | 'boolean' | 'image';

/** One thing that callers may set: where it goes in the graph. */
export interface InputBinding {
  /** Every place that receives the value. */
  at: { node: string; field: string }[];
  type: InputType;
  /** Without a default the input is required. The graph's own value is the default unless `required: true`. */
  required: boolean;
  default?: string | number | boolean;
  min?: number;
  max?: number;
  description?: string;
}

export type Expected = string | number | boolean | (string | number | boolean)[];

/** What a template declares beside its graph (`name.template.yaml`). */
export interface Bindings {
  name: string;
  inputs: Record<string, InputBinding>;
  /** Fields that receive the candidate's seed. At least one. */
  seed: { node: string; field: string }[];
  /** Nodes whose images are the candidate's output; at least one. */
  output: string[];
  /** Image inputs that the picture is compared with: photos of the person, the garment, the product. */
  references?: string[];
  /** Image inputs that scorers ask for by name: `logo`. */
  named?: Record<string, string>;
  /** Region name -> node that saves its mask beside the picture; white is inside. */
  masks?: Record<string, string>;
  /** What the picture should show, fixed or from an input: `{ people: 1, text: { input: 'label' } }`. */
  expect?: Record<string, Expected | { input: string }>;
}

/** A template: the graph, what is declared about it, and where its default policy lies. */
export interface Template {
  graph: Graph;
  bindings: Bindings;
  /** Path of the default policy relative to the bindings file, if one is named. */
  policyPath?: string;
}

/** template + policy, pinned by the sha256 of their canonical JSON (RFC 8785). */
export interface Release<P = unknown> {
  /** `sha256:` + 64 hex digits. */
  id: string;
  graph: Graph;
  bindings: Bindings;
  policy: P;
}
