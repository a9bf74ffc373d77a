import { due, outOfMemory } from '../faults.js';
import { PythonError } from '../graph.js';
import type { NodeRun } from './types.js';

/** What ComfyUI adds to the message when memory ran out: clients know the case by this text. */
const MEMORY_TIP =
  'This error means you ran out of memory on your GPU.\n\n' +
  'TIPS: If the workflow worked before you might have accidentally set the batch_size to a large number.';

/** What the faults do to a sampler before it draws: raises, or hangs until interrupted. */
export async function trouble(seed: number, run: NodeRun): Promise<void> {
  const { faults, ledger } = run.world;
  if (faults.failSeeds.includes(seed)) {
    ledger.struck(run.promptId, 'failSeeds');
    throw new PythonError('RuntimeError', `Fault asked for: seed ${seed} fails.`);
  }
  if (outOfMemory(faults, seed)) {
    ledger.struck(run.promptId, 'oomSeeds');
    run.world.models.unload(); // so does the real server
    throw new PythonError(
      'torch.OutOfMemoryError',
      'Allocation on device 0 would exceed allowed memory. (out of memory)',
      MEMORY_TIP,
    );
  }
  if (due(faults, 'stallPrompts')) {
    ledger.struck(run.promptId, 'stallPrompts');
    await run.pause(Infinity);
    run.checkInterrupt();
  }
}
