/** What a batch is and how it stands. */
import { WorkflowNotFoundError } from '@temporalio/client';
import { CullError } from '../errors.js';
import { checkName, keys } from '../storage/keys.js';
import {
  BATCH_PROGRESS_QUERY,
  batchWorkflowId,
  type BatchDoc,
  type BatchProgress,
  type BatchResult,
  type BatchRow,
} from '../workflows/batch-contract.js';
import type { Cull } from './cull.js';
import { readJson } from './documents.js';
import { isWithin, pageOfDays, type Page, type Paging } from './newest.js';

/** batch.json. @throws CullError BATCH_NOT_FOUND */
export async function batchDoc({ storage, tenant }: Cull, batch: string): Promise<BatchDoc> {
  checkName('batch', batch);
  const doc = await readJson<BatchDoc>(storage, keys.batch(tenant, batch));
  if (doc) return doc;
  throw new CullError('BATCH_NOT_FOUND', `there is no batch ${batch} of tenant ${tenant}`, {
    hint: '`comfy-cull batch list` shows all',
  });
}

/** result.json of a batch; undefined while it runs. */
export const batchResult = ({ storage, tenant }: Cull, batch: string): Promise<BatchResult | undefined> =>
  readJson<BatchResult>(storage, keys.batchResult(tenant, batch));

/** The counters of an open batch, or undefined if no worker can tell now. */
export async function batchProgress(
  { temporal, tenant }: Cull,
  batch: string,
  { withinMs = 10_000 } = {},
): Promise<BatchProgress | undefined> {
  try {
    return await temporal.withDeadline(Date.now() + withinMs, () =>
      temporal.workflow.getHandle(batchWorkflowId(tenant, batch)).query<BatchProgress>(BATCH_PROGRESS_QUERY),
    );
  } catch {
    return undefined;
  }
}

/** Whether a request that has no workflow is a line of a batch that still runs: its turn is to come. Its name says which batch that is. */
export async function waitsInBatch(cull: Cull, request: string): Promise<boolean> {
  for (let dot = request.indexOf('.'); dot > 0; dot = request.indexOf('.', dot + 1)) {
    const batch = request.slice(0, dot);
    const isBatch = await cull.storage.head(keys.batch(cull.tenant, batch));
    if (isBatch && !(await batchResult(cull, batch))) return true;
  }
  return false;
}

/** Asks a batch to stop: its open requests are cancelled, the rest is not started. @throws CullError BATCH_NOT_FOUND */
export async function cancelBatch(cull: Cull, batch: string): Promise<void> {
  await batchDoc(cull, batch);
  try {
    await cull.temporal.workflow.getHandle(batchWorkflowId(cull.tenant, batch)).cancel();
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
  }
}

/**
 * The results, line by line, of the parts that have ended: all of them once the batch has.
 *
 * @example
 * for await (const { line, state } of batchRows(cull, 'b1')) console.log(line, state);
 */
export async function* batchRows(cull: Cull, batch: string): AsyncGenerator<BatchRow> {
  const { parts } = await batchDoc(cull, batch);
  for (let part = 0; part < parts; part++) {
    const object = await cull.storage.get(keys.batchRows(cull.tenant, batch, part));
    for (const line of object?.body.toString('utf8').split('\n') ?? [])
      if (line !== '') yield JSON.parse(line) as BatchRow;
  }
}

/** `since`: handed in at or after; `until`: before. */
export interface BatchListing extends Paging {
  state?: BatchResult['state'] | 'running' | undefined;
}

/** A batch in a list; without a result it runs. */
export interface ListedBatch {
  doc: BatchDoc;
  result: BatchResult | undefined;
}

/**
 * The newest batches first, a page of them; `next` is the `cursor` of the following page, null at the end.
 *
 * @throws CullError BODY_INVALID for a cursor that is none
 * @example
 * const { items, next } = await listBatches(cull, { limit: 20, state: 'running' });
 */
export function listBatches(cull: Cull, listing: BatchListing): Promise<Page<ListedBatch>> {
  return pageOfDays(cull.storage, listing, {
    folder: keys.batchIndexes(cull.tenant),
    order: 'time',
    rowOf: async ({ name }) => {
      const [doc, result] = await Promise.all([
        readJson<BatchDoc>(cull.storage, keys.batch(cull.tenant, name)),
        batchResult(cull, name),
      ]);
      const state = result?.state ?? 'running';
      const isWanted = (listing.state ?? state) === state && doc && isWithin(doc.createdAt, listing);
      return isWanted ? { doc, result } : undefined;
    },
  });
}
