/** How much is under way, counted by Temporal: for those who decide whether more may come. */
import { keys } from '../storage/keys.js';
import { bestOfNWorkflowId, type RequestMemo } from '../workflows/contract.js';
import type { Cull } from './cull.js';
import { backlogOf } from './temporal.js';

export interface OpenWork {
  requests: number;
  /** What these requests may draw at most, together; drawn ones included. */
  candidates: number;
}

/** Rows of one answer of Temporal; it gives no more. */
const PAGE = 1_000;

/**
 * What of a connection's tenant is open, requests of batches included. Visibility is a moment behind: what was started within a second may be missing.
 *
 * @param most counting ends once one of these is reached
 * @example
 * await openWork(cull, { requests: 1000, candidates: 100_000 }); // { requests: 12, candidates: 768 }
 */
export async function openWork({ temporal, tenant }: Cull, most: OpenWork): Promise<OpenWork> {
  const query = `ExecutionStatus = 'Running' AND WorkflowId STARTS_WITH '${bestOfNWorkflowId(tenant, '')}'`;
  const open: OpenWork = { requests: 0, candidates: 0 };
  for await (const { memo } of temporal.workflow.list({ query, pageSize: PAGE })) {
    open.requests++;
    open.candidates += (memo as Partial<RequestMemo> | undefined)?.candidates ?? 0;
    if (open.requests >= most.requests || open.candidates >= most.candidates) break;
  }
  return open;
}

/**
 * Candidates of all tenants that wait for a ComfyUI: what lies in the queues that requests were sent to.
 *
 * @example
 * await countQueued(cull); // 480
 */
export async function countQueued(cull: Cull): Promise<number> {
  const counts: Promise<number>[] = [];
  for await (const { key } of cull.storage.list(keys.queues()))
    counts.push(queuedIn(cull, key.slice(keys.queues().length).replace(/\.json$/, '')));
  return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
}

async function queuedIn({ temporal }: Cull, queue: string): Promise<number> {
  const { namespace } = temporal.options;
  return (await backlogOf(temporal.workflowService, { namespace, queue, type: 'activity' })).count;
}
