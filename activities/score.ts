/** score: measure one drawn candidate, judge it, keep both. */
import { Context } from '@temporalio/activity';
import { CullError, ERRORS } from '../errors.js';
import { cascadeRun } from '../selection/cascade.js';
import { modelsUsed, scoreProblems } from '../selection/pins.js';
import { waitsForReview } from '../selection/review.js';
import type { PassedSoFar } from '../selection/winners.js';
import { keys } from '../storage/keys.js';
import type { Storage } from '../storage/storage.js';
import { SILENT, type Telemetry } from '../telemetry/telemetry.js';
import { pastSpan } from '../telemetry/traces.js';
import type { CandidateRecord, PlanDoc } from '../workflows/contract.js';
import { createComparedReader } from './compared.js';
import { countJudged } from './counted.js';
import { createPlanReader, readRecord, writeRecord, type CandidateRef } from './documents.js';
import { toFailure, withFailures } from './failures.js';
import { float32 } from './float32.js';
import { createModelKeeper } from './same-models.js';
import type { ScorePool } from './scoring/pool.js';
import { planFor } from './varied.js';
import { createAnnouncer, standingOf } from './winners.js';

export interface ScoreAnswer {
  pass: boolean;
  /** Ids of the gates that were not passed. */
  failed: string[];
  /** Only a person can let it pass. Absent: it passes, or it is rejected. */
  band?: 'review';
  /** Of one that passes or waits for a person: what it is ranked by, 0..100, and what tells it from others. */
  quality?: number;
  fingerprint?: string;
  /** The first 16 digits. */
  pixelSha256?: string;
  /** What drawing it cost. Absent: no price is set. */
  microUsd?: number;
}

export interface ScoreActivities {
  score(ref: CandidateRef & { image: string }): Promise<ScoreAnswer>;
}

const HEARTBEAT_MS = 5_000;

/** Activities of a scoring worker. The pool's threads measure; judging is the pure function that everybody runs. */
export function createScoreActivities(deps: {
  storage: Storage;
  pool: ScorePool;
  telemetry?: Telemetry;
}): ScoreActivities {
  const { storage, pool, telemetry = SILENT } = deps;
  const planOf = createPlanReader(storage);
  const comparedWith = createComparedReader(storage);
  const keepModels = createModelKeeper(storage);
  const announce = createAnnouncer(storage);

  /** Also on a repeat: the attempt before may have ended between record and announcement. */
  const answered = async (record: CandidateRecord, plan: PlanDoc): Promise<ScoreAnswer> => {
    const standing = standingOf(record, plan.policy);
    if (record.verdict?.pass && standing) await announce(plan, standing);
    return answerOf(record, standing);
  };

  return withFailures(telemetry, {
    async score(ref: CandidateRef & { image: string }): Promise<ScoreAnswer> {
      const context = Context.current();
      const [whole, record, object] = await Promise.all([
        planOf(ref),
        readRecord(storage, ref),
        storage.get(ref.image),
      ]);
      if (!record?.image || !object)
        throw new CullError(
          'STORAGE_MISSING',
          `candidate ${ref.candidate} of ${ref.request} is not in ${storage.description}`,
          {
            hint: 'all workers must use the same CULL_STORAGE',
          },
        );
      const plan = planFor(whole, record.group);
      // One of another version was made before an upgrade: it is measured again.
      if (record.verdict && scoreProblems(record.scores, plan.policy).length === 0) {
        await keepModels(ref, modelsUsed(record.scores, plan.policy));
        return await answered(record, plan);
      }

      const timer = setInterval(() => context.heartbeat(), HEARTBEAT_MS);
      try {
        const startedAt = performance.now();
        const { full = false, order } = plan.cascade ? cascadeRun(plan.cascade, ref) : {};
        const { image, scores, verdict, embedding, timing } = await pool.score(
          {
            bytes: object.body,
            policy: plan.policy,
            explain: full ? 'all' : 'gates',
            ...(order && { order }),
            request: { deliver: plan.deliver, inputs: plan.inputs },
            ...(await comparedWith(ref.tenant, { plan, record })),
            ...(plan.prompt === undefined ? {} : { prompt: plan.prompt }),
            ...(plan.negativePrompt === undefined ? {} : { negativePrompt: plan.negativePrompt }),
          },
          { signal: context.cancellationSignal },
        );
        for (const [id, ms] of Object.entries(timing.scorers))
          pastSpan(`scorer ${id}`, { startMs: timing.began[id] ?? Date.now() - ms, ms });
        await keepModels(ref, modelsUsed(scores, plan.policy));
        if (embedding !== null)
          await storage.put(keys.embedding(ref.tenant, ref.request, ref.candidate), float32(embedding));
        const scored: CandidateRecord = {
          ...record,
          state: verdict.pass ? 'passed' : 'rejected',
          image: { ...record.image, pixelSha256: image.pixelSha256 },
          scores,
          verdict,
          error: null,
          timing: {
            ...record.timing,
            scoreMs: Math.round(performance.now() - startedAt),
            ...(full && { scorersMs: tenths(timing.scorers) }),
          },
          ...(full && { full }),
        };
        await writeRecord(storage, ref, scored);
        countJudged(telemetry.metrics, { plan, record: scored });
        telemetry.log.info(scoredLine(ref, scored), 'scored');
        return await answered(scored, plan);
      } catch (error) {
        // A new version may be rolled out at this moment, for minutes: another worker, or this one restarted, may be the right one.
        if (error instanceof CullError && error.code === 'SCORER_VERSION')
          throw toFailure(error, { delayMs: ERRORS.SCORER_VERSION.delayMs });
        throw error;
      } finally {
        clearInterval(timer);
      }
    },
  });
}

const tenths = (ms: Record<string, number>): Record<string, number> =>
  Object.fromEntries(Object.entries(ms).map(([scorer, one]) => [scorer, Math.round(10 * one) / 10]));

/** Few bytes: it is kept in the workflow's history. */
function answerOf({ verdict, cost }: CandidateRecord, standing: PassedSoFar | undefined): ScoreAnswer {
  const { quality, fingerprint, pixelSha256 } = standing ?? {};
  return {
    pass: verdict?.pass === true,
    failed: verdict?.failed.map(({ gate }) => gate) ?? [],
    ...(verdict && waitsForReview(verdict) && { band: 'review' }),
    ...(quality !== undefined && { quality }),
    ...(fingerprint !== undefined && { fingerprint }),
    ...(pixelSha256 !== undefined && { pixelSha256 }),
    ...(cost !== null && { microUsd: cost.microUsd }),
  };
}

const scoredLine = ({ tenant, request }: CandidateRef, { candidate, host, verdict, timing }: CandidateRecord) => ({
  tenant,
  request,
  candidate,
  host,
  band: verdict?.band,
  failed: verdict?.failed.map(({ gate }) => gate),
  ...timing,
});
