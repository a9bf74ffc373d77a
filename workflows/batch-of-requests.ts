/**
 * A batch: its lines become requests, so many at once, until all have ended. Part after part is admitted; as a part ends, its results are stored.
 *
 * Deterministic. Its requests inherit its priority. Lines and results live in storage; the workflow keeps counters. Each request is a child workflow, `bestOfN`: about nine events here.
 * Past 2,500 events it lets what is open end and continues as new, before the next part, so that no history passes 4,000.
 */
import {
  CancellationScope,
  condition,
  continueAsNew,
  defineQuery,
  executeChild,
  isCancellation,
  ParentClosePolicy,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { AdmittedRequest } from '../activities/batch.js';
import {
  BATCH_PROGRESS_QUERY,
  type BatchArgs,
  type BatchMemory,
  type BatchProgress,
  type BatchResult,
  type BatchState,
} from './batch-contract.js';
import type { bestOfN } from './best-of-n.js';
import { bestOfNWorkflowId, memoOf } from './contract.js';
import { admitPart, closeBatch, recordPart } from './proxies.js';
import { sendNews } from './send-webhook.js';

const CONTINUE_AT_EVENTS = 2_500;

export const batchProgressQuery = defineQuery<BatchProgress>(BATCH_PROGRESS_QUERY);

export async function batchOfRequests(args: BatchArgs): Promise<BatchResult> {
  const { tenant, batch, parts } = args;
  const memory: BatchMemory = args.carried ?? newMemory(workflowInfo().startTime.getTime());
  const open = { requests: 0 };
  let state: BatchState = 'running';
  setHandler(batchProgressQuery, () => ({ state, counts: memory.counts, open: open.requests }));

  let end: 'done' | 'cancelled' | 'continue';
  try {
    end = await admitAll(args, memory, open);
  } catch (thrown) {
    if (!isCancellation(thrown)) throw thrown;
    end = 'cancelled';
  }
  if (end === 'continue') return continueAsNew<typeof batchOfRequests>({ ...args, carried: memory });
  const { counts, startedAt } = memory;
  const { news, ...result } = await CancellationScope.nonCancellable(() =>
    closeBatch({ tenant, batch, parts, end, counts, startedAt }),
  );
  state = end;
  await sendNews(tenant, news);
  return result;
}

/** Admits part after part; resolves when nothing is open and every part that was admitted is recorded, also where it throws. */
async function admitAll(
  { tenant, batch, parts, window }: BatchArgs,
  memory: BatchMemory,
  open: { requests: number },
): Promise<'done' | 'continue'> {
  const recorded: Promise<void>[] = [];
  try {
    while (memory.part < parts) {
      if (workflowInfo().historyLength > CONTINUE_AT_EVENTS) return 'continue';
      const part = memory.part;
      const { invalid, requests } = await admitPart({ tenant, batch, part });
      memory.counts.invalid += invalid;
      memory.part++;
      const lines: Promise<void>[] = [];
      // what was admitted is recorded, also where a cancellation comes in between
      let isAdmitted = false;
      recorded.push(
        CancellationScope.nonCancellable(async () => {
          await condition(() => isAdmitted);
          await Promise.all(lines);
          await recordPart({ tenant, batch, part, started: lines.length });
        }),
      );
      try {
        for (const request of requests) {
          await condition(() => open.requests < window);
          open.requests++;
          memory.counts.started++;
          lines.push(
            run(tenant, request, memory).finally(() => {
              open.requests--;
            }),
          );
        }
      } finally {
        isAdmitted = true;
      }
    }
    return 'done';
  } finally {
    await CancellationScope.nonCancellable(() => Promise.all(recorded));
  }
}

/** One request to its end. Whatever becomes of it, it counts once, and the batch goes on. */
async function run(tenant: string, { args, summary, ended }: AdmittedRequest, { counts }: BatchMemory): Promise<void> {
  if (ended) {
    counts[ended.state]++;
    counts.images += ended.delivered;
    return;
  }
  try {
    const { state, delivered } = await executeChild<typeof bestOfN>('bestOfN', {
      workflowId: bestOfNWorkflowId(tenant, args.request),
      args: [args],
      memo: memoOf(args),
      parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
      staticSummary: summary,
    });
    counts[state]++;
    counts.images += delivered;
  } catch (thrown) {
    counts[isCancellation(thrown) ? 'cancelled' : 'failed']++;
  }
}

const newMemory = (startedAt: number): BatchMemory => ({
  part: 0,
  counts: { invalid: 0, started: 0, delivered: 0, shortfall: 0, failed: 0, cancelled: 0, images: 0 },
  startedAt,
});
