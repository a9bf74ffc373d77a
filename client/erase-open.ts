/** What of a tenant or a request still runs: it is not erased under its workers' hands. */
import { setTimeout as wait } from 'node:timers/promises';
import { WorkflowNotFoundError } from '@temporalio/client';
import { CullError } from '../errors.js';
import { keys } from '../storage/keys.js';
import { batchWorkflowId } from '../workflows/batch-contract.js';
import { bestOfNWorkflowId } from '../workflows/contract.js';
import type { Cull } from './cull.js';
import { batchesOf } from './erase-lines.js';
import type { ErasePlace, EraseSubject, Found } from './erase.js';

/** Temporal's lists are a moment behind: what was made since is looked at by itself. */
const YOUNG_MS = 60_000;
const LOOK_EVERY_MS = 250;
const SHOWN = 5;

/** Ids of the workflows that run, batches first. */
export async function openWorkflows(cull: Cull, { tenant, request }: EraseSubject): Promise<string[]> {
  if (request !== undefined) {
    const ids = [
      ...batchesOf(request).map((batch) => batchWorkflowId(tenant, batch)),
      bestOfNWorkflowId(tenant, request),
    ];
    return onlyRunning(cull, ids);
  }
  const batches = await running(cull, batchWorkflowId(tenant, ''));
  const requests = new Set(await running(cull, bestOfNWorkflowId(tenant, '')));
  const young = (await youngRequests(cull, tenant)).filter((id) => !requests.has(id));
  return [...batches, ...requests, ...(await onlyRunning(cull, young))];
}

async function running({ temporal }: Cull, prefix: string): Promise<string[]> {
  const query = `ExecutionStatus = 'Running' AND WorkflowId STARTS_WITH '${prefix}'`;
  const ids: string[] = [];
  for await (const { workflowId } of temporal.workflow.list({ query })) ids.push(workflowId);
  return ids;
}

async function youngRequests({ storage }: Cull, tenant: string): Promise<string[]> {
  const ids: string[] = [];
  for await (const { key, modifiedAt } of storage.list(keys.indexes(tenant)))
    if (Date.now() - modifiedAt < YOUNG_MS)
      ids.push(bestOfNWorkflowId(tenant, key.slice(key.lastIndexOf('/') + 1).replace(/\.json$/, '')));
  return ids;
}

async function onlyRunning({ temporal }: Cull, ids: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const id of ids)
    try {
      if ((await temporal.workflow.getHandle(id).describe()).status.name === 'RUNNING') found.push(id);
    } catch (error) {
      if (!(error instanceof WorkflowNotFoundError)) throw error;
    }
  return found;
}

/**
 * Refuses where something runs.
 *
 * @throws CullError ERASE_OPEN
 */
export async function checkNothingOpen(cull: Cull, subject: EraseSubject): Promise<void> {
  const open = await openWorkflows(cull, subject);
  if (open.length === 0) return;
  throw new CullError(
    'ERASE_OPEN',
    `nothing was erased: ${namesOf(open)} still ${open.length === 1 ? 'runs' : 'run'}`,
    {
      hint: 'wait for the end, or give --cancel',
      details: open,
    },
  );
}

/**
 * What runs, as something to remove: it is cancelled, and its end is awaited.
 *
 * @param options `withinMs`: how long
 * @throws CullError ERASE_OPEN where it does not end in that time; a batch that one request is part of is not cancelled for it
 */
export function openPlace(cull: Cull, subject: EraseSubject, { withinMs }: { withinMs: number }): ErasePlace {
  return {
    name: 'Temporal',
    async *find(): AsyncGenerator<Found> {
      for (const name of await openWorkflows(cull, subject)) yield { kind: 'running workflows', name };
    },
    async remove(found) {
      const batch = found.find(({ name }) => subject.request !== undefined && isBatch(name));
      if (batch)
        throw new CullError(
          'ERASE_OPEN',
          `nothing was erased: ${batch.name}, which the request is part of, still runs`,
          {
            hint: 'wait for its end, or cancel it first: comfy-cull batch cancel',
          },
        );
      const ids = found.map(({ name }) => name);
      for (const id of ids) await cancel(cull, id);
      const until = Date.now() + withinMs;
      for (let open = ids; open.length > 0; open = await onlyRunning(cull, open)) {
        if (Date.now() > until)
          throw new CullError('ERASE_OPEN', `${namesOf(open)} did not end within ${withinMs / 1000} s`, {
            hint: 'does a worker run? Run the command again once it does: it goes on where it stopped',
            details: open,
          });
        await wait(LOOK_EVERY_MS);
      }
    },
  };
}

const isBatch = (id: string): boolean => id.startsWith('cull-batch/');

const namesOf = (ids: readonly string[]): string =>
  ids.length <= SHOWN ? ids.join(', ') : `${ids.slice(0, SHOWN).join(', ')} and ${ids.length - SHOWN} more`;

async function cancel({ temporal }: Cull, id: string): Promise<void> {
  try {
    await temporal.workflow.getHandle(id).cancel();
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
  }
}
