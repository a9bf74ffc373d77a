import { createHash } from 'node:crypto';
import { classOf, inputsOf, isLink, type Dict, type Graph } from './graph.js';
import type { NodeClass } from './nodes/types.js';
import type { World } from './world.js';

/** What a node left behind: its output values, and what it told the client. */
export interface CacheEntry {
  readonly outputs: readonly unknown[];
  readonly ui?: { readonly meta: Dict; readonly output: Dict };
}

/**
 * A name for what each node will compute: class, own inputs and those of all ancestors, and the content of files read.
 * Node ids are not part of it, so a renamed copy of a node counts as the same.
 */
export async function signatures(
  graph: Graph,
  { classes, world }: { classes: ReadonlyMap<string, NodeClass>; world: World },
): Promise<Map<string, string>> {
  const known = new Map<string, string>();
  const visit = async (id: string): Promise<string> => {
    const seen = known.get(id);
    if (seen !== undefined) return seen;
    const inputs = inputsOf(graph, id);
    const parts: unknown[] = [classOf(graph[id])];
    for (const name of Object.keys(inputs).sort()) {
      const value = inputs[name];
      parts.push([name, isLink(value) ? { from: await visit(value[0]), slot: value[1] } : value]);
    }
    const nodeClass = classes.get(classOf(graph[id]));
    if (nodeClass?.fingerprint) parts.push(await nodeClass.fingerprint(inputs, world));
    const signature = createHash('sha256').update(JSON.stringify(parts)).digest('base64');
    known.set(id, signature);
    return signature;
  };
  for (const id of Object.keys(graph)) await visit(id);
  return known;
}

/** Results of nodes by signature. Only those of the prompt at hand are kept, as ComfyUI does by default. */
export class NodeCache {
  private entries = new Map<string, CacheEntry>();

  get(signature: string | undefined): CacheEntry | undefined {
    return signature === undefined ? undefined : this.entries.get(signature);
  }

  set(signature: string, entry: CacheEntry): void {
    this.entries.set(signature, entry);
  }

  keepOnly(wanted: Iterable<string>): void {
    const kept = new Map<string, CacheEntry>();
    for (const signature of wanted) {
      const entry = this.entries.get(signature);
      if (entry) kept.set(signature, entry);
    }
    this.entries = kept;
  }

  clear(): void {
    this.entries.clear();
  }
}
