/**
 * Candidates of one request on one ComfyUI end together once the request wants them no more.
 *
 * Temporal tells each candidate by itself, with the answer to that candidate's own heartbeat: up to a second apart. If the one that draws is told
 * first and interrupted, the ComfyUI begins the next one of its queue, which nobody wants either. So the first to be told stops them all, from
 * the end of the queue to its head.
 */
import { setTimeout as sleep } from 'node:timers/promises';

/** A candidate in the hands of a Worker. */
export interface Sibling {
  /** Whether its ComfyUI is known to work on it; one that waits in the queue may be stopped without another starting in its place. */
  isDrawing(): boolean;
  /** Gives it up: dequeued or interrupted. */
  stop(): void;
  /** Settles once it is off the ComfyUI. */
  ended: Promise<unknown>;
}

export interface Siblings {
  /** @param run of the workflow that wants the candidate */
  join(run: string, sibling: Sibling): void;
  /** Stops all candidates of a run that are here, each once the one before it is gone. */
  stop(run: string): Promise<void>;
}

/** A ComfyUI that does not answer must not keep the next candidate from being given up. */
const GONE_WITHIN_MS = 1_000;

/**
 * Of one Worker.
 *
 * @example
 * const siblings = createSiblings();
 * siblings.join(runId, { isDrawing: () => false, stop: () => controller.abort(), ended: drawing });
 * await siblings.stop(runId);
 */
export function createSiblings(): Siblings {
  const runs = new Map<string, Set<Sibling>>();
  return {
    join(run, sibling) {
      const here = runs.get(run) ?? new Set();
      runs.set(run, here.add(sibling));
      const leave = (): void => {
        here.delete(sibling);
        if (here.size === 0 && runs.get(run) === here) runs.delete(run);
      };
      sibling.ended.then(leave, leave);
    },
    async stop(run) {
      const here = lastFirst([...(runs.get(run) ?? [])]);
      runs.delete(run);
      for (const sibling of here) {
        sibling.stop();
        const gone = sibling.ended.catch(() => undefined);
        await Promise.race([gone, sleep(GONE_WITHIN_MS, undefined, { ref: false })]);
      }
    },
  };
}

/** From the end of the ComfyUI's queue to its head: who came last waits behind all others, who is being drawn is before all. */
function lastFirst(joined: readonly Sibling[]): Sibling[] {
  const newestFirst = joined.toReversed();
  return [...newestFirst.filter((one) => !one.isDrawing()), ...newestFirst.filter((one) => one.isDrawing())];
}
