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

/** What a template declares beside its graph (`name.template.yaml`). */
export interface Bindings {
  name: string;
  inputs: Record<string, InputBinding>;
  /** Fields that receive the candidate's seed. At least one. */
  seed: { node: string; field: string }[];
  /** Nodes whose images are the candidate's output; at least one. */
  output: string[];
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
