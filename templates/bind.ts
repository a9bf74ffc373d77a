import { CullError } from '../errors.js';
import { nodeName } from './check.js';
import type { InputValue } from './inputs.js';
import { meant } from './suggest.js';
import type { Bindings, Graph } from './types.js';

type Place = { node: string; field: string };

/**
 * A copy of the graph with the inputs in their places. Inputs that are not given keep their default.
 *
 * @param inputs as `checkInputs` returned them
 * @throws CullError TEMPLATE_INPUT_UNKNOWN, TEMPLATE_INVALID if the graph lacks a place
 * @example
 * const graph = bind(template, checkInputs(template, { prompt: 'a red mug' }));
 */
export function bind(template: { graph: Graph; bindings: Bindings }, inputs: Record<string, InputValue>): Graph {
  const graph = structuredClone(template.graph);
  const declared = template.bindings.inputs;
  for (const name of Object.keys(inputs)) {
    if (!Object.hasOwn(declared, name)) {
      throw new CullError('TEMPLATE_INPUT_UNKNOWN', `the template has no input "${name}"`, {
        hint: meant(name, Object.keys(declared)),
      });
    }
  }
  for (const [name, binding] of Object.entries(declared)) {
    const value = Object.hasOwn(inputs, name) ? inputs[name] : binding.default;
    if (value === undefined) continue;
    for (const place of binding.at) set(graph, place, value);
  }
  return graph;
}

/**
 * A copy of the graph with the candidate's seed in every seed field.
 *
 * @param seed an integer from 0 to 2^53-1: JSON numbers above are rounded on their way to ComfyUI
 * @throws CullError SEED_OUT_OF_RANGE, TEMPLATE_INVALID if the graph lacks a seed field
 * @example
 * const candidate7 = bindSeed(plan.graph, plan.seedAt, 123);
 */
export function bindSeed(graph: Graph, seedAt: readonly Place[], seed: number): Graph {
  checkSeed(seed);
  return bindValue(graph, seedAt, seed);
}

/**
 * A copy of the graph with one value in some places.
 *
 * @throws CullError TEMPLATE_INVALID if the graph lacks a place
 */
export function bindValue(graph: Graph, places: readonly Place[], value: InputValue): Graph {
  const bound = structuredClone(graph);
  for (const place of places) set(bound, place, value);
  return bound;
}

/**
 * Refuses seeds that would not arrive as they are.
 *
 * @throws CullError SEED_OUT_OF_RANGE
 */
export function checkSeed(seed: number): number {
  if (Number.isSafeInteger(seed) && seed >= 0) return seed;
  throw new CullError('SEED_OUT_OF_RANGE', `seed ${seed} is not an integer from 0 to 2^53-1`, {
    hint: `choose a seed from 0 to ${Number.MAX_SAFE_INTEGER}`,
  });
}

/**
 * A copy of the graph whose output nodes save under `prefix`, those that have a `filename_prefix` field. A prefix of its
 * own keeps ComfyUI from answering with an earlier file of an identical graph, and names from being handed out twice.
 *
 * @param prefix relative, `/` for folders; ComfyUI expands `%...%` in it, so it must not contain `%`
 */
export function setFilenamePrefix(graph: Graph, output: readonly string[], prefix: string): Graph {
  const bound = structuredClone(graph);
  for (const id of output) {
    const node = bound[id];
    if (node && 'filename_prefix' in node.inputs) node.inputs.filename_prefix = prefix.replaceAll('%', '_');
  }
  return bound;
}

function set(graph: Graph, place: Place, value: InputValue): void {
  const node = Object.hasOwn(graph, place.node) ? graph[place.node] : undefined;
  if (!node) {
    throw new CullError('TEMPLATE_INVALID', `node ${place.node} is not in the graph`, {
      hint: meant(place.node, Object.keys(graph)),
    });
  }
  if (!Object.hasOwn(node.inputs, place.field)) {
    throw new CullError('TEMPLATE_INVALID', `${nodeName(place.node, graph)} has no field "${place.field}"`, {
      hint: meant(place.field, Object.keys(node.inputs)),
    });
  }
  node.inputs[place.field] = value;
}
