/** How errors cross into Temporal: our code as the failure's type, retry or not from the one table, words for people. */
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { CullError, messageOf } from '../errors.js';

/** Temporal keeps at most 4 KiB of a failure; beyond this the rest is dropped rather than the whole. */
const MAX_MESSAGE = 1_000;
const MAX_DETAILS = 2_000;

/** Turns anything thrown by an activity into what Temporal understands. Cancellations pass through. `last`: not to be retried in any case; `delayMs`: before the next try, instead of the retry policy's. */
export function toFailure(error: unknown, options: { last?: boolean; delayMs?: number } = {}): Error {
  if (error instanceof CancelledFailure || error instanceof ApplicationFailure) return error;
  if (error instanceof CullError) {
    const message = error.hint === undefined ? error.message : `${error.message}; ${error.hint}`;
    const fits = error.details !== undefined && JSON.stringify(error.details).length <= MAX_DETAILS;
    return ApplicationFailure.create({
      type: error.code,
      message: message.slice(0, MAX_MESSAGE),
      nonRetryable: !error.retry || options.last === true,
      ...(options.delayMs === undefined ? {} : { nextRetryDelay: options.delayMs }),
      ...(fits ? { details: [error.details] } : {}),
    });
  }
  return ApplicationFailure.create({
    type: 'INTERNAL',
    message: messageOf(error).slice(0, MAX_MESSAGE),
    cause: error instanceof Error ? error : undefined,
  });
}

type Activity = (...args: never[]) => Promise<unknown>;

/** Wraps every function of an activities object so that what it throws crosses as `toFailure` says. */
export function withFailures<T extends { [K in keyof T]: Activity }>(activities: T): T {
  const wrapped = Object.entries<Activity>(activities).map(([name, activity]) => [
    name,
    async (...args: never[]) => {
      try {
        return await activity(...args);
      } catch (error) {
        throw toFailure(error);
      }
    },
  ]);
  return Object.fromEntries(wrapped) as T;
}
