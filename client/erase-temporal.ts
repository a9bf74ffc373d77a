/** Workflow executions of a tenant or a request, with their histories. */
import { isGrpcServiceError } from '@temporalio/client';
import pLimit from 'p-limit';
import { batchWorkflowId } from '../workflows/batch-contract.js';
import { bestOfNWorkflowId } from '../workflows/contract.js';
import { webhookWorkflowId } from '../workflows/webhook-contract.js';
import type { Cull } from './cull.js';
import { messagesOf } from './erase-request.js';
import type { ErasePlace, EraseSubject, Found } from './erase.js';

/** gRPC's status NOT_FOUND. */
const NOT_FOUND = 5;
const CALLS_AT_ONCE = 16;
/** Ids that one query names. */
const IDS_AT_ONCE = 50;
/** Temporal deletes in the background. */
const SETTLE_MS = 60_000;

export type FoundExecution = Found & { runId: string };

/**
 * Executions, whether they run or have ended; one that runs is terminated. What was deleted is asked for by its id, too, until Temporal does not
 * know it any more: it leaves the lists before its history is gone.
 *
 * @example
 * await erase([temporalPlace(cull, { tenant: 'acme' })]);
 */
export function temporalPlace(cull: Cull, subject: EraseSubject): ErasePlace<FoundExecution> {
  const { workflow, workflowService: service, options } = cull.temporal;
  const { namespace } = options;
  const limit = pLimit(CALLS_AT_ONCE);
  const deleted = new Map<string, FoundExecution>();
  const webhooks = new Set<string>();

  const isKnown = ({ name, runId }: FoundExecution): Promise<boolean> =>
    isThere(service.describeWorkflowExecution({ namespace, execution: { workflowId: name, runId } }));

  return {
    name: 'Temporal',
    settleMs: SETTLE_MS,
    async *find() {
      const listed = new Set<string>();
      for (const { kind, query } of await queriesOf(cull, subject, webhooks))
        for await (const { workflowId, runId } of workflow.list({ query })) {
          listed.add(runId);
          yield { kind, name: workflowId, runId };
        }
      const others = [...deleted.values()].filter(({ runId }) => !listed.has(runId));
      const known = await Promise.all(others.map((one) => limit(() => isKnown(one))));
      for (const [i, one] of others.entries())
        if (known[i]) yield one;
        else deleted.delete(one.runId);
    },
    async remove(found) {
      await Promise.all(
        found.map((one) =>
          limit(async () => {
            const workflowExecution = { workflowId: one.name, runId: one.runId };
            await isThere(service.deleteWorkflowExecution({ namespace, workflowExecution }));
            deleted.set(one.runId, one);
          }),
        ),
      );
    },
  };
}

/** @param webhooks ids that were found so far: the messages in storage that name them go after the executions do */
async function queriesOf(
  { storage }: Cull,
  { tenant, request }: EraseSubject,
  webhooks: Set<string>,
): Promise<{ kind: string; query: string }[]> {
  if (request === undefined)
    return [
      { kind: 'request workflows', query: startsWith(bestOfNWorkflowId(tenant, '')) },
      { kind: 'batch workflows', query: startsWith(batchWorkflowId(tenant, '')) },
      { kind: 'webhook workflows', query: startsWith(`cull-webhook/${tenant}/`) },
    ];
  for await (const { message, endpoint } of messagesOf(storage, { tenant, request }))
    webhooks.add(webhookWorkflowId({ tenant, message, endpoint }));
  const queries = [{ kind: 'request workflows', query: isOneOf([bestOfNWorkflowId(tenant, request)]) }];
  const ids = [...webhooks];
  for (let from = 0; from < ids.length; from += IDS_AT_ONCE)
    queries.push({ kind: 'webhook workflows', query: isOneOf(ids.slice(from, from + IDS_AT_ONCE)) });
  return queries;
}

/** Names of tenants, requests and messages hold no quotes (`checkName`). */
const startsWith = (prefix: string): string => `WorkflowId STARTS_WITH '${prefix}'`;
const isOneOf = (ids: readonly string[]): string => `WorkflowId IN (${ids.map((id) => `'${id}'`).join(', ')})`;

/** Whether Temporal knows what was asked for. */
async function isThere(asked: Promise<unknown>): Promise<boolean> {
  try {
    await asked;
    return true;
  } catch (error) {
    if (isGrpcServiceError(error) && (error.code as number) === NOT_FOUND) return false;
    throw error;
  }
}
