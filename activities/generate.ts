/** generate: one candidate's picture, drawn or found, into storage. */
import { createHash } from 'node:crypto';
import { ApplicationFailure, CancelledFailure, Context } from '@temporalio/activity';
import sharp from 'sharp';
import { CullError, type ErrorCode } from '../errors.js';
import type { Generation, Provider } from '../providers/provider.js';
import { deriveSeed } from '../selection/seeds.js';
import { keys } from '../storage/keys.js';
import type { Storage } from '../storage/storage.js';
import { bindSeed } from '../templates/bind.js';
import type { CandidateRecord, GenerateHeartbeat } from '../workflows/contract.js';
import { createPlanReader, emptyRecord, readRecord, writeRecord, type CandidateRef } from './documents.js';
import { toFailure, withFailures } from './failures.js';

/** `again`: the request ran before, so that even a first try may find the candidate drawn. */
export type GenerateAsk = CandidateRef & { again: boolean };

/** The storage key of the picture. */
export interface GenerateAnswer {
  image: string;
}

export interface GenerateActivities {
  generate(ask: GenerateAsk): Promise<GenerateAnswer>;
}

/** Errors after which the prompt is not asked for again: it failed, or its host was waited for long enough and is given up. */
const PROMPT_FAILED: ReadonlySet<ErrorCode> = new Set([
  'COMFY_UNREACHABLE',
  'COMFY_NODE_FAILED',
  'COMFY_OUT_OF_MEMORY',
  'COMFY_STALLED',
  'COMFY_INTERRUPTED',
  'COMFY_OUTPUT_MISSING',
  'COMFY_OUTPUT_NOT_AN_IMAGE',
]);

/**
 * After so many failures the candidate is lost; what is not listed is tried as often as the workflow's retry policy says. A node that failed
 * twice on its own seed fails for good, and bytes that were no image three times are no accident.
 */
const FAILURES_ALLOWED: Partial<Record<ErrorCode, number>> = {
  COMFY_NODE_FAILED: 2,
  COMFY_OUT_OF_MEMORY: 3,
  COMFY_OUTPUT_MISSING: 3,
  COMFY_OUTPUT_NOT_AN_IMAGE: 3,
  COMFY_STALLED: 3,
  COMFY_INTERRUPTED: 3,
  STORAGE_FULL: 4,
  STORAGE_UNWRITABLE: 4,
};

/** Cancellations arrive with heartbeats; this often they are asked for. */
const HEARTBEAT_MS = 1_000;

/**
 * Activities of the Worker of one ComfyUI (or hosted provider).
 *
 * `generate` is idempotent: a picture already in storage is the answer; else the job named in the last heartbeat is attached to; else it is
 * drawn under a prompt id of this attempt's own.
 */
export function createGenerateActivities(deps: {
  storage: Storage;
  provider: Provider;
  /** USD per hour of the host; undefined states no cost. */
  usdPerHour?: number | undefined;
  /** Aborts when this worker cannot wait any longer: what runs is left in ComfyUI, and the next attempt attaches to it. */
  leave?: AbortSignal;
}): GenerateActivities {
  const { storage, provider } = deps;
  const planOf = createPlanReader(storage);

  return withFailures({
    async generate({ again, ...ref }: GenerateAsk): Promise<GenerateAnswer> {
      const context = Context.current();
      const earlier = context.info.heartbeatDetails as GenerateHeartbeat | undefined;
      const plan = await planOf(ref);
      const seed = deriveSeed(plan.seed, ref.candidate);
      const isFirstTry = context.info.attempt === 1 && !again;
      const found = await findDrawn(storage, ref, { seed, isFirstTry });
      if (found) return { image: found };

      const beat: GenerateHeartbeat = {
        candidate: ref.candidate,
        handle: earlier?.handle,
        failures: earlier?.failures,
      };
      const timer = setInterval(() => context.heartbeat(beat), HEARTBEAT_MS);
      try {
        const generation = await untilShutdown({ context, leave: deps.leave }, (signal) =>
          provider.generate(
            {
              ...ref,
              seed,
              attempt: context.info.attempt,
              fresh: isFirstTry,
              graph: bindSeed(plan.graph, plan.seedAt, seed),
              output: plan.output,
              files: plan.files.map((file) => ({
                name: file.name,
                bytes: () => readInput(storage, ref.tenant, file.sha256),
              })),
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
                beat.progress = progress;
              },
            },
          ),
        );
        return { image: await store(storage, { ref, seed, generation, usdPerHour: deps.usdPerHour }) };
      } catch (error) {
        if (!(error instanceof CullError)) throw error;
        // The last heartbeat travels with the failure: the next try then does not ask for a prompt that is known to be no good.
        beat.failures = (beat.failures ?? 0) + 1;
        if (beat.handle && PROMPT_FAILED.has(error.code)) beat.handle = { ...beat.handle, failed: true };
        context.heartbeat(beat);
        throw toFailure(error, { last: beat.failures >= (FAILURES_ALLOWED[error.code] ?? Infinity) });
      } finally {
        clearInterval(timer);
      }
    },
  });
}

/**
 * The picture's key if this candidate was drawn before, which it never was on the first try of a request's first run. A crash can fall
 * between picture and record; then the record is made up for, with the times unknown.
 */
async function findDrawn(
  storage: Storage,
  ref: CandidateRef,
  { seed, isFirstTry }: { seed: number; isFirstTry: boolean },
): Promise<string | undefined> {
  if (isFirstTry) return undefined;
  const record = await readRecord(storage, ref);
  if (record?.image) return record.image.key;
  for await (const { key } of storage.list(keys.image(ref.tenant, ref.request, ref.candidate, ''))) {
    const object = /\.(png|jpg|webp)$/.test(key) ? await storage.get(key) : undefined;
    if (!object) continue;
    const { width, height } = await sharp(object.body).metadata();
    const image = { key, sha256: sha256(object.body), pixelSha256: null, width, height };
    await writeRecord(storage, ref, { ...emptyRecord(ref.candidate, seed, 'drawn'), image });
    return key;
  }
  return undefined;
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

async function readInput(storage: Storage, tenant: string, sha256: string): Promise<Uint8Array> {
  const object = await storage.get(keys.input(tenant, sha256));
  if (object) return object.body;
  throw new CullError('STORAGE_MISSING', `input ${sha256} is not in ${storage.description}`, {
    hint: 'give the image again',
  });
}

/** Picture first, record second: a record promises that its picture is there. */
async function store(
  storage: Storage,
  done: { ref: CandidateRef; seed: number; generation: Generation; usdPerHour: number | undefined },
): Promise<string> {
  const { ref, seed, generation, usdPerHour } = done;
  const { bytes, format, width, height, host, promptId, timing } = generation;
  const key = keys.image(ref.tenant, ref.request, ref.candidate, format === 'jpeg' ? 'jpg' : format);
  await storage.put(key, bytes, { contentType: `image/${format}` });
  const record: CandidateRecord = {
    ...emptyRecord(ref.candidate, seed, 'drawn'),
    host,
    promptId,
    image: { key, sha256: sha256(bytes), pixelSha256: null, width, height },
    timing: { queuedMs: timing.queuedMs, drawMs: timing.drawMs, scoreMs: null },
    // microUsd = seconds * USD/h / 3600 * 1e6
    cost: usdPerHour === undefined ? null : { microUsd: Math.round((timing.drawMs * usdPerHour) / 3.6) },
  };
  await writeRecord(storage, ref, record);
  return key;
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
        ApplicationFailure.create({ type: 'WORKER_GONE', message: 'the worker is shutting down or lost its lease' }),
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
