/** score: measure one drawn candidate, judge it, keep both. */
import { Context } from '@temporalio/activity';
import { CullError } from '../errors.js';
import { keys } from '../storage/keys.js';
import type { Storage } from '../storage/storage.js';
import { createComparedReader } from './compared.js';
import { createPlanReader, readRecord, writeRecord, type CandidateRef } from './documents.js';
import { withFailures } from './failures.js';
import type { ScorePool } from './scoring/pool.js';

export interface ScoreAnswer {
  pass: boolean;
  /** Ids of the gates that were not passed. */
  failed: string[];
}

export interface ScoreActivities {
  score(ref: CandidateRef & { image: string }): Promise<ScoreAnswer>;
}

const HEARTBEAT_MS = 5_000;

/** Activities of a scoring worker. The pool's threads measure; judging is the pure function that everybody runs. */
export function createScoreActivities(deps: { storage: Storage; pool: ScorePool }): ScoreActivities {
  const { storage, pool } = deps;
  const planOf = createPlanReader(storage);
  const comparedWith = createComparedReader(storage);
  return withFailures({
    async score(ref: CandidateRef & { image: string }): Promise<ScoreAnswer> {
      const context = Context.current();
      const [plan, record, object] = await Promise.all([planOf(ref), readRecord(storage, ref), storage.get(ref.image)]);
      if (!record?.image || !object)
        throw new CullError(
          'STORAGE_MISSING',
          `candidate ${ref.candidate} of ${ref.request} is not in ${storage.description}`,
          {
            hint: 'all workers must use the same CULL_STORAGE',
          },
        );
      if (record.verdict) return answerOf(record.verdict);

      const timer = setInterval(() => context.heartbeat(), HEARTBEAT_MS);
      try {
        const startedAt = performance.now();
        const { image, scores, verdict, embedding } = await pool.score(
          {
            bytes: object.body,
            policy: plan.policy,
            explain: 'gates',
            ...(await comparedWith(ref.tenant, { plan, record })),
            ...(plan.prompt === undefined ? {} : { prompt: plan.prompt }),
            ...(plan.negativePrompt === undefined ? {} : { negativePrompt: plan.negativePrompt }),
          },
          { signal: context.cancellationSignal },
        );
        if (embedding !== null)
          await storage.put(keys.embedding(ref.tenant, ref.request, ref.candidate), float32(embedding));
        await writeRecord(storage, ref, {
          ...record,
          state: verdict.pass ? 'passed' : 'rejected',
          image: { ...record.image, pixelSha256: image.pixelSha256 },
          scores,
          verdict,
          error: null,
          timing: { ...record.timing, scoreMs: Math.round(performance.now() - startedAt) },
        });
        return answerOf(verdict);
      } finally {
        clearInterval(timer);
      }
    },
  });
}

/** Little-endian, whatever this machine is. */
export function float32(values: Float32Array): Uint8Array {
  const bytes = new DataView(new ArrayBuffer(4 * values.length));
  values.forEach((value, i) => bytes.setFloat32(4 * i, value, true));
  return new Uint8Array(bytes.buffer);
}

const answerOf = (verdict: { pass: boolean; failed: { gate: string }[] }): ScoreAnswer => ({
  pass: verdict.pass,
  failed: verdict.failed.map((failure) => failure.gate),
});
