import { CullError } from '../errors.js';
import { SAFE_NODES } from './safe-nodes.js';
import { closest } from './suggest.js';
import type { Graph, GraphNode } from './types.js';

/**
 * Checks the shape of a graph: what ComfyUI would refuse, answer with a bare 500, or accept and then hang on.
 *
 * Refused: a canvas (UI format), an empty graph, a node without `class_type` or `inputs` (one that no output needs would
 * stop ComfyUI's worker for good), a link to a node that is not there, links in a circle.
 *
 * @param value parsed JSON
 * @param source name of the file, for the messages
 * @returns the same value, typed
 * @throws CullError TEMPLATE_UI_FORMAT, TEMPLATE_INVALID
 */
export function checkShape(value: unknown, source = 'the template'): Graph {
  if (!isRecord(value)) {
    throw invalid(`${source} is not a graph: expected a JSON object of nodes, found ${kind(value)}`, EXPORT_HINT);
  }
  if (Array.isArray(value.nodes)) {
    throw new CullError(
      'TEMPLATE_UI_FORMAT',
      `${source} is a ComfyUI canvas (UI format, ${value.nodes.length} nodes); ComfyUI cannot run that over its API`,
      { hint: EXPORT_HINT },
    );
  }
  if (isRecord(value.prompt) && !('class_type' in value.prompt) && !('class_type' in value)) {
    throw invalid(`${source} is a whole request to ComfyUI, not a graph`, 'keep only the object under "prompt"');
  }
  const nodes = Object.entries(value);
  if (nodes.length === 0) throw invalid(`${source} has no nodes`, EXPORT_HINT);
  const graph = value as Graph;
  for (const [id, node] of nodes) checkNode(id, node, source);
  for (const [id, node] of nodes) checkLinks(id, node as GraphNode, graph);
  checkCircles(graph);
  return graph;
}

/**
 * `checkShape`, and every node class is one of ComfyUI's own safe ones (safe-nodes.ts) or allowed by name.
 *
 * @throws CullError TEMPLATE_UI_FORMAT, TEMPLATE_INVALID, NODE_NOT_ALLOWED (details: every refused `{node, title, class}`)
 * @example
 * checkGraph(JSON.parse(text), { allowNodes: ['FaceDetailer'] });
 */
export function checkGraph(value: unknown, options: { allowNodes: readonly string[]; source?: string }): Graph {
  const graph = checkShape(value, options.source);
  const allowed = new Set(options.allowNodes);
  const refused = Object.entries(graph)
    .filter(([, node]) => !SAFE_NODES.has(node.class_type) && !allowed.has(node.class_type))
    .map(([id, node]) => ({ node: id, title: titleOf(node), class: node.class_type }));
  if (refused.length === 0) return graph;
  const classes = [...new Set(refused.map((one) => one.class))];
  const meant = closest(classes[0] ?? '', [...SAFE_NODES]);
  throw new CullError(
    'NODE_NOT_ALLOWED',
    `${refused.map((one) => nodeName(one.node, graph)).join(', ')}: not a class of ComfyUI that is known to be safe`,
    {
      hint:
        (meant === undefined ? '' : `did you mean ${meant}? Otherwise, `) +
        `if you trust ${classes.length === 1 ? 'it' : 'them'}, set CULL_ALLOW_NODES=${classes.join(',')} for the client and the worker`,
      details: refused,
    },
  );
}

/** How people know a node: `node 3 "Sampler" (KSampler)`. */
export function nodeName(id: string, graph: Graph): string {
  const node = graph[id];
  if (!node) return `node ${id}`;
  const title = titleOf(node);
  return `node ${id}${title === node.class_type ? '' : ` "${title}"`} (${node.class_type})`;
}

/** The title a person gave the node on the canvas, else its class. */
export const titleOf = (node: GraphNode): string => node._meta?.title ?? node.class_type;

/** A link `[nodeId, outputIndex]`; any other list in `inputs` is an error in ComfyUI. */
export const isLink = (value: unknown): value is [string, number] => Array.isArray(value);

const EXPORT_HINT =
  'in ComfyUI open the workflow and choose Workflow > Export (API); in older versions switch on "Dev mode options" in the settings and choose Save (API Format)';

function checkNode(id: string, node: unknown, source: string): void {
  if (!isRecord(node)) throw invalid(`node ${id} of ${source} is ${kind(node)}, not an object`, EXPORT_HINT);
  if (typeof node.class_type !== 'string' || node.class_type === '') {
    throw invalid(`node ${id} of ${source} has no class_type`, EXPORT_HINT);
  }
  if (!isRecord(node.inputs)) {
    throw invalid(
      `node ${id} (${node.class_type}) of ${source} has no inputs object: ComfyUI would accept it and then stop working for good`,
      'write "inputs": {} where a node has none',
    );
  }
  const title = isRecord(node._meta) ? node._meta.title : undefined;
  if (node._meta !== undefined && (!isRecord(node._meta) || (title !== undefined && typeof title !== 'string'))) {
    throw invalid(`node ${id} (${node.class_type}) of ${source}: _meta.title is not a text`, EXPORT_HINT);
  }
}

function checkLinks(id: string, node: GraphNode, graph: Graph): void {
  for (const [field, value] of Object.entries(node.inputs)) {
    if (!Array.isArray(value)) continue;
    const [from, slot] = value as unknown[];
    const at = `${nodeName(id, graph)}, input "${field}"`;
    if (value.length !== 2 || typeof from !== 'string' || !Number.isInteger(slot) || (slot as number) < 0) {
      throw invalid(
        `${at}: ${JSON.stringify(value).slice(0, 80)} is not a link`,
        'a list in a graph is always a link ["node id", output number]; write a real list as {"__value__": [...]}',
      );
    }
    if (!Object.hasOwn(graph, from)) {
      throw invalid(
        `${at}: linked to node ${from}, which is not in the graph`,
        'export the workflow again, or remove the link',
      );
    }
  }
}

function checkCircles(graph: Graph): void {
  const done = new Set<string>();
  for (const start of Object.keys(graph)) {
    // Depth first without recursion: a graph may be a chain of thousands.
    const path: string[] = [];
    const onPath = new Set<string>();
    const stack: { id: string; leave: boolean }[] = [{ id: start, leave: false }];
    for (let step = stack.pop(); step; step = stack.pop()) {
      if (step.leave) {
        path.pop();
        onPath.delete(step.id);
        done.add(step.id);
        continue;
      }
      if (onPath.has(step.id)) {
        const circle = [...path.slice(path.indexOf(step.id)), step.id].map((id) => `node ${id}`);
        throw invalid(`the links form a circle: ${circle.join(' <- ')}`, 'remove one of these links');
      }
      if (done.has(step.id)) continue;
      path.push(step.id);
      onPath.add(step.id);
      stack.push({ id: step.id, leave: true });
      for (const value of Object.values(graph[step.id]?.inputs ?? {})) {
        if (isLink(value)) stack.push({ id: value[0], leave: false });
      }
    }
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const kind = (value: unknown): string =>
  value === null ? 'null' : Array.isArray(value) ? 'a list' : `a ${typeof value}`;

const invalid = (message: string, hint: string): CullError => new CullError('TEMPLATE_INVALID', message, { hint });
