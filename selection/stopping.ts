/** How many candidates to start now, or why to stop. The only decision the workflow takes itself; pure and deterministic. */
import { expectedGain } from './gain.js';
import { chanceOf, countFor, meanRate, observed, UNKNOWN_RATE, type PassRate } from './pass-rate.js';

export type StopReason = 'quota' | 'cap' | 'deadline' | 'budget' | 'futile' | 'cancelled';

export type Step = { /** Candidates to start now; 0 = wait for one to end. */ launch: number } | { stop: StopReason };

/**
 * `quota`: until K pass. `best-of`: all N are drawn, the best K kept. `value`: until K pass, then for as long as one more candidate is worth its
 * price.
 */
export type Mode = 'quota' | 'best-of' | 'value';

/** Where a request stands. */
export interface StoppingState {
  /** Candidates started so far. */
  launched: number;
  /** Started and not ended. */
  inFlight: number;
  /** Ended and passing, also beyond K; near-duplicates of one another count once. */
  passed: number;
  /** Milliseconds since the request started. @default 0 */
  elapsedMs?: number;
  /** Milliseconds from the start of a candidate to its verdict, mean of those so far or of earlier requests. Absent: not known. */
  drawMs?: number;
  /** Spent so far, in micro-USD. @default 0 */
  spentMicroUsd?: number;
  /** What one candidate costs, as quoted or as seen so far. Absent: not known. */
  microUsdEach?: number;
  /** Mode value: rank qualities (0..100) of those that pass, near-duplicates of one another once. @default [] */
  qualities?: readonly number[];
  /** Groups that lack winners of their minimum. @default [] */
  groups?: readonly GroupStanding[];
}

/** A group whose minimum is not met. */
export interface GroupStanding {
  /** Winners that it lacks, above 0. */
  need: number;
  /** Of its candidates that ended; near-duplicates of one another passed once. */
  passed: number;
  failed: number;
  inFlight: number;
}

export interface StoppingPolicy {
  /** @default 'best-of' */
  mode?: Mode;
  /** Cap (best-of: N): candidates to draw at most, at least 0. */
  candidates: number;
  /** K: candidates wanted. */
  deliver: number;
  /** Candidates in flight at most; below 1 counts as 1. */
  window: number;
  /** 0: no candidate more than needed. 1: as fast as the window allows. @default 0.6 */
  hurry?: number;
  /** Milliseconds from the start of the request. Absent: no deadline. */
  deadlineMs?: number;
  /** Absent: no bound. */
  budgetMicroUsd?: number;
  /** What earlier requests of the release say. @default UNKNOWN_RATE */
  prior?: PassRate;
  /** Chance to have K by the deadline that is aimed for. @default 0.95 */
  sure?: number;
  /** Below this chance to reach K at all the request stops as futile. 0: never. @default 0.002 */
  futileBelow?: number;
  /** Mode value: what one candidate costs, in points of quality summed over the K winners. @default 1 */
  pointsEach?: number;
}

/**
 * The next step of a request.
 *
 * A stop for `quota`, `deadline` and `futile` comes at once, and what is in flight then is to be cancelled; one for `cap` and `budget` when
 * nothing is in flight any more. Where K can hardly be reached it comes at once too: for `budget` or `deadline` if that alone is in the way, else as `futile`. Never starts more than cap, window and budget allow; where the price of a candidate is not known, a
 * request with a budget starts one and waits for its price.
 *
 * @example
 * nextStep({ launched: 20, inFlight: 3, passed: 5 }, { candidates: 24, deliver: 4, window: 8 }); // { launch: 4 }
 * nextStep({ launched: 9, inFlight: 2, passed: 4 }, { mode: 'quota', candidates: 64, deliver: 4, window: 8 }); // { stop: 'quota' }
 */
export function nextStep(state: StoppingState, policy: StoppingPolicy): Step {
  const inFlight = Math.max(0, state.inFlight);
  const need = Math.max(0, policy.deliver - state.passed);
  const mode = policy.mode ?? 'best-of';
  if (isOver(state, policy)) return { stop: 'deadline' };
  if (mode !== 'best-of' && need === 0 && !isWorthMore(state, policy)) return { stop: 'quota' };

  const payable = affordable(state, policy);
  const startable = Math.min(Math.max(0, policy.candidates - state.launched), payable);
  // until the first price is known, the budget could hold any number
  const priceless = policy.budgetMicroUsd !== undefined && state.microUsdEach === undefined;
  const needing = { state, policy, need };
  if (mode !== 'best-of' && need > 0 && !priceless && isFutile({ ...needing, startable }))
    return { stop: futileBy({ ...needing, startable }) };
  if (startable === 0 && inFlight === 0) return { stop: policy.candidates - state.launched > 0 ? 'budget' : 'cap' };

  const window = Math.max(1, Math.floor(policy.window));
  const wanted = mode === 'best-of' ? window : wantedInFlight({ state, policy, need, window });
  return { launch: Math.min(startable, Math.max(0, wanted - inFlight)) };
}

