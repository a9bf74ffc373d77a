/** generate: one candidate's picture, drawn or found, into storage. */
import { setTimeout as sleep } from 'node:timers/promises';
import { ApplicationFailure, CancelledFailure, Context } from '@temporalio/activity';
import type { GenerationJob, Provider } from '../providers/provider.js';
import { deriveSeed } from '../selection/seeds.js';
import { groupsOf } from '../selection/vary.js';
import type { Storage } from '../storage/storage.js';
import { bindSeed } from '../templates/bind.js';
import { SILENT, type Telemetry } from '../telemetry/telemetry.js';
import { annotate } from '../telemetry/traces.js';
import { DEFAULT_POOL, type GenerateHeartbeat } from '../workflows/contract.js';
import { carriedOn, endedWith, handBack, refuseEndless, STOPPED_ALONE, WORKER_GONE } from './attempts.js';
import { countCancelled, countDrawn, countNodeFailure } from './counted.js';
import { createPlanReader, type CandidateRef } from './documents.js';
import { withFailures } from './failures.js';
import { findDrawn, inputFiles, storeCancelled, storeGeneration } from './pictures.js';
import { createSiblings } from './siblings.js';
import { planFor, settleValue } from './varied.js';

/**
 * `again`: the request ran before, so that even a first try may find the candidate drawn. `vary`: the place of the value to draw with; absent: the
 * request varies nothing.
 */
export type GenerateAsk = CandidateRef & { again: boolean; vary?: number };

export interface GenerateAnswer {
  /** The storage key of the picture. */
  image: string;
  /** Candidates that the ComfyUIs of the pool take at once, as this worker sees them. Absent: it does not know. */
  slots?: number;
  /** The place of the value that it was drawn with: of what was asked for, or of an earlier run's choice. */
  vary?: number;
}

export interface GenerateActivities {
  generate(ask: GenerateAsk): Promise<GenerateAnswer>;
}

/** A cancellation arrives with the answer to a heartbeat, and until then a GPU draws what nobody wants: a quarter of a draw, a second at most. */
const HEARTBEATS_PER_DRAW = 4;
const SLOWEST_HEARTBEAT_MS = 1_000;
export const FASTEST_HEARTBEAT_MS = 250;
/** Those of its siblings are a heartbeat apart; nothing is lost where it takes longer. */
const TOLD_WITHIN_MS = 10_000;

/**
 * Activities of the Worker of one ComfyUI (or hosted provider).
 *
 * `generate` is idempotent: a picture already in storage is the answer; else the job named in the last heartbeat is attached to; else it is
 * drawn under a prompt id of this attempt's own. One that failed here in a way in which it may not fail elsewhere is handed back, for the worker
 * of another ComfyUI to take (attempts.ts). One that is cancelled takes the others of its request that are on this ComfyUI with it (siblings.ts).
 */
