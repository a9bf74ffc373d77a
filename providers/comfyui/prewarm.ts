import { randomInt, randomUUID } from 'node:crypto';
import type { Graph, GraphNode } from '../../templates/types.js';
import { cancelPrompt } from './cancel.js';
import type { ComfyClient } from './client.js';
import { pause } from './patience.js';

/** Small enough to cost nothing, and a multiple of everything that samplers ask for. */
const SIDE = 64;

/** Nodes that need a file of somebody's. */
const NEEDS_FILE = /^(Load(Image|Video|Audio|Latent|3D)|VHS_Load)/;
const POLL_MS = 250;
const SAVES = new Set(['SaveImage', 'PreviewImage', 'SaveImageWebsocket']);

/**
 * A tiny run of a template that loads its models: 64 x 64, one step, nothing kept, and none of anybody's inputs.
 *
 * @param graph the template's own graph, nothing bound
 * @returns undefined where it cannot be made: the template needs a file, or saves no image
 * @example
 * const graph = warmUpOf(release.graph, release.bindings.output);
 */
export function warmUpOf(graph: Graph, output: readonly string[]): Graph | undefined {
  const nodes = Object.entries(graph);
  if (nodes.some(([, { class_type }]) => NEEDS_FILE.test(class_type))) return undefined;
  const saving = output.flatMap((id) => {
    const node = Object.hasOwn(graph, id) ? graph[id] : undefined;
    return node && SAVES.has(node.class_type) && Array.isArray(node.inputs.images) ? [id] : [];
  });
  const first = saving[0];
  if (first === undefined) return undefined;
  const small = Object.fromEntries(
    nodes
      .filter(([id, { class_type }]) => id === first || !SAVES.has(class_type))
      .map(([id, node]) => [id, shrink(node)]),
  );
  small[first] = { class_type: 'PreviewImage', inputs: { images: small[first]?.inputs.images } };
  return small;
}

function shrink(node: GraphNode): GraphNode {
  const inputs = Object.fromEntries(
    Object.entries(node.inputs).map(([field, value]) => {
      if (typeof value !== 'number') return [field, value];
      if (field === 'steps' || field === 'batch_size' || field === 'length') return [field, Math.min(value, 1)];
      return [field, field === 'width' || field === 'height' ? Math.min(value, SIDE) : value];
    }),
  );
  return { class_type: node.class_type, inputs };
}

/**
 * Runs a warm-up graph on a ComfyUI that has nothing to do.
 *
 * @returns whether the models are loaded; false too if somebody was first
 * @throws CullError COMFY_*; the signal's reason, after the prompt was cancelled
 */
export async function warmUp(client: ComfyClient, of: { graph: Graph; signal: AbortSignal }): Promise<boolean> {
  const { graph, signal } = of;
  if ((await client.queueDepth({ signal })) > 0) return false;
  const promptId = randomUUID();
  const { status } = await client.submit({ graph: reseeded(graph), promptId, clientId: randomUUID() }, { signal });
  if (status !== 200) return false;
  try {
    for (;;) {
      const { state } = await client.job(promptId, { signal });
      if (state !== 'pending' && state !== 'running') return state === 'succeeded';
      await pause(POLL_MS, signal);
    }
  } catch (error) {
    await cancelPrompt(client, promptId);
    throw error;
  }
}

/** With seeds of its own: what was run before would be answered from the cache, and load nothing. */
function reseeded(graph: Graph): Graph {
  const copy = structuredClone(graph);
  for (const { inputs } of Object.values(copy))
    for (const field of ['seed', 'noise_seed'])
      if (typeof inputs[field] === 'number') inputs[field] = randomInt(2 ** 32);
  return copy;
}
