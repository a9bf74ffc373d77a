import type { NodeRun } from './nodes/types.js';

/** The checkpoints in the simulated GPU memory, the one used longest ago first. */
export class Models {
  private readonly loaded: string[] = [];

  constructor(
    private readonly held: number,
    private readonly loadSeconds: number,
  ) {}

  /** Makes a checkpoint the one used last; takes the loading time where it is not loaded. */
  async use(name: string, run: NodeRun): Promise<void> {
    const at = this.loaded.indexOf(name);
    if (at >= 0) this.loaded.splice(at, 1);
    else {
      run.world.ledger.loaded(run.promptId, name);
      await run.pause(Date.now() + this.loadSeconds * 1000);
      run.checkInterrupt();
    }
    this.loaded.push(name);
    this.loaded.splice(0, this.loaded.length - this.held);
  }

  unload(): void {
    this.loaded.length = 0;
  }
}
