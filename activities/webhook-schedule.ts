/** When a webhook that was not taken is tried again. Pure. */

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** The waits of the Standard Webhooks specification, as far as they fit into a day: after the last one, 23 h 35 min have passed. */
export const WEBHOOK_DELAYS_MS: readonly number[] = [
  5_000,
  5 * MINUTE,
  30 * MINUTE,
  2 * HOUR,
  5 * HOUR,
  10 * HOUR,
  6 * HOUR,
];

/**
 * @param tries that were made, at least 1
 * @returns milliseconds to the next one; undefined: there is none
 * @example
 * nextWebhookDelay(1); // 5000
 */
export const nextWebhookDelay = (tries: number, delays = WEBHOOK_DELAYS_MS): number | undefined => delays[tries - 1];
