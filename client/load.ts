/** How much is under way, counted by Temporal: for those who decide whether more may come. */
import { keys } from '../storage/keys.js';
import { bestOfNWorkflowId } from '../workflows/contract.js';
import type { Cull } from './cull.js';
import { backlogOf } from './temporal.js';

/**
 * Open requests of a connection's tenant. Visibility is a moment behind: what was started within a second may be missing.
 *
 * @example
 * await countOpen(cull); // 12
 */
export async function countOpen({ temporal, tenant }: Cull): Promise<number> {
  const query = `ExecutionStatus = 'Running' AND WorkflowId STARTS_WITH '${bestOfNWorkflowId(tenant, '')}'`;
  return (await temporal.workflow.count(query)).count;
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
