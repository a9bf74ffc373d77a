import { CullError } from '../errors.js';
import { isLink, nodeName } from './check.js';
import type { Bindings, Graph } from './types.js';

/**
 * Checks what makes candidates differ, and makes one candidate the same each time.
 *
 * Refused: seeds that reach no output (every candidate would be the same picture), and a seed fixed in the graph above 2^53-1: JSON
 * has rounded it already, so the picture would not be the one of the canvas. Of a field that is bound as seed, the graph's own
 * value does not matter.
 *
 * @throws CullError TEMPLATE_INVALID, SEED_OUT_OF_RANGE (details `{ node, field }`)
 */
export function checkSeeds(graph: Graph, bindings: Pick<Bindings, 'name' | 'seed' | 'output'>): void {
  const needed = upstreamOf(graph, bindings.output);
  if (!bindings.seed.some(({ node }) => needed.has(node))) {
    const seeds = bindings.seed.map(({ node, field }) => `"${field}" of ${nodeName(node, graph)}`).join(', ');
    const outputs = bindings.output.map((node) => nodeName(node, graph)).join(', ');
    throw new CullError(
      'TEMPLATE_INVALID',
      `${bindings.name}: ${seeds} does not reach ${outputs}: every candidate would be the same picture`,
      { hint: 'bind the seed of the sampler that draws what the output saves' },
    );
  }
  const bound = new Set(bindings.seed.map(({ node, field }) => `${node}.${field}`));
  for (const [node, { inputs }] of Object.entries(graph)) {
    for (const [field, value] of Object.entries(inputs)) {
      if (bound.has(`${node}.${field}`) || !isRoundedSeed(field, value)) continue;
      throw new CullError('SEED_OUT_OF_RANGE', `"${field}" of ${nodeName(node, graph)} is fixed above 2^53-1`, {
        hint: 'JSON rounds it: choose a smaller one in ComfyUI and export again, or bind the field as a seed',
        details: { node, field },
      });
    }
  }
}

/** The nodes themselves and everything they are fed by. */
export function upstreamOf(graph: Graph, nodes: readonly string[]): Set<string> {
  const found = new Set<string>();
  const open = [...nodes];
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (found.has(id) || !Object.hasOwn(graph, id)) continue;
    found.add(id);
    for (const value of Object.values(graph[id]?.inputs ?? {})) if (isLink(value)) open.push(value[0]);
  }
  return found;
}

/** Whether the value stands in a seed field and is too large to have survived JSON. */
export const isRoundedSeed = (field: string, value: unknown): boolean =>
  /seed/i.test(field) && typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value);
