/** The Temporal server of a test file: files run side by side, so each place in the pool has a server of its own, and its queues. */
import { inject } from 'vitest';

/** `host:port`. */
export function temporalAddress(): string {
  const place = Number(process.env['VITEST_POOL_ID']);
  const address = inject('temporalAddresses')[place - 1];
  if (address === undefined) throw new Error(`no Temporal server runs for place ${place} of the pool`);
  return address;
}
