/** generate: one candidate's picture, drawn or found, into storage. */
import { ApplicationFailure, CancelledFailure, Context } from '@temporalio/activity';
import type { Provider } from '../providers/provider.js';
import { deriveSeed } from '../selection/seeds.js';
import type { Storage } from '../storage/storage.js';
import { bindSeed } from '../templates/bind.js';
import { DEFAULT_POOL, type GenerateHeartbeat } from '../workflows/contract.js';
import { carriedOn, endedWith, handBack, refuseEndless, WORKER_GONE } from './attempts.js';
import { createPlanReader, type CandidateRef } from './documents.js';
import { withFailures } from './failures.js';
import { findDrawn, inputFiles, storeCancelled, storeGeneration } from './pictures.js';

/** `again`: the request ran before, so that even a first try may find the candidate drawn. */
export type GenerateAsk = CandidateRef & { again: boolean };

/** The storage key of the picture. */
export interface GenerateAnswer {
  image: string;
}

export interface GenerateActivities {
  generate(ask: GenerateAsk): Promise<GenerateAnswer>;
}

/** Cancellations arrive with heartbeats; this often they are asked for. */
const HEARTBEAT_MS = 1_000;

/**
 * Activities of the Worker of one ComfyUI (or hosted provider).
 *
 * `generate` is idempotent: a picture already in storage is the answer; else the job named in the last heartbeat is attached to; else it is
 * drawn under a prompt id of this attempt's own. One that failed here in a way in which it may not fail elsewhere is handed back, for the worker
 * of another ComfyUI to take (attempts.ts).
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
}): GenerateActivities {
  const { storage, provider, pool = DEFAULT_POOL, usdPerHour } = deps;
  const planOf = createPlanReader(storage);

  return withFailures({
    async generate({ again, ...ref }: GenerateAsk): Promise<GenerateAnswer> {
      const context = Context.current();
      const { attempt } = context.info;
      const beat = carriedOn(ref.candidate, context.info.heartbeatDetails as GenerateHeartbeat | undefined);
      refuseEndless(beat, attempt);
      const plan = await planOf(ref);
      const seed = deriveSeed(plan.seed, ref.candidate);
      const isFirstTry = attempt === 1 && !again;
      const found = await findDrawn(storage, ref, { seed, isFirstTry });
      if (found) return { image: found };
      const handedBack = await handBack(storage, beat, { host: provider.host, pool });
      if (handedBack) {
        context.heartbeat(beat);
        throw handedBack;
      }

      const timer = setInterval(() => context.heartbeat(beat), HEARTBEAT_MS);
      let drawingSince: number | undefined;
      try {
        const generation = await untilShutdown({ context, leave: deps.leave }, (signal) =>
          provider.generate(
            {
              ...ref,
              pool,
              seed,
              attempt,
              fresh: isFirstTry,
              graph: bindSeed(plan.graph, plan.seedAt, seed),
              output: plan.output,
              ...(plan.masks && { masks: plan.masks }),
              files: inputFiles(storage, ref.tenant, plan),
            },
            {
              signal,
              ...(beat.handle ? { resume: beat.handle } : {}),
              onSubmitted: (handle) => {
                beat.handle = handle;
                context.heartbeat(beat);
                return Promise.resolve();
              },
              onProgress: (progress) => {
                drawingSince ??= performance.now();
                beat.progress = progress;
              },
            },
          ),
        );
        return { image: await storeGeneration(storage, { ref, seed, generation, usdPerHour }) };
      } catch (error) {
        if (isStopped(context)) {
          const drawMs = drawingSince === undefined ? 0 : Math.round(performance.now() - drawingSince);
          await storeCancelled(storage, { ref, seed, handle: beat.handle, drawMs, usdPerHour });
        }
        const failure = endedWith(error, beat, provider.host);
        context.heartbeat(beat);
        throw failure;
      } finally {
        clearInterval(timer);
      }
    },
  });
}

/** Whether the request wants this candidate no more; a worker that ends, or whose attempt timed out, says nothing of the kind. */
function isStopped({ cancellationSignal, cancellationDetails: why }: Context): boolean {
  return cancellationSignal.aborted && why?.workerShutdown !== true && why?.timedOut !== true;
}

/**
 * Runs `work` with a signal that aborts when the candidate is cancelled, and gives up without cancelling when only this worker shuts down:
 * the prompt goes on in ComfyUI, and the next attempt attaches to it.
 */
async function untilShutdown<T>(
  { context, leave }: { context: Context; leave: AbortSignal | undefined },
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const over = new AbortController();
  const shutdown = new Promise<never>((_, reject) => {
    const gone = () =>
      reject(
        ApplicationFailure.create({ type: WORKER_GONE, message: 'the worker is shutting down or lost its lease' }),
      );
    if (leave?.aborted) gone();
    leave?.addEventListener('abort', gone, { once: true, signal: over.signal });
    context.cancelled.catch((reason: unknown) => {
      const why = context.cancellationDetails;
      if (why?.workerShutdown || why?.timedOut) gone();
      else controller.abort(reason instanceof Error ? reason : new CancelledFailure('cancelled'));
    });
  });
  return Promise.race([work(controller.signal), shutdown]).finally(() => over.abort());
}
