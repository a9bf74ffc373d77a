/** A tenant's requests, the newest first, page by page, from the index in storage alone. */
import { CullError } from '../errors.js';
import { keys } from '../storage/keys.js';
import type { RequestState } from '../workflows/contract.js';
import type { Cull } from './cull.js';
import { isWithin, pageOfDays, type Page, type Paging } from './newest.js';

/** A request in a list. */
export interface RequestRow {
  request: string;
  state: RequestState;
  template: string;
  /** K. */
  wanted: number;
  delivered: number;
  /** ISO 8601. */
  createdAt: string;
}

/** `since`: made at or after; `until`: before. */
export interface Listing extends Paging {
  state?: RequestRow['state'] | undefined;
  template?: string | undefined;
}

/**
 * A page of requests. `next` is null at the end; a page may hold fewer than `limit` and still have one.
 *
 * @throws CullError BODY_INVALID for a cursor that is none
 */
export function listRequests(cull: Cull, listing: Listing): Promise<Page<RequestRow>> {
  return pageOfDays(cull.storage, listing, {
    folder: keys.indexes(cull.tenant),
    order: 'time',
    rowOf: async ({ name }) => {
      const row = await rowOf(cull, name);
      return row && isWanted(row, listing) ? row : undefined;
    },
  });
}

async function rowOf(cull: Cull, request: string): Promise<RequestRow | undefined> {
  try {
    const [asked, result] = await Promise.all([cull.requestDoc(request), cull.result(request)]);
    return {
      request,
      state: result?.state ?? 'running',
      template: asked.template,
      wanted: asked.deliver,
      delivered: result?.delivered.length ?? 0,
      createdAt: asked.createdAt,
    };
  } catch (error) {
    // Erased while we looked.
    if (error instanceof CullError && error.code === 'REQUEST_NOT_FOUND') return undefined;
    throw error;
  }
}

const isWanted = (row: RequestRow, { state, template, since, until }: Listing): boolean =>
  (state === undefined || row.state === state) &&
  (template === undefined || row.template === template) &&
  isWithin(row.createdAt, { since, until });
