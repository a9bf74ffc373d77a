import { inputsOf, isLink, type Graph } from './graph.js';

/**
 * The order in which a graph's nodes run: ancestors first, and among those that are ready the one that brings an output
 * nearest (an output node, a parent of one, a grandparent of one, else the first met). Cached nodes hold nothing up.
 */
export class RunOrder {
  private readonly waiting = new Set<string>();
  private readonly blockedBy = new Map<string, number>();
  private readonly blocks = new Map<string, Set<string>>();

  constructor(
    private readonly graph: Graph,
    private readonly ask: { isCached: (id: string) => boolean; isOutput: (id: string) => boolean },
  ) {}

  /** Adds an output node and all that it needs. */
  add(output: string): void {
    const stack = [output];
    const links: [from: string, to: string][] = [];
    for (let id = stack.pop(); id !== undefined; id = stack.pop()) {
      if (this.waiting.has(id)) continue;
      this.waiting.add(id);
      this.blockedBy.set(id, 0);
      this.blocks.set(id, new Set());
      for (const value of Object.values(inputsOf(this.graph, id))) {
        if (!isLink(value) || this.ask.isCached(value[0])) continue;
        stack.push(value[0]);
        links.push([value[0], id]);
      }
    }
    for (const [from, to] of links) {
      const blocked = this.blocks.get(from);
      if (!blocked || blocked.has(to)) continue;
      blocked.add(to);
      this.blockedBy.set(to, (this.blockedBy.get(to) ?? 0) + 1);
    }
  }

  /** The node to run now; undefined when all are done. */
  next(): string | undefined {
    const ready = [...this.waiting].filter((id) => this.blockedBy.get(id) === 0);
    const { isOutput } = this.ask;
    const after = (id: string): string[] => [...(this.blocks.get(id) ?? [])];
    return (
      ready.find(isOutput) ??
      ready.find((id) => after(id).some(isOutput)) ??
      ready.find((id) => after(id).some((next) => after(next).some(isOutput))) ??
      ready[0]
    );
  }

  complete(id: string): void {
    this.waiting.delete(id);
    for (const blocked of this.blocks.get(id) ?? []) {
      this.blockedBy.set(blocked, (this.blockedBy.get(blocked) ?? 1) - 1);
    }
    this.blocks.delete(id);
  }
}
