/** Starting the workflow of a request. */
import { WorkflowExecutionAlreadyStartedError, type Client } from '@temporalio/client';
import type { Storage } from '../storage/storage.js';
import {
  argsOf,
  bestOfNWorkflowId,
  memoOf,
  ORCHESTRATE_QUEUE,
  type BestOfNArgs,
  type BestOfNState,
  type RequestDoc,
} from '../workflows/contract.js';
import { askedText } from './request.js';
import { priorityOf } from './tenants.js';

/**
 * Starts a request's workflow; does nothing where it runs.
 *
 * @param carried where it begins: with `stop` set, the winners are chosen and nobody is waited for. @default at the beginning
 */
export async function startWorkflow(
  { temporal, storage }: { temporal: Client; storage: Storage },
  doc: RequestDoc,
  carried?: BestOfNState,
): Promise<void> {
  const { tenant, request } = doc;
  const { review, ...asked } = argsOf(doc);
  const args: BestOfNArgs = { ...asked, ...(carried ? { carried } : review && { review }) };
  try {
    await temporal.workflow.start('bestOfN', {
      workflowId: bestOfNWorkflowId(tenant, request),
      taskQueue: ORCHESTRATE_QUEUE,
      args: [args],
      memo: memoOf(args),
      priority: await priorityOf(storage, tenant, 'interactive'),
      workflowIdConflictPolicy: 'FAIL',
      workflowIdReusePolicy: 'ALLOW_DUPLICATE',
      staticSummary: `${askedText(doc)}, ${doc.template}`,
    });
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
}
