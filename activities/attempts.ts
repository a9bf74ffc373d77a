/**
 * What one candidate has been through, over all its tries: counted in the heartbeat, judged by the table of errors.
 *
 * Temporal counts attempts and no more. Here they are told apart: failures by their code (each code has its own bound), hand-backs (a
 * worker of a ComfyUI where the candidate failed passes it on), and attempts that were cut off (the worker died). A retried activity
 * adds nothing to the workflow's history, so hand-backs cost the server a task each and the history nothing.
 */
import { ApplicationFailure } from '@temporalio/common';
import { CullError, rowOf } from '../errors.js';
import type { Storage } from '../storage/storage.js';
import type { GenerateHeartbeat } from '../workflows/contract.js';
import { toFailure } from './failures.js';
import { servingHosts } from './pool.js';

/**
 * Milliseconds until a candidate that was handed back is offered again. After the last one it is drawn where it failed all the same:
 * nobody else took it for about 30 s. Doubling, since who is free takes it at the first offer, and who is not free soon will not be for a while.
 */
const HAND_BACK_MS = [250, 500, 1_000, 2_000, 4_000, 8_000, 16_000];
const LONGEST_DELAY_MS = 30_000;
/** A candidate whose worker died so often may well be the reason. */
const CUT_OFF_ALLOWED = 8;

/** Type of the failure that leaves a prompt in ComfyUI, for the next attempt to attach to. */
export const WORKER_GONE = 'WORKER_GONE';
/** Type of the failure of a candidate that was given up with its siblings, and that Temporal wants all the same: it is drawn again. */
export const STOPPED_ALONE = 'STOPPED_ALONE';

/** The state of an earlier attempt, for the next one. */
export const carriedOn = (candidate: number, earlier: GenerateHeartbeat | undefined): GenerateHeartbeat => ({
  candidate,
  handle: earlier?.handle,
  failures: earlier?.failures ?? {},
  avoid: earlier?.avoid ?? [],
  handBacks: earlier?.handBacks ?? 0,
  told: earlier?.told ?? 0,
});

/** @throws CullError INTERNAL once too many attempts ended without a word */
export function refuseEndless(beat: GenerateHeartbeat, attempt: number): void {
  const cutOff = attempt - 1 - (beat.told ?? 0);
  if (cutOff < CUT_OFF_ALLOWED) return;
  throw new CullError('INTERNAL', `the worker died ${cutOff} times while it drew candidate ${beat.candidate}`, {
    hint: 'look into the logs of the workers: memory, disk, or this very picture',
  });
}

/**
 * A failure that hands the candidate back, where it failed on this host and another one serves; undefined where it is to be drawn here.
 *
 * A prompt that may still be well somewhere is attached to from any host, so then there is nothing to hand back.
 */
export async function handBack(
  storage: Storage,
  beat: GenerateHeartbeat,
  here: { host: string | undefined; pool: string },
): Promise<ApplicationFailure | undefined> {
  const { host, pool } = here;
  const { avoid = [], handBacks = 0, handle } = beat;
  if (host === undefined || !avoid.includes(host) || (handle && !handle.failed)) return undefined;
  const delayMs = HAND_BACK_MS[handBacks];
  if (delayMs === undefined || !(await anotherServes(storage, pool, avoid))) return undefined;
  beat.handBacks = handBacks + 1;
  beat.told = (beat.told ?? 0) + 1;
  return ApplicationFailure.create({
    type: 'HANDED_BACK',
    message: `candidate ${beat.candidate} failed on ${host}: it is left to another ComfyUI`,
    nextRetryDelay: delayMs,
  });
}

/**
 * What ended an attempt, as a failure that says what Temporal is to do: give up, or try again when. Notes in the heartbeat, which travels
 * with the failure, what the next attempt has to know.
 */
export function endedWith(error: unknown, beat: GenerateHeartbeat, host: string | undefined): unknown {
  const left = error instanceof ApplicationFailure && [WORKER_GONE, STOPPED_ALONE].includes(error.type ?? '');
  if (left || error instanceof CullError) beat.told = (beat.told ?? 0) + 1;
  if (!(error instanceof CullError)) return error;
  const { where, attach = false, delayMs, tries = Infinity } = rowOf(error.code) ?? {};
  const times = (beat.failures?.[error.code] ?? 0) + 1;
  beat.failures = { ...beat.failures, [error.code]: times };
  beat.handBacks = 0;
  const at = beat.handle && !beat.handle.failed ? beat.handle.host : host;
  if (where === 'elsewhere' && at !== undefined) beat.avoid = [...new Set([...(beat.avoid ?? []), at])];
  if (beat.handle && where !== undefined && !attach) beat.handle = { ...beat.handle, failed: true };
  const hosts = where === undefined || at === undefined ? [] : [...new Set([...(beat.avoid ?? []), at])];
  return toFailure(error, {
    last: times >= tries,
    hosts,
    ...(delayMs === undefined ? {} : { delayMs: Math.min(delayMs * 2 ** (times - 1), LONGEST_DELAY_MS) }),
  });
}

/** Whether a ComfyUI of the pool that is not avoided serves, as far as its worker has said. */
const anotherServes = async (storage: Storage, pool: string, avoid: readonly string[]): Promise<boolean> =>
  (await servingHosts(storage, pool)).some(({ host }) => !avoid.includes(host));
