/** Storing a request and starting its workflow. */
import { WorkflowExecutionAlreadyStartedError, type Client } from '@temporalio/client';
import { keys } from '../storage/keys.js';
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
import { readRequest } from './documents.js';
import { askedText } from './request.js';
import { putIfAbsent } from './store.js';
import { priorityOf } from './tenants.js';

/** Stores a request, unless one of its name is there. @returns what is stored now */
export async function storeRequest(storage: Storage, doc: RequestDoc): Promise<RequestDoc> {
  const { tenant, request } = doc;
  const isNew = await putIfAbsent(storage, keys.request(tenant, request), JSON.stringify(doc));
  const known = isNew ? doc : await readRequest(storage, { tenant, request });
  const { createdAt } = known;
  // also for one that is known: whoever made it may have died before this. Once: lists go by when it was written
  await putIfAbsent(
    storage,
    keys.index(tenant, createdAt.slice(0, 10), request),
    JSON.stringify({ request, createdAt }),
  );
  return known;
}

/** Starts a request, unless it runs or has ended. */
export async function startRequest(to: { temporal: Client; storage: Storage }, doc: RequestDoc): Promise<void> {
  if (!(await to.storage.head(keys.result(doc.tenant, doc.request)))) await startWorkflow(to, doc);
}

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
