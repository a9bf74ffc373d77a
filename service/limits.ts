/** How much one tenant may ask for at once. Rates are counted per process; open requests and queues are counted by Temporal, for all processes. */
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import type { Cull } from '../client/cull.js';
import { countOpen, countQueued } from '../client/load.js';
import { HttpError } from './problem.js';
import type { Caller } from './keys.js';
import { createShared } from './shared.js';

export interface Limits {
  /** Calls per second of one key, and as many at once. @default 50 */
  perSecond: number;
  /** Open requests of one tenant. @default 1000 */
  openRequests: number;
  /** Candidates that wait for a ComfyUI, of all tenants, above which no new request is taken. @default 20000 */
  queued: number;
  /** Seconds that a call may wait for its result. @default 120 */
  waitSeconds: number;
  /** Bytes of a JSON body. @default 1 MiB */
  bodyBytes: number;
  /** Bytes of an uploaded image. @default 32 MiB */
  imageBytes: number;
  /** Pixels of an uploaded image. @default 64 million */
  imagePixels: number;
}

export const DEFAULT_LIMITS: Limits = {
  perSecond: 50,
  openRequests: 1_000,
  queued: 20_000,
  waitSeconds: 120,
  bodyBytes: 2 ** 20,
  imageBytes: 32 * 2 ** 20,
  imagePixels: 64_000_000,
};

/** Counts are so old at most: a burst within a second may pass a limit by what one second lets through. */
const COUNT_MS = 1_000;
const RETRY_SECONDS = 5;

/**
 * A counter of calls per key.
 *
 * @returns a function that throws RATE_LIMITED, with `Retry-After`, once a key has spent its second
 */
export function createRateLimit(perSecond: number): (caller: Caller) => Promise<void> {
  const limiters = new Map<number, RateLimiterMemory>();
  return async ({ key, perSecond: own = perSecond }) => {
    let limiter = limiters.get(own);
    if (!limiter)
      limiters.set(own, (limiter = new RateLimiterMemory({ points: own, duration: 1, keyPrefix: `${own}` })));
    try {
      await limiter.consume(key);
    } catch (thrown) {
      if (!(thrown instanceof RateLimiterRes)) throw thrown;
      const seconds = Math.max(1, Math.ceil(thrown.msBeforeNext / 1000));
      throw new HttpError('RATE_LIMITED', `this key may call ${own} times a second`, {
        'retry-after': String(seconds),
      });
    }
  };
}

/**
 * A door that new requests pass: open while the tenant has room and the queues of the ComfyUIs are not too long.
 *
 * @returns a function that throws TOO_MANY_REQUESTS, with `Retry-After`
 */
export function createDoor(limits: Pick<Limits, 'openRequests' | 'queued'>): (cull: Cull) => Promise<void> {
  const counts = createShared<number>(COUNT_MS);
  return async (cull) => {
    const [open, queued] = await Promise.all([
      counts.get(`open ${cull.tenant}`, () => countOpen(cull)),
      counts.get('queued', () => countQueued(cull)),
    ]);
    const why =
      open >= limits.openRequests
        ? `the tenant ${cull.tenant} has ${open} open requests, and may have ${limits.openRequests}`
        : queued >= limits.queued
          ? `${queued} candidates wait for a ComfyUI already`
          : undefined;
    if (why !== undefined) throw new HttpError('TOO_MANY_REQUESTS', why, { 'retry-after': String(RETRY_SECONDS) });
  };
}
