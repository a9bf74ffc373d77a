import { createHash } from 'node:crypto';
import { classOf, inputsOf, isLink, type Dict, type Graph } from './graph.js';
import { encodeJson } from './json.js';
import type { NodeClass } from './nodes/types.js';
import type { CacheMode } from './options.js';
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
async function signatures(
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
    const signature = createHash('sha256').update(encodeJson(parts)).digest('base64');
    known.set(id, signature);
    return signature;
  };
  for (const id of Object.keys(graph)) await visit(id);
  return known;
}

/** Results that `lru` keeps beyond those of the prompt at hand. */
const LRU_SIZE = 50;

/**
 * Results of nodes by name. `default` keeps those of the prompt at hand, `lru` also the ones used last, `none` nothing from
 * one prompt to the next.
 */
export class NodeCache {
  private entries = new Map<string, CacheEntry>();

  constructor(private readonly mode: CacheMode) {}

  /** Names the nodes of the prompt that begins, and drops what is not kept for it. */
  async begin(
    graph: Graph,
    context: { classes: ReadonlyMap<string, NodeClass>; world: World },
  ): Promise<ReadonlyMap<string, string>> {
    if (this.mode === 'none') {
      this.clear();
      return new Map(Object.keys(graph).map((id) => [id, id]));
    }
    const names = await signatures(graph, context);
    const wanted = new Map<string, CacheEntry>();
    for (const name of names.values()) {
      const entry = this.entries.get(name);
      if (entry) wanted.set(name, entry);
      this.entries.delete(name);
    }
    const others = this.mode === 'lru' ? [...this.entries].slice(-LRU_SIZE) : [];
    this.entries = new Map([...others, ...wanted]);
    return names;
  }

  get(name: string | undefined): CacheEntry | undefined {
    return name === undefined ? undefined : this.entries.get(name);
  }

  set(name: string, entry: CacheEntry): void {
    this.entries.set(name, entry);
  }

  clear(): void {
    this.entries.clear();
  }
}
