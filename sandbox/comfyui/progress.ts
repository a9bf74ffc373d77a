import type { Dict } from './graph.js';

interface NodeProgress {
  value: number;
  max: number;
  state: 'running' | 'finished';
}

/** The state of each node that has begun, as `progress_state` messages carry it. */
export class ProgressState {
  private readonly nodes = new Map<string, NodeProgress>();

  constructor(
    private readonly promptId: string,
    private readonly announce: (data: () => Dict) => void,
  ) {}

  start(id: string): void {
    this.nodes.set(id, { value: 0, max: 1, state: 'running' });
    this.announce(() => this.data());
  }

  update(id: string, { value, max }: { value: number; max: number }): void {
    this.nodes.set(id, { value, max, state: 'running' });
    this.announce(() => this.data());
  }

  finish(id: string): void {
    const max = this.nodes.get(id)?.max ?? 1;
    this.nodes.set(id, { value: max, max, state: 'finished' });
    this.announce(() => this.data());
  }

  private data(): Dict {
    const nodes: Dict = {};
    for (const [id, { value, max, state }] of this.nodes) {
      const names = { display_node_id: id, parent_node_id: null, real_node_id: id };
      nodes[id] = { value, max, state, node_id: id, prompt_id: this.promptId, ...names };
    }
    return { prompt_id: this.promptId, nodes };
  }
}
