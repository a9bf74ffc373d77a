/** How errors cross into Temporal: our code as the failure's type, retry or not from the one table, words for people. */
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { CullError, messageOf } from '../errors.js';
import type { Telemetry } from '../telemetry/telemetry.js';
import type { FailureFacts } from '../workflows/contract.js';

/** Temporal keeps at most 4 KiB of a failure; beyond this the rest is dropped rather than the whole. */
const MAX_MESSAGE = 1_000;
const MAX_DETAILS = 2_000;

/**
 * Turns anything thrown by an activity into what Temporal understands. Cancellations pass through. `last`: not to be retried in any case; `delayMs`:
 * before the next try, instead of the retry policy's; `hosts`: the ComfyUIs where it failed.
 */
export function toFailure(
  error: unknown,
  options: { last?: boolean; delayMs?: number; hosts?: readonly string[] } = {},
): Error {
  if (error instanceof CancelledFailure || error instanceof ApplicationFailure) return error;
  if (error instanceof CullError) {
    const message = error.hint === undefined ? error.message : `${error.message}; ${error.hint}`;
    const { hosts = [] } = options;
    const fits = error.details !== undefined && JSON.stringify(error.details).length <= MAX_DETAILS;
    const details = fits ? error.details : null;
    const facts: FailureFacts = hosts.length > 0 ? [details, { hosts: [...hosts] }] : [details];
    return ApplicationFailure.create({
      type: error.code,
      message: message.slice(0, MAX_MESSAGE),
      nonRetryable: !error.retry || options.last === true,
      ...(options.delayMs === undefined ? {} : { nextRetryDelay: options.delayMs }),
      ...(fits || facts.length > 1 ? { details: facts } : {}),
    });
  }
  return ApplicationFailure.create({
    type: 'INTERNAL',
    message: messageOf(error).slice(0, MAX_MESSAGE),
    cause: error instanceof Error ? error : undefined,
  });
}

type Activity = (...args: never[]) => Promise<unknown>;

/** Wraps every function of an activities object so that what it throws crosses as `toFailure` says, and is told on the way. */
export function withFailures<T extends { [K in keyof T]: Activity }>(telemetry: Telemetry, activities: T): T {
  const wrapped = Object.entries<Activity>(activities).map(([name, activity]) => [
    name,
    async (...args: never[]) => {
      try {
        return await activity(...args);
      } catch (error) {
        const failure = toFailure(error);
        if (failure instanceof ApplicationFailure) tell(failure, { activity: name, about: args[0], ...telemetry });
        throw failure;
      }
    },
  ]);
  return Object.fromEntries(wrapped) as T;
}

/** Nothing is wrong with a candidate that another worker, or the next attempt, goes on with. */
const PASSED_ON = new Set(['HANDED_BACK', 'WORKER_GONE', 'STOPPED_ALONE']);

function tell(
  { type, message, nonRetryable }: ApplicationFailure,
  { activity, about, log, metrics }: Telemetry & { activity: string; about: unknown },
): void {
  const code = type ?? 'INTERNAL';
  const then = nonRetryable === true ? 'give-up' : 'retry';
  metrics.add('cull_activity_failures_total', { activity, code, then });
  const { tenant, request, candidate, batch } = (about ?? {}) as Record<string, unknown>;
  const level = PASSED_ON.has(code) ? 'info' : then === 'retry' ? 'warn' : 'error';
  log[level]({ activity, tenant, request, candidate, batch, code, then, error: message }, 'failed');
}
