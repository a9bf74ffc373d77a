import { setTimeout as sleep } from 'node:timers/promises';
import { CullError, rowOf, type ErrorCode } from '../../errors.js';
import { setFilenamePrefix } from '../../templates/bind.js';
import type { Generation, GenerationJob, Handle, Progress } from '../provider.js';
import { cancelPrompt } from './cancel.js';
import { download } from './download.js';
import { nodeFailed, type NodeProblem } from './errors.js';
import type { Host } from './host.js';
import { isUnreachable } from './http.js';
import { UNKNOWN_JOB, type Job } from './job.js';
import { markFor } from './mark.js';
import { unloadModels } from './memory.js';
import { patiently, type PatienceOptions } from './patience.js';
import { filenamePrefixOf, promptIdOf } from './prompt-id.js';
import { refuseRepeated } from './repeated.js';
import { submit } from './submit.js';
import { waitForEnd } from './wait.js';
import type { WaitLimits } from './watch.js';

export interface RunTimeouts extends PatienceOptions {
  pollMs: number;
  limits: WaitLimits;
}

export interface RunOptions {
  /** Where new prompts go. */
  own: Host;
  /** A host by its id, for jobs that were submitted elsewhere. */
  hostOf(id: string): Host | undefined;
  timeouts: RunTimeouts;
  /** Ends the work and leaves the prompt alone: another process will attach to it. */
  leave: AbortSignal;
  /** Cancels the prompt. */
  signal: AbortSignal;
  resume?: Handle;
  onSubmitted(handle: Handle): Promise<void>;
  onProgress(progress: Progress): void;
}

/** So many prompts of one candidate that ComfyUI forgot are enough: the next attempt may go elsewhere. */
const MAX_LOST = 3;
const MAX_TURNS = 100;
/** A POST that is under way when the job is cancelled gets this long to arrive, so that the cancellation comes after it. */
const POST_GRACE_MS = 1_000;

/**
 * Draws one candidate on one ComfyUI, or finds it where an earlier try left it.
 *
 * First the host of `resume` is asked: pending, running or done there, it is finished there. Otherwise the candidate is
 * submitted here, under an id that follows from (tenant, request, candidate, attempt), after a look whether that very id is
 * here already. An id that has failed is never used again. After errors that say so (`where: 'here'` in errors.ts), and after memory ran out
 * and the models were unloaded, it is drawn here once more under a new id and file name before the error is thrown.
 *
 * @throws CullError COMFY_*; the reason of `signal` or `leave`
 */
export async function drawCandidate(job: GenerationJob, options: RunOptions): Promise<Generation> {
  const run = new Run(job, options);
  try {
    return (await run.resume()) ?? (await run.draw());
  } catch (error) {
    if (!options.signal.aborted) throw error;
    await run.cancel();
    throw options.signal.reason;
  }
}

class Run {
  readonly #job: GenerationJob;
  readonly #options: RunOptions;
  readonly #signal: AbortSignal;
  /** The prompt that a cancellation is about. */
  #current: { host: Host; promptId: string } | undefined;
  #post: Promise<unknown> | undefined;
  /** Prompts that ended and are of no use. */
  readonly #spent = new Set<string>();
  /** Errors after which it was drawn once more. */
  readonly #repeated = new Set<ErrorCode>();

  constructor(job: GenerationJob, options: RunOptions) {
    this.#job = job;
    this.#options = options;
    this.#signal = AbortSignal.any([options.signal, options.leave]);
  }

