import pLimit from 'p-limit';
import { CullError, messageOf } from '../../errors.js';
import { loadScorers, versionsOf } from '../../scorers/registry.js';
import { checkedProviders, type ModelOptions } from '../../scorers/models/sessions.js';
import type { VisionModelOptions } from '../../scorers/outside/vision-model.js';
import { takesFile, type AnyScorer, type Scorer } from '../../scorers/scorer.js';
import { scoreProblems, versionProblems } from '../../selection/pins.js';
import { createOutside } from './outside.js';
import { unread } from './result.js';
import {
  DECODING,
  STARTING,
  type ScoreResult,
  type ScoreTask,
  type Stand,
  type ThreadData,
  type ThreadJob,
} from './task.js';
import { createThreads, type Recycling } from './threads.js';

const DECODE_TIMEOUT = { reason: 'timeout', detail: 'the image could not be decoded in the time allowed' } as const;

export interface ScorePoolOptions {
  /** Scoring threads; one image at a time each. No more than there are cores. */
  threads: number;
  /** Modules and addresses with further scorers, as in CULL_SCORERS. @default [] */
  scorerModules?: readonly string[];
  /** Where relative modules are found from. @default process.cwd() */
  from?: string;
  /** Where models are. @default the folder .cull/models */
  models?: ModelOptions;
  /** The vision model that a policy's questions go to. Without one they are `model-missing`. */
  vlm?: VisionModelOptions;
  /** Milliseconds after which an idle thread ends. @default 30_000 */
  idleTimeout?: number;
  /** Milliseconds one image may take. Then its thread is replaced, and the scorer that ran is left out. @default 60_000 */
  taskTimeoutMs?: number;
  /** When threads are replaced by fresh ones to give memory back. @default above 1 GiB and 768 MiB per thread */
  recycling?: Recycling;
}

export interface ScorePool {
  /** Every scorer that runs, built-in and from outside. */
  readonly scorers: readonly AnyScorer[];
  /**
   * Measures and judges one image. Rejects when `signal` is aborted or the pool is closed, and with SCORER_UNREACHABLE when a scorer on
   * another machine does not answer: there is no verdict without it; with SCORER_VERSION when a scorer or model is not the one that the
   * policy pins.
   */
  score(task: ScoreTask, options?: { signal?: AbortSignal }): Promise<ScoreResult>;
  /** Waits for nothing: running images are given up. */
  close(): Promise<void>;
}

/**
 * A pool of threads that measure and judge images. The event loop of the caller stays free. A scorer that throws costs its
 * own dimensions (`error`); one that hangs costs the thread, which is replaced, and its own dimensions (`timeout`).
 *
 * @throws CullError CONFIG_INVALID when none of the execution providers is there; SCORER_INVALID when a module of `scorerModules` does not keep the contract.
 *
 * @example
 * const pool = await createScorePool({ threads: 2 });
 * const { scores, verdict } = await pool.score({ bytes, policy, explain: 'gates' });
 * await pool.close();
 */
export async function createScorePool({
  threads,
  scorerModules = [],
  from = process.cwd(),
  models = { folder: '.cull/models' },
  vlm,
  idleTimeout = 30_000,
  taskTimeoutMs = 60_000,
  recycling = { aboveMb: 1024 + 768 * threads },
}: ScorePoolOptions): Promise<ScorePool> {
  checkedProviders(models.executionProviders);
  // loaded here too, so that a bad module is an error now, with its reason, and not one per image
  const all = await loadScorers(scorerModules, { from });
  // in the order in which the threads have them: `running` holds an index
  const scorers = all.filter((scorer): scorer is Scorer => !takesFile(scorer));
  const versions = versionsOf(all);
  const outside = createOutside(all.filter(takesFile), vlm);
  const workerData: ThreadData = { scorerModules, from, models };
  const workers = createThreads({ count: threads, workerData, idleTimeout, recycling });
  // piscina's queue starts no clock when a task gets its thread; with at most one task per thread it starts at once
  const limit = pLimit(threads);

  const attempt = async (job: ThreadJob, outer: AbortSignal | undefined): Promise<ScoreResult | 'timeout'> => {
    const clock = AbortSignal.timeout(taskTimeoutMs);
    const signal = outer === undefined ? clock : AbortSignal.any([clock, outer]);
    try {
      return await workers.run(job, signal);
    } catch (error) {
      outer?.throwIfAborted();
      if (clock.aborted) return 'timeout';
      throw error;
    }
  };

  const score = async (task: ScoreTask, outer: AbortSignal | undefined): Promise<ScoreResult> => {
    const given: Record<string, Stand> = {};
    // each round takes one scorer out, so it ends
    for (let round = 0; round <= scorers.length; round++) {
      outer?.throwIfAborted();
      const running = new Int32Array(new SharedArrayBuffer(4)).fill(STARTING);
      let failure: Stand;
      try {
        const result = await attempt({ task, given, running, timeoutMs: taskTimeoutMs }, outer);
        if (result !== 'timeout') return result;
        failure = { status: 'unassessable', reason: 'timeout' };
      } catch (error) {
        outer?.throwIfAborted();
        failure = { status: 'error', error: `the scoring thread ended: ${messageOf(error)}` };
      }
      const at = Atomics.load(running, 0);
      const culprit = scorers[at];
      if (culprit !== undefined) given[culprit.spec.id] = failure;
      else if (at === DECODING && failure.status === 'unassessable') return unread(task, scorers, DECODE_TIMEOUT);
      else throw new CullError('INTERNAL', `a scoring thread does not start: ${JSON.stringify(failure)}`);
    }
    throw new Error('unreachable: every scorer was taken out');
  };

  return {
    scorers: all,
    async score(task, { signal } = {}) {
      refuseIf(versionProblems(task.policy.pins, versions), task);
      const measured = await limit(() => score(task, signal));
      const result = await outside.complete(measured, { task, signal: signal ?? new AbortController().signal });
      refuseIf(scoreProblems(result.scores, task.policy), task);
      return result;
    },
    close: () => workers.close(),
  };
}

/** What is measured by something else than the policy says is not judged by it. */
function refuseIf([problem]: readonly string[], { policy }: ScoreTask): void {
  if (problem === undefined) return;
  throw new CullError('SCORER_VERSION', `${problem} by the policy ${policy.policy} or its release`, {
    hint: 'make the request again, then its release names what measures today; or run scoring workers of the pinned version',
  });
}
