/** How much is under way, counted by Temporal: for those who decide whether more may come. */
import proto from '@temporalio/proto';
import { keys } from '../storage/keys.js';
import { bestOfNWorkflowId } from '../workflows/contract.js';
import type { Cull } from './cull.js';

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
    counts.push(backlogOf(cull, key.slice(keys.queues().length).replace(/\.json$/, '')));
  return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
}

async function backlogOf({ temporal }: Cull, queue: string): Promise<number> {
  const { stats } = await temporal.workflowService.describeTaskQueue({
    namespace: temporal.options.namespace,
    taskQueue: { name: queue },
    taskQueueType: proto.temporal.api.enums.v1.TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY,
    reportStats: true,
  });
  return Number(stats?.approximateBacklogCount ?? 0);
}
