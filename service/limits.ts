/** How much one tenant may ask for at once. Rates are counted per process; open requests and queues are counted by Temporal, for all processes. */
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import type { Cull } from '../client/cull.js';
import { countQueued, openWork, type OpenWork } from '../client/load.js';
import { tenantSettings } from '../client/tenants.js';
import { CullError } from '../errors.js';
import { HttpError } from './problem.js';
import type { Caller } from './keys.js';
import { createShared } from './shared.js';

export interface Limits {
  /** Calls per second of one key, and as many at once. @default 50 */
  perSecond: number;
  /** Keys per second that one address may have checked; one that was checked is known for ten seconds. @default 10 */
  keyChecks: number;
  /** Open requests of one tenant, where its settings say nothing else. @default 1000 */
  openRequests: number;
  /** Candidates that these requests may draw, together; where its settings say nothing else. @default 100000 */
  openCandidates: number;
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
  keyChecks: 10,
  openRequests: 1_000,
  openCandidates: 100_000,
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
    await consume(limiter, key, `this key may call ${own} times a second`);
  };
}

/** Lets new work of a tenant in. @param candidates what it may draw; 0 where that is not known yet, as of a batch */
export type Door = (cull: Cull, candidates: number) => Promise<void>;

/**
 * A counter of keys that are checked, per address: a check costs what makes guessing hopeless, so nobody may have us do it all day.
 *
 * @returns a function that throws RATE_LIMITED, with `Retry-After`
 */
export function createCheckLimit(perSecond: number): (address: string) => Promise<void> {
  const limiter = new RateLimiterMemory({ points: perSecond, duration: 1, keyPrefix: 'checks' });
  return (address) => consume(limiter, address, `${address} may have ${perSecond} keys checked a second`);
}

async function consume(limiter: RateLimiterMemory, name: string, why: string): Promise<void> {
  try {
    await limiter.consume(name);
  } catch (thrown) {
    if (!(thrown instanceof RateLimiterRes)) throw thrown;
    const seconds = Math.max(1, Math.ceil(thrown.msBeforeNext / 1000));
    throw new HttpError('RATE_LIMITED', why, { 'retry-after': String(seconds) });
  }
}

/**
 * A door that new requests pass: open while the tenant has room and the queues of the ComfyUIs are not too long.
 *
 * @returns a function that throws TOO_MANY_REQUESTS, with `Retry-After`; REQUEST_INVALID for what is too much by itself
 */
export function createDoor(limits: Pick<Limits, 'openRequests' | 'openCandidates' | 'queued'>): Door {
  const open = createShared<OpenWork>(COUNT_MS);
  const waiting = createShared<number>(COUNT_MS);
  return async (cull, candidates) => {
    const { tenant } = cull;
    const own = await tenantSettings(cull.storage, tenant);
    const { openRequests = limits.openRequests, openCandidates = limits.openCandidates } = own;
    if (candidates > openCandidates)
      throw new CullError(
        'REQUEST_INVALID',
        `the request may draw ${candidates} candidates, and the tenant ${tenant} may have ${openCandidates} in all open requests`,
        { hint: 'ask for fewer: set cap, or candidates' },
      );
    const [work, queued] = await Promise.all([
      open.get(tenant, () => openWork(cull, { requests: openRequests, candidates: openCandidates })),
      waiting.get('queued', () => countQueued(cull)),
    ]);
    const why =
      work.requests >= openRequests
        ? `the tenant ${tenant} may have ${openRequests} open requests, and has them`
        : work.candidates + Math.max(1, candidates) > openCandidates
          ? `open requests of the tenant ${tenant} may draw ${work.candidates} candidates already, of ${openCandidates}`
          : queued >= limits.queued
            ? `${queued} candidates wait for a ComfyUI already`
            : undefined;
    if (why !== undefined) throw new HttpError('TOO_MANY_REQUESTS', why, { 'retry-after': String(RETRY_SECONDS) });
  };
}