  /** Finishes the prompt of an earlier try; undefined if there is nothing to finish. */
  async resume(): Promise<Generation | undefined> {
    const { resume, own } = this.#options;
    const host = resume && !resume.failed ? this.#options.hostOf(resume.host) : undefined;
    if (!resume || !host) return undefined;
    this.#current = { host, promptId: resume.promptId };
    try {
      const found = await this.#ask(host, resume.promptId);
      if (found.state === 'unknown' || found.state === 'failed' || found.state === 'cancelled') return undefined;
      return await this.#finish(host, resume.promptId, {});
    } catch (error) {
      // Given up: the prompt is drawn again here, unless here is what does not answer.
      if (isUnreachable(error) && host.id !== own.id) return undefined;
      if (host.id !== own.id || !(await this.#mayRepeat(error, resume.promptId))) throw error;
      return undefined;
    }
  }

  /** Submits here and finishes. */
  async draw(): Promise<Generation> {
    const { own } = this.#options;
    let lost = 0;
    for (let turn = 0; turn < MAX_TURNS; turn++) {
      const promptId = promptIdOf({ ...this.#job, turn });
      if (this.#spent.has(promptId)) continue;
      try {
        const found = turn === 0 && this.#job.fresh ? UNKNOWN_JOB : await this.#ask(own, promptId);
        if (found.state === 'failed' || found.state === 'cancelled') continue;
        const generation =
          found.state === 'unknown' ? await this.#submit(promptId, turn) : await this.#attach({ host: own, promptId });
        if (generation) return generation;
      } catch (error) {
        if (await this.#mayRepeat(error, promptId)) continue;
        throw error;
      }
      if (++lost === MAX_LOST) break;
    }
    throw new CullError(
      'COMFY_INTERRUPTED',
      `ComfyUI at ${own.url} forgot the prompt ${lost} times before it was drawn`,
      {
        hint: 'it restarts, or somebody clears its queue',
      },
    );
  }

  async cancel(): Promise<void> {
    const current = this.#current;
    if (!current) return;
    const cancel = (): Promise<unknown> => cancelPrompt(current.host.client, current.promptId);
    const post = this.#post;
    if (post) {
      const arrival = post.then(
        () => true,
        () => true,
      );
      const arrived = await Promise.race([arrival, sleep(POST_GRACE_MS, false)]);
      // It may still arrive after we have left.
      if (!arrived) void arrival.then(cancel);
    }
    await cancel();
  }

  #ask(host: Host, promptId: string): Promise<Job> {
    const signal = this.#signal;
    return patiently(() => host.client.job(promptId, { signal }), { ...this.#options.timeouts, signal });
  }

  /** Whether it is to be drawn here once more after this error; each error allows that once. */
  async #mayRepeat(error: unknown, promptId: string): Promise<boolean> {
    if (!(error instanceof CullError) || this.#repeated.has(error.code)) return false;
    const hasNoMemory = error.code === 'COMFY_OUT_OF_MEMORY';
    if (!hasNoMemory && rowOf(error.code)?.where !== 'here') return false;
    this.#repeated.add(error.code);
    this.#spent.add(promptId);
    const { own, timeouts } = this.#options;
    if (hasNoMemory) await unloadModels(own, { patience: timeouts, signal: this.#signal });
    return true;
  }

  async #attach(to: { host: Host; promptId: string }): Promise<Generation | undefined> {
    await this.#options.onSubmitted({ host: to.host.id, promptId: to.promptId });
    return await this.#finish(to.host, to.promptId, {});
  }

  async #submit(promptId: string, turn: number, again = false): Promise<Generation | undefined> {
    const { own, timeouts } = this.#options;
    const signal = this.#signal;
    const saving = [...this.#job.output, ...Object.values(this.#job.masks ?? {})];
    const named = setFilenamePrefix(this.#job.graph, saving, filenamePrefixOf({ ...this.#job, turn }));
    const graph = await patiently(() => own.uploads.place(this.#job, named, signal), { ...timeouts, signal });
    await own.events.ready();
    const { clientId } = own.events;
    const handle = { host: own.id, promptId };
    await this.#options.onSubmitted(handle);
    signal.throwIfAborted();
    this.#current = { host: own, promptId };
    const submittedAt = Date.now();
    let usedId: string;
    try {
      const onPost = (post: Promise<unknown>): void => {
        this.#post = post;
      };
      const prompt = { graph, promptId, clientId, extraData: { cull: markFor(this.#job, own.id) } };
      usedId = await submit(own, prompt, { patience: timeouts, signal, onPost });
    } catch (error) {
      // The file was sent before, and ComfyUI's input folder was emptied since.
      if (again || !isMissingFile(error) || this.#job.files.length === 0) throw error;
      own.uploads.forget(this.#job);
      return await this.#submit(promptId, turn, true);
    }
    this.#post = undefined;
    if (usedId !== promptId) await this.#options.onSubmitted({ host: own.id, promptId: usedId });
    return await this.#finish(own, usedId, { clientId, submittedAt });
  }

  /** Waits for a prompt and fetches its image; undefined if ComfyUI has forgotten it. */
  async #finish(
    host: Host,
    promptId: string,
    from: { clientId?: string; submittedAt?: number },
  ): Promise<Generation | undefined> {
    const { timeouts } = this.#options;
    const onProgress = (progress: Progress): void => this.#options.onProgress(progress);
    const signal = this.#signal;
    this.#current = { host, promptId };
    const clientId = from.clientId === undefined ? {} : { clientId: from.clientId };
    const { graph } = this.#job;
    const waiting = { ...timeouts, patience: timeouts, signal, graph, onProgress, ...clientId };
    const job = await waitForEnd(host, promptId, waiting);
    if (job.state === 'unknown') return undefined;
    if (job.state === 'failed') throw nodeFailed(job.error, this.#job.graph, host.url);
    if (job.state === 'cancelled') {
      throw new CullError('COMFY_INTERRUPTED', `the prompt was interrupted on ComfyUI at ${host.url}`, {
        hint: 'somebody pressed cancel there; it is drawn again',
        details: { promptId },
      });
    }
    await refuseRepeated(host, { job, of: this.#job }, { patience: timeouts, signal });
    const drawn = await download(host, { job, of: this.#job, promptId }, { patience: timeouts, signal });
    return { ...drawn, host: host.id, promptId, timing: timingOf(job, from.submittedAt) };
  }
}

/** By the host's clock where it tells; clocks of two machines are never subtracted from each other. */
function timingOf(job: Job, submittedAt: number | undefined): Generation['timing'] {
  const { createdAt, startedAt, endedAt } = job.timing;
  const between = (from: number | undefined, to: number | undefined): number | undefined =>
    from === undefined || to === undefined ? undefined : Math.max(0, Math.round(to - from));
  const drawMs = between(startedAt, endedAt);
  const total = between(submittedAt, Date.now()) ?? 0;
  return { queuedMs: between(createdAt, startedAt) ?? 0, drawMs: drawMs ?? total };
}

const isMissingFile = (error: unknown): boolean =>
  error instanceof CullError &&
  error.code === 'COMFY_INVALID_GRAPH' &&
  (error.details as NodeProblem[]).some((one) => /invalid (image|mask|audio|video)? ?file/i.test(one.details));
