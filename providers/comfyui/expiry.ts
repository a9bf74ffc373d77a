import { CullError, type ErrorCode } from '../../errors.js';
import { nodeName } from '../../templates/check.js';
import type { Graph } from '../../templates/types.js';
import { cancelPrompt } from './cancel.js';
import type { Host } from './host.js';
import type { Job } from './job.js';
import type { Expiry } from './watch.js';

/** `details` of COMFY_STALLED and COMFY_WORKER_DEAD. */
export interface ExpiryDetails {
  promptId: string;
  /** The limit that was passed, by its name in `ComfyTimeouts`. */
  limit: Expiry['limit'];
  /** Milliseconds. */
  limitMs: number;
  state: Expiry['state'];
  /** The node that ran, if it is known. */
  node: string | null;
  /** Whether the prompt did end after it was cancelled; false: the node, or the worker thread, does not react. */
  cancelled: boolean;
}

/**
 * A limit was passed: cancels the prompt by its id.
 *
 * @returns the job, if it ended by itself just before: a finished render is not thrown away
 * @throws CullError COMFY_WORKER_DEAD where nobody works there any more, otherwise COMFY_STALLED; `ExpiryDetails`
 */
export async function giveUp(host: Host, promptId: string, about: { expiry: Expiry; graph: Graph }): Promise<Job> {
  const { expiry, graph } = about;
  const done = await cancelPrompt(host.client, promptId);
  const job = await host.client.job(promptId).catch(() => undefined);
  if (job?.state === 'succeeded' || job?.state === 'failed') return job;
  const cancelled = job?.state === 'cancelled' || job?.state === 'unknown';
  const details: ExpiryDetails = {
    promptId,
    limit: expiry.limit,
    limitMs: expiry.ms,
    state: expiry.state,
    node: expiry.node ?? null,
    cancelled,
  };
  const where = expiry.node === undefined ? 'an unknown node' : nodeName(expiry.node, graph);
  // A node that works looks at interrupts, sooner or later; where nobody works, none does. Old versions were sent none.
  const deaf = job?.state === 'running' && done === 'interrupted';
  const { code, what, hint } = describe(expiry, { where, deaf });
  const end = cancelled ? 'the prompt was cancelled' : 'the prompt does not end, although it was cancelled';
  const message = `ComfyUI at ${host.url}: ${what}; ${end} (${expiry.limit} is ${timeOf(expiry.ms)})`;
  throw new CullError(code, message, { hint, details });
}

function describe(
  expiry: Expiry,
  found: { where: string; deaf: boolean },
): { code: ErrorCode; what: string; hint: string } {
  const { where } = found;
  const time = timeOf(expiry.ms);
  const restart = 'restart that ComfyUI: its worker thread is dead, although it still answers';
  switch (expiry.limit) {
    case 'workerDeadMs':
      return {
        code: 'COMFY_WORKER_DEAD',
        what:
          expiry.state === 'pending'
            ? `prompts have waited for ${time} while none runs`
            : `a prompt has run for ${time} and not one node has begun`,
        hint: restart,
      };
    case 'noProgressMs': {
      const what = `no progress for ${time} in ${where}`;
      if (found.deaf) {
        const hint = `${restart}; or raise noProgressMs if that node works for so long without a word`;
        return { code: 'COMFY_WORKER_DEAD', what, hint };
      }
      return {
        code: 'COMFY_STALLED',
        what,
        hint: 'look into the log of that ComfyUI; raise noProgressMs if that node works for so long without a word',
      };
    }
    case 'loaderMs':
      return {
        code: 'COMFY_STALLED',
        what: `${where} has been loading for ${time}`,
        hint: 'look at the disk that the models are on; raise loaderMs if that is as fast as it gets',
      };
    case 'executionMs':
      return {
        code: 'COMFY_STALLED',
        what: `not done after ${time}, in ${where}`,
        hint: 'raise executionMs if the graph takes so long, or draw smaller pictures in fewer steps',
      };
    case 'queueStallMs':
      return {
        code: 'COMFY_STALLED',
        what: `the prompt has waited for ${time} while nothing moved before it`,
        hint: 'look at what runs there and stop it, or raise queueStallMs',
      };
  }
}

const timeOf = (ms: number): string => (ms < 60_000 ? `${ms / 1_000} s` : `${Math.round(ms / 6_000) / 10} min`);