/** Candidates in flight at most: two for each ComfyUI of a large pool, few enough that one wake-up of a workflow never carries 100 events. */
const MOST_IN_FLIGHT = 64;
/** What scoring and storing hold up must not idle a single fast ComfyUI. */
const LEAST_IN_FLIGHT = 8;
/** As many as the ComfyUIs hold, and as many again between the queue, storage and the scorers: more would only wait, to be cancelled in the end. */
const IN_FLIGHT_PER_SLOT = 2;

/**
 * The window of a request on a pool of ComfyUIs.
 *
 * A pool that grows while a request runs is used as soon as the request hears of it.
 *
 * @param slots candidates that the pool takes at once; undefined where that is not known
 * @example
 * windowFor(4); // 8: two ComfyUIs
 * windowFor(undefined); // 64
 */
export function windowFor(slots: number | undefined): number {
  if (slots === undefined || !(slots > 0)) return MOST_IN_FLIGHT;
  return Math.min(MOST_IN_FLIGHT, Math.max(LEAST_IN_FLIGHT, IN_FLIGHT_PER_SLOT * slots));
}

/** What this request and those before it say about the next candidate. */
function rateOf({ launched, inFlight, passed }: StoppingState, { prior = UNKNOWN_RATE }: StoppingPolicy): PassRate {
  return observed(prior, { passed, failed: launched - Math.max(0, inFlight) - passed });
}

const isOver = ({ elapsedMs = 0 }: StoppingState, { deadlineMs = Infinity }: StoppingPolicy): boolean =>
  elapsedMs >= deadlineMs;

function isWorthMore(state: StoppingState, policy: StoppingPolicy): boolean {
  if (policy.mode !== 'value') return false;
  const gain = meanRate(rateOf(state, policy)) * expectedGain(state.qualities ?? [], policy.deliver);
  return gain > (policy.pointsEach ?? 1);
}

/** Candidates that the rest of the budget pays, those in flight taken off. */
function affordable(state: StoppingState, { budgetMicroUsd }: StoppingPolicy): number {
  if (budgetMicroUsd === undefined) return Infinity;
  const inFlight = Math.max(0, state.inFlight);
  const left = budgetMicroUsd - (state.spentMicroUsd ?? 0);
  if (state.microUsdEach === undefined) return inFlight === 0 && left > 0 ? 1 : 0;
  if (state.microUsdEach <= 0) return left >= 0 ? Infinity : 0;
  return Math.max(0, Math.floor(left / state.microUsdEach) - inFlight);
}

/** How many candidates one place in flight can still end before the deadline. */
function rounds({ elapsedMs = 0, drawMs }: StoppingState, { deadlineMs }: StoppingPolicy): number {
  if (deadlineMs === undefined || drawMs === undefined || drawMs <= 0) return Infinity;
  return Math.max(1, Math.floor((deadlineMs - elapsedMs) / drawMs));
}

interface Needing {
  state: StoppingState;
  policy: StoppingPolicy;
  need: number;
}

/** Whether K, or the minimum of a group, can hardly be reached any more. What is still to be drawn can all go to one group, which has a pass rate of its own. */
function isFutile({ state, policy, need, startable }: Needing & { startable: number }): boolean {
  const { futileBelow = 0.002, prior = UNKNOWN_RATE } = policy;
  const window = Math.max(1, Math.floor(policy.window));
  const inFlight = Math.max(0, state.inFlight);
  const further = Math.min(startable, Math.max(0, window * rounds(state, policy) - inFlight));
  if (further === Infinity || (startable === 0 && inFlight === 0)) return false;
  return (
    chanceOf(need, inFlight + further, rateOf(state, policy)) < futileBelow ||
    (state.groups ?? []).some(
      (group) => chanceOf(group.need, group.inFlight + further, observed(prior, group)) < futileBelow,
    )
  );
}

/** What is in the way of K: budget or deadline, if without it K could be reached. */
function futileBy(needing: Needing & { startable: number }): StopReason {
  const { state, policy } = needing;
  const { deadlineMs: _, ...timeless } = policy;
  const startable = Math.max(0, policy.candidates - state.launched);
  if (!isFutile({ ...needing, startable })) return 'budget';
  return isFutile({ ...needing, policy: timeless }) ? 'futile' : 'deadline';
}

function wantedInFlight({ state, policy, need, window }: Needing & { window: number }): number {
  const hurry = Math.min(1, Math.max(0, policy.hurry ?? 0.6));
  if (hurry === 1) return window;
  // K have passed and more is worth it (mode value): the hurry says how many at once
  if (need === 0) return Math.max(1, Math.round(hurry * window));
  const rate = rateOf(state, policy);
  const unhurried = countFor(need, { sure: hurry, most: window, rate });
  const left = rounds(state, policy);
  if (left === Infinity) return unhurried;
  const byDeadline = countFor(need, { sure: policy.sure ?? 0.95, most: window * left, rate });
  return Math.min(window, Math.max(unhurried, Math.ceil(byDeadline / left)));
}
