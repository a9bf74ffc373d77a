/** When a ComfyUI that fails fast is given a rest, so that it does not eat the queue. Pure. */
import type { ErrorCode } from '../errors.js';

export interface BreakerLimits {
  /** So many failures in a row, each fast, give it a rest. */
  failures: number;
  /** A failure within this time is fast: a slow one eats no queue. Milliseconds. */
  fastMs: number;
  /** The first rest, doubled with each that follows. */
  firstRestMs: number;
  longestRestMs: number;
}

export const BREAKER_LIMITS: BreakerLimits = {
  failures: 5,
  fastMs: 10_000,
  firstRestMs: 5_000,
  longestRestMs: 60_000,
};

export interface Breaker {
  /** Fast failures in a row. */
  failures: number;
  /** Rests in a row, without a success in between. */
  rests: number;
  /** It rests until then; afterwards one candidate tells whether it is well. Undefined: it draws. */
  restsUntil: number | undefined;
}

export const NEW_BREAKER: Breaker = { failures: 0, rests: 0, restsUntil: undefined };

/** How a candidate ended here. */
export interface RunResult {
  /** Undefined where it was drawn. */
  code: ErrorCode | undefined;
  tookMs: number;
}

/** What a ComfyUI that is broken answers. A refused graph, a full storage or a cancellation is no fault of its. */
const HOSTS_FAULT: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'COMFY_NODE_FAILED',
  'COMFY_OUT_OF_MEMORY',
  'COMFY_DISK_FULL',
  'COMFY_OUTPUT_MISSING',
  'COMFY_OUTPUT_NOT_AN_IMAGE',
  'COMFY_PROTOCOL',
  'CONFIG_INVALID',
]);

/**
 * The breaker after one more result.
 *
 * @param now milliseconds, of any clock that only goes forward
 * @example
 * breaker = afterResult(breaker, { code: 'COMFY_NODE_FAILED', tookMs: 80 }, { now, limits: BREAKER_LIMITS });
 */
export function afterResult(breaker: Breaker, result: RunResult, by: { now: number; limits: BreakerLimits }): Breaker {
  const { code, tookMs } = result;
  const { now, limits } = by;
  if (code === undefined) return NEW_BREAKER;
  if (!HOSTS_FAULT.has(code)) return breaker;
  if (breaker.restsUntil !== undefined) return now < breaker.restsUntil ? breaker : rest(breaker, by);
  if (tookMs > limits.fastMs) return { ...breaker, failures: 0 };
  const failures = breaker.failures + 1;
  return failures < limits.failures ? { ...breaker, failures } : rest({ ...breaker, failures }, by);
}

function rest(breaker: Breaker, { now, limits }: { now: number; limits: BreakerLimits }): Breaker {
  const ms = Math.min(limits.longestRestMs, limits.firstRestMs * 2 ** Math.min(breaker.rests, 30));
  return { failures: breaker.failures, rests: breaker.rests + 1, restsUntil: now + ms };
}

/** How many candidates it may have now. */
export function allowedSlots({ restsUntil }: Breaker, by: { now: number; slots: number }): number {
  if (restsUntil === undefined) return by.slots;
  return by.now < restsUntil ? 0 : 1;
}
