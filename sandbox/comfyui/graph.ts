import { Exact } from './json.js';

/** A graph in API format, as far as the sandbox looks into it. Nothing is promised about what a client sent. */
export type Dict = Record<string, unknown>;
export type Graph = Record<string, Dict>;

/** A reference to another node's output: [node id, slot]. */
export type Link = readonly [string, number];

export function isDict(value: unknown): value is Dict {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Exact);
}

export function isLink(value: unknown): value is Link {
  return Array.isArray(value) && value.length === 2 && typeof value[0] === 'string' && typeof value[1] === 'number';
}

/** Raised where Python would raise; carries the name of the Python exception. */
export class PythonError extends Error {
  constructor(
    readonly pythonType: string,
    message: string,
    /** Advice that the server adds to the message. */
    readonly tip = '',
  ) {
    super(message);
  }
}

export function classOf(node: Dict | undefined): string {
  return typeof node?.class_type === 'string' ? node.class_type : '';
}

/** The node's inputs; a node without them raises, as reading a missing key does on the real server. */
export function inputsOf(graph: Graph, id: string): Dict {
  const inputs = graph[id]?.inputs;
  if (!isDict(inputs)) throw new PythonError('KeyError', "'inputs'");
  return inputs;
}
