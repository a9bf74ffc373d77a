/** Stored decisions reach their request: the running workflow is told, an ended one is started once more to deliver. */
import {
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
  type WorkflowHandle,
} from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { causeOf, CullError, ERRORS, type ErrorCode } from '../errors.js';
import {
  bestOfNWorkflowId,
  REVIEW_CLOSED,
  REVIEW_UPDATE,
  type BestOfNState,
  type RequestDoc,
  type ResultDoc,
  type ReviewAnswer,
  type ReviewUpdate,
} from '../workflows/contract.js';
import type { Cull } from './cull.js';
import { startWorkflow } from './start.js';
import { resumeWinners } from './winners.js';

/** What a decision needs of `Cull`. */
export type ReviewDoors = Pick<
  Cull,
  'temporal' | 'storage' | 'tenant' | 'requestDoc' | 'result' | 'records' | 'hasWorker'
>;

/** For a worker to take an update. */
const TELL_MS = 30_000;
/** Another delivery that ends at the same moment can have missed a decision; each round sees one more of them. */
const ROUNDS = 5;
/** The second: Temporal's own word for a workflow that ended between taking an update and answering it. */
const CLOSED = new Set([REVIEW_CLOSED, 'AcceptedUpdateCompletedWorkflow']);

/**
 * Makes stored decisions count: an open request is told; one that ended as a shortfall is delivered again, with nothing drawn. All others have ended
 * for good, and the decisions are labels.
 *
 * @returns how an open request stands; undefined: it has ended
 */
export async function settle(
  doors: ReviewDoors,
  doc: RequestDoc,
  decisions: ReviewUpdate,
): Promise<ReviewAnswer | undefined> {
  const { tenant, request } = doc;
  const handle = doors.temporal.workflow.getHandle(bestOfNWorkflowId(tenant, request));
  for (let round = 0; round < ROUNDS; round++) {
    const result = await doors.result(request);
    if (result && result.state !== 'shortfall') return undefined;
    if (result?.shortfall) {
      const records = await doors.records(request);
      if (Object.keys(decisions).every((candidate) => records[Number(candidate)]?.review !== undefined))
        return undefined;
    }
    if (!(await doors.hasWorker()))
      throw new CullError('TEMPORAL_UNREACHABLE', `no worker takes request ${request}`, {
        hint: 'the decision is stored; start a worker and repeat the command, so that it counts now',
      });
    if (result) {
      await resumeWinners(doors.storage, { tenant, request });
      await startWorkflow(doors, doc, endOf(doc, result));
      await untilEnded(handle);
      continue;
    }
    try {
      return await doors.temporal.withDeadline(Date.now() + TELL_MS, () =>
        handle.executeUpdate<ReviewAnswer, [ReviewUpdate]>(REVIEW_UPDATE, { args: [decisions] }),
      );
    } catch (error) {
      if (!isClosed(error)) throw failureOf(error, request);
      await untilEnded(handle);
    }
  }
  throw new CullError('INTERNAL', `request ${request} has ended without a result`, {
    hint: `the decision is stored; \`comfy-cull resume ${request}\` goes on, and it counts then`,
  });
}

/** The workflow chooses its winners or has ended: it can no longer be told. */
const isClosed = (error: unknown): boolean =>
  error instanceof WorkflowNotFoundError || (error instanceof WorkflowUpdateFailedError && CLOSED.has(typeOf(error)));

const typeOf = ({ cause }: WorkflowUpdateFailedError): string =>
  cause instanceof ApplicationFailure ? (cause.type ?? '') : '';

function failureOf(error: unknown, request: string): unknown {
  if (error instanceof WorkflowUpdateRPCTimeoutOrCancelledError)
    return new CullError('TEMPORAL_UNREACHABLE', `no worker told request ${request} of the decision in time`, {
      hint: 'the decision is stored; repeat the command, so that it counts now',
      cause: error,
    });
  if (!(error instanceof WorkflowUpdateFailedError)) return error;
  const code = typeOf(error);
  return Object.hasOwn(ERRORS, code) ? new CullError(code as ErrorCode, causeOf(error), { cause: error }) : error;
}

/** Resolves when no workflow of the request runs. */
async function untilEnded(handle: WorkflowHandle): Promise<void> {
  try {
    await handle.result();
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
  }
}

/** The memory of a workflow that has drawn all it will: what is left to do is to choose the winners. */
function endOf(doc: RequestDoc, { counts, shortfall, timing }: ResultDoc): BestOfNState {
  const startedAt = Date.parse(doc.createdAt);
  return {
    launched: counts.drawn,
    drawn: counts.scored,
    scored: counts.scored,
    passed: counts.passed,
    rejected: counts.rejected,
    lost: counts.lost,
    cancelled: counts.cancelled,
    gates: shortfall?.gates ?? {},
    startedAt,
    firstPassAt: timing.firstPassMs === null ? null : startedAt + timing.firstPassMs,
    queue: '',
    again: true,
    stop: shortfall?.reason ?? 'cap',
  };
}