export function createGenerateActivities(deps: {
  storage: Storage;
  provider: Provider;
  /** The pool that the Worker's queue belongs to. @default `default` */
  pool?: string;
  /** USD per hour of the host; undefined states no cost. */
  usdPerHour?: number | undefined;
  /** Aborts when this worker cannot wait any longer: what runs is left in ComfyUI, and the next attempt attaches to it. */
  leave?: AbortSignal;
  /** Candidates that the ComfyUIs of the pool take at once now; left out, requests keep the number that they began with. */
  poolSlots?: () => number;
  /** Milliseconds that a candidate given up with its siblings waits to be told so by Temporal; after that it is drawn again. @default 10_000 */
  toldWithinMs?: number;
  telemetry?: Telemetry;
}): GenerateActivities {
  const { storage, provider, pool = DEFAULT_POOL, usdPerHour, leave, toldWithinMs = TOLD_WITHIN_MS } = deps;
  const { telemetry = SILENT } = deps;
  const { log, metrics } = telemetry;
  const planOf = createPlanReader(storage);
  const siblings = createSiblings();

  return withFailures(telemetry, {
    async generate({ again, vary: choice, ...ref }: GenerateAsk): Promise<GenerateAnswer> {
      const context = Context.current();
      const { attempt } = context.info;
      const waitedMs = Date.now() - context.info.currentAttemptScheduledTimestampMs;
      const beat = carriedOn(ref.candidate, context.info.heartbeatDetails as GenerateHeartbeat | undefined);
      refuseEndless(beat, attempt);
      const whole = await planOf(ref);
      const vary = choice === undefined ? undefined : await settleValue(storage, ref, choice);
      const group = vary === undefined ? undefined : groupsOf(whole)[vary];
      const plan = planFor(whole, group);
      const answer = (image: string): GenerateAnswer => ({ image, ...(vary !== undefined && { vary }) });
      const seed = deriveSeed(plan.seed, ref.candidate);
      const isFirstTry = attempt === 1 && !again;
      const found = await findDrawn(storage, ref, { seed, group, isFirstTry });
      if (found) return answer(found);
      const handedBack = await handBack(storage, beat, { host: provider.host, pool });
      if (handedBack) {
        context.heartbeat(beat);
        throw handedBack;
      }

      const job: GenerationJob = {
        ...ref,
        pool,
        seed,
        attempt,
        fresh: isFirstTry,
        graph: bindSeed(plan.graph, plan.seedAt, seed),
        output: plan.output,
        ...(plan.masks && { masks: plan.masks }),
        files: inputFiles(storage, ref.tenant, plan),
      };
      const timer = setInterval(() => context.heartbeat(beat), heartbeatMs(provider.quote(job).seconds));
      let drawingSince: number | undefined;
      const run = context.info.workflowExecution?.runId ?? ref.request;
      const stopped = new AbortController();
      const giveUp = (): void => stopped.abort(new CancelledFailure('the request wants it no more'));
      const stop = (): void => (context.cancellationDetails?.cancelRequested ? void siblings.stop(run) : giveUp());
      try {
        const generation = await untilShutdown({ context, leave, stop }, () => {
          const drawing = provider.generate(job, {
            signal: stopped.signal,
            ...(beat.handle ? { resume: beat.handle } : {}),
            onSubmitted: (handle) => {
              beat.handle = handle;
              annotate({ 'cull.comfyui': handle.host, 'cull.prompt_id': handle.promptId });
              context.heartbeat(beat);
              return Promise.resolve();
            },
            onProgress: (progress) => {
              drawingSince ??= performance.now();
              beat.progress = progress;
            },
          });
          siblings.join(run, { isDrawing: () => drawingSince !== undefined, stop: giveUp, ended: drawing });
          return drawing;
        });
        const { keepMetadata } = plan;
        const image = await storeGeneration(storage, { ref, seed, group, generation, usdPerHour, keepMetadata });
        const { host, promptId, timing } = generation;
        countDrawn(metrics, { plan, timing, host, waitedMs });
        annotate({ 'cull.comfyui': host, 'cull.prompt_id': promptId, 'cull.draw_ms': timing.drawMs });
        log.info({ ...ref, host, promptId, ...timing }, 'drawn');
        return { ...answer(image), ...(deps.poolSlots && { slots: deps.poolSlots() }) };
      } catch (error) {
        const drawMs = drawingSince === undefined ? 0 : Math.round(performance.now() - drawingSince);
        if (stopped.signal.aborted) await isTold(context, { within: toldWithinMs, leave });
        const isUnwanted = isStopped(context);
        if (isUnwanted) {
          await storeCancelled(storage, { ref, seed, group, handle: beat.handle, drawMs, usdPerHour });
          countCancelled(metrics, { handle: beat.handle, drawMs });
          log.info({ ...ref, ...beat.handle, drawMs }, 'cancelled');
        } else countNodeFailure(metrics, error);
        const failure = endedWith(stopped.signal.aborted && !isUnwanted ? stoppedAlone() : error, beat, provider.host);
        context.heartbeat(beat);
        throw failure;
      } finally {
        clearInterval(timer);
      }
    },
  });
}

/** @param drawSeconds what a candidate takes here; null: not known yet */
const heartbeatMs = (drawSeconds: number | null): number =>
  Math.min(
    SLOWEST_HEARTBEAT_MS,
    Math.max(FASTEST_HEARTBEAT_MS, ((drawSeconds ?? Infinity) * 1_000) / HEARTBEATS_PER_DRAW),
  );

/** Whether the request wants this candidate no more; a worker that ends, or whose attempt timed out, says nothing of the kind. */
function isStopped({ cancellationSignal, cancellationDetails: why }: Context): boolean {
  return cancellationSignal.aborted && why?.workerShutdown !== true && why?.timedOut !== true;
}

/** Resolves once Temporal has cancelled this candidate too, or will not within so many milliseconds. */
async function isTold(
  { cancelled }: Context,
  { within, leave }: { within: number; leave: AbortSignal | undefined },
): Promise<void> {
  const told = new AbortController();
  const signal = AbortSignal.any(leave ? [told.signal, leave] : [told.signal]);
  const patience = sleep(within, undefined, { signal }).catch(() => undefined);
  await Promise.race([cancelled.catch(() => undefined), patience]);
  told.abort();
}

const stoppedAlone = (): ApplicationFailure =>
  ApplicationFailure.create({
    type: STOPPED_ALONE,
    message: 'it was given up with others of its request, but is still wanted',
  });

/**
 * Does `work`, which `stop` ends when the candidate is cancelled, and gives up without cancelling when only this worker shuts down: the prompt
 * goes on in ComfyUI, and the next attempt attaches to it.
 */
async function untilShutdown<T>(
  { context, leave, stop }: { context: Context; leave: AbortSignal | undefined; stop: () => void },
  work: () => Promise<T>,
): Promise<T> {
  const over = new AbortController();
  const shutdown = new Promise<never>((_, reject) => {
    const gone = () =>
      reject(
        ApplicationFailure.create({ type: WORKER_GONE, message: 'the worker is shutting down or lost its lease' }),
      );
    if (leave?.aborted) gone();
    leave?.addEventListener('abort', gone, { once: true, signal: over.signal });
    context.cancelled.catch(() => {
      if (isStopped(context)) stop();
      else gone();
    });
  });
  return Promise.race([work(), shutdown]).finally(() => over.abort());
}
