import { setTimeout as sleep } from 'node:timers/promises';
import { isRefused, isUnreachable } from './http.js';

export interface PatienceOptions {
  /** A host that does not answer for so long is given up. Milliseconds. */
  giveUpMs: number;
  /** The same where connections are refused: the process is gone, and its queue with it. */
  refusedMs: number;
}

/**
 * Repeats an exchange while the host does not answer, until it is given up.
 *
 * @throws CullError COMFY_UNREACHABLE (the last one); the signal's reason; whatever else `work` throws, at once
 */
export async function patiently<T>(work: () => Promise<T>, how: PatienceOptions & { signal: AbortSignal }): Promise<T> {
  const since = Date.now();
  let refusedSince: number | undefined;
  for (let tries = 0; ; tries++) {
    try {
      return await work();
    } catch (error) {
      if (!isUnreachable(error)) throw error;
      const now = Date.now();
      refusedSince = isRefused(error) ? (refusedSince ?? now) : undefined;
      const gone = refusedSince !== undefined && now - refusedSince >= how.refusedMs;
      if (gone || now - since >= how.giveUpMs) throw error;
      await pause(backOff(tries, 200, 2_000), how.signal);
    }
  }
}

/** `first`, doubling up to `most`, each between 75 and 125 %: many who wait do not come back at once. */
export const backOff = (tries: number, first: number, most: number): number =>
  Math.min(most, first * 2 ** Math.min(tries, 20)) * (0.75 + Math.random() / 2);

/** Waits; throws the signal's own reason if it aborts. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(ms, undefined, { signal });
  } catch {
    signal.throwIfAborted();
  }
}

/** `promise`, unless the signal aborts first; the promise then goes on unwatched. */
export async function orAbort<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  promise.catch(() => undefined);
  signal.throwIfAborted();
  let onAbort: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => {
      reject(signal.reason as Error);
    };
    signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    if (onAbort) signal.removeEventListener('abort', onAbort);
  }
}
