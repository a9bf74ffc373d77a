/** What a ComfyUI can do: from its version, and from what was found by asking. */
import { fieldsOf, textOf } from '../fields.js';
import type { Server, With } from './server.js';

export interface Supports {
  /** The same as `version()`. */
  version: string;
  /** Takes the prompt id of the client: 0.3.45. Before, ComfyUI makes its own. */
  promptIds: boolean;
  /** GET /features, and previews with their node and prompt on the websocket: 0.3.45. */
  features: boolean;
  /** Runs only the output nodes that a prompt names: 0.3.48. */
  partialExecution: boolean;
  /** Interrupts one prompt by its id: 0.3.57. Before, whatever runs. */
  interruptById: boolean;
  /** Lists jobs and tells of one: 0.6.0. Before, /history and /queue are asked. */
  jobs: boolean;
  /** Cancels by id, waiting or running: 0.26.0. Before, /queue and /interrupt are used. */
  cancel: boolean;
  /** Cancels many at once: 0.26.0. */
  cancelMany: boolean;
}

/** For a server that does not say: older than anything in the table. */
const UNKNOWN_VERSION = '0.0.0';

export async function version(to: Server, options: With): Promise<string> {
  if (to.known.version !== undefined) return to.known.version;
  const answer = await to.ask('/system_stats', options);
  if (answer.status !== 200 && answer.status !== 404) throw to.unexpected('/system_stats', answer);
  const said = textOf(fieldsOf(fieldsOf(answer.json).system).comfyui_version) ?? '';
  const found = /\d+\.\d+\.\d+/.exec(said)?.[0] ?? UNKNOWN_VERSION;
  to.known.version = found;
  return found;
}

export async function supports(to: Server, options: With): Promise<Supports> {
  const found = await version(to, options);
  const { promptIds, jobs, cancel, cancelMany } = to.known;
  return {
    version: found,
    promptIds: promptIds ?? isAtLeast(found, '0.3.45'),
    features: isAtLeast(found, '0.3.45'),
    partialExecution: isAtLeast(found, '0.3.48'),
    interruptById: isAtLeast(found, '0.3.57'),
    jobs: jobs ?? isAtLeast(found, '0.6.0'),
    cancel: cancel ?? isAtLeast(found, '0.26.0'),
    cancelMany: cancelMany ?? isAtLeast(found, '0.26.0'),
  };
}

/** Three numbers each, compared one by one. */
export function isAtLeast(version: string, first: string): boolean {
  const [a, b] = [version, first].map((text) => text.split('.').map(Number));
  for (let i = 0; i < 3; i++) {
    const difference = (a?.[i] ?? 0) - (b?.[i] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
}
