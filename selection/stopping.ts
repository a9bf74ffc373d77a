/** How many candidates to start now, or why to stop. The only decision the workflow takes itself; pure and deterministic. */

export type StopReason = 'quota' | 'cap' | 'deadline' | 'budget' | 'futile' | 'cancelled';

export type Step = { /** Candidates to start now; 0 = wait for one to end. */ launch: number } | { stop: StopReason };

/** Where a request stands. */
export interface StoppingState {
  /** Candidates started so far. */
  launched: number;
  /** Started and not ended. */
  inFlight: number;
  /** Ended and passing; near-duplicates of one another count once. */
  passed: number;
}

export interface StoppingPolicy {
  /** N: candidates to draw, at least 0. */
  candidates: number;
  /** K: candidates wanted. */
  deliver: number;
  /** Candidates in flight at most; below 1 counts as 1. */
  window: number;
}

/**
 * The next step of a request with a fixed N: all N are drawn, at most `window` at a time, so that K are chosen from all of them.
 * Stops with `cap` once every candidate has ended, and never before: a stop means that nothing is in flight.
 *
 * @example
 * nextStep({ launched: 20, inFlight: 3, passed: 5 }, { candidates: 24, deliver: 4, window: 8 }); // { launch: 4 }
 * nextStep({ launched: 24, inFlight: 0, passed: 9 }, { candidates: 24, deliver: 4, window: 8 }); // { stop: 'cap' }
 */
export function nextStep(state: StoppingState, policy: StoppingPolicy): Step {
  const remaining = Math.max(0, policy.candidates - state.launched);
  if (remaining === 0 && state.inFlight <= 0) return { stop: 'cap' };
  const room = Math.max(0, Math.max(1, policy.window) - Math.max(0, state.inFlight));
  return { launch: Math.min(remaining, room) };
}
