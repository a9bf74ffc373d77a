import { setTimeout as sleep } from 'node:timers/promises';
import type { ComfyClient } from './client.js';
import type { Cancelled } from './endpoints/cancel.js';

/** A cancellation must have reached ComfyUI by then. */
const WITHIN_MS = 2_000;

/**
 * Cancels a prompt by its id, with requests of its own that no caller's signal ends. Asks again while the prompt is still
 * there: an interrupt that falls between "taken from the queue" and "started" gets lost. Never throws.
 *
 * @returns what was done last; undefined if it could not be reached
 */
export async function cancelPrompt(client: ComfyClient, promptId: string): Promise<Cancelled | undefined> {
  const signal = AbortSignal.timeout(WITHIN_MS);
  let done: Cancelled | undefined;
  while (!signal.aborted) {
    try {
      done = await client.cancel(promptId, { signal });
      const { state } = await client.job(promptId, { signal });
      if (state !== 'pending' && state !== 'running') return done;
    } catch {
      // Not reachable at the moment: try until the time is over.
    }
    await sleep(200, undefined, { signal }).catch(() => undefined);
  }
  return done;
}
