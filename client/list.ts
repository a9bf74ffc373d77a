/** A tenant's requests, the newest first, page by page, from the index in storage alone. */
import { CullError } from '../errors.js';
import { keys } from '../storage/keys.js';
import type { RequestState } from '../workflows/contract.js';
import type { Cull } from './cull.js';

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

export interface Listing {
  limit: number;
  /** Of the page before. */
  cursor?: string | undefined;
  state?: RequestRow['state'] | undefined;
  template?: string | undefined;
  /** ISO 8601; made at or after, before. */
  since?: string | undefined;
  until?: string | undefined;
}

/** A page looks at so many requests at most: one that few pass is short, and its cursor goes on. */
const LOOKS = 500;
const DAY_MS = 86_400_000;

interface Place {
  day: string;
  request: string;
  at: number;
}

/**
 * A page of requests. `next` is null at the end; a page may hold fewer than `limit` and still have one.
 *
 * @throws CullError BODY_INVALID for a cursor that is none
 */
export async function listRequests(
  cull: Cull,
  listing: Listing,
): Promise<{ items: RequestRow[]; next: string | null }> {
  const after = listing.cursor === undefined ? undefined : placeOf(listing.cursor);
  const items: RequestRow[] = [];
  let looked = 0;
  for (const day of daysOf(listing, { after, oldest: await oldestDay(cull) })) {
    for (const place of await placesOf(cull, day)) {
      if (after && !comesAfter(place, after)) continue;
      looked++;
      const row = await rowOf(cull, place.request);
      if (row && isWanted(row, listing)) items.push(row);
      if (items.length === listing.limit || looked === LOOKS) return { items, next: cursorOf(place) };
    }
  }
  return { items, next: null };
}

/** From the newest day to the oldest. Tomorrow too: another machine's clock may be ahead. */
function* daysOf(
  { since, until }: Listing,
  { after, oldest }: { after: Place | undefined; oldest: string | undefined },
): Generator<string> {
  if (oldest === undefined) return;
  const dayOf = (time: number): string => new Date(time).toISOString().slice(0, 10);
  const first = since === undefined ? oldest : dayOf(Date.parse(since));
  const last = first > oldest ? first : oldest;
  const tomorrow = Date.now() + DAY_MS;
  const newest = after ? Date.parse(after.day) : until === undefined ? tomorrow : Math.min(tomorrow, Date.parse(until));
  for (let time = newest; dayOf(time) >= last; time -= DAY_MS) yield dayOf(time);
}

/** The index lists its days in their order; undefined: there is no request. */
async function oldestDay({ storage, tenant }: Cull): Promise<string | undefined> {
  const prefix = keys.indexes(tenant);
  for await (const { key } of storage.list(prefix)) return key.slice(prefix.length).slice(0, 10);
  return undefined;
}

/** The requests of a day by the time of their index entry, which is written once. */
async function placesOf({ storage, tenant }: Cull, day: string): Promise<Place[]> {
  const places: Place[] = [];
  const prefix = `${keys.indexes(tenant)}${day}/`;
  for await (const { key, modifiedAt } of storage.list(prefix))
    places.push({ day, request: key.slice(prefix.length).replace(/\.json$/, ''), at: Math.floor(modifiedAt) });
  return places.sort((a, b) => (comesAfter(a, b) ? 1 : -1));
}

const comesAfter = (a: Place, b: Place): boolean =>
  a.day !== b.day ? a.day < b.day : a.at !== b.at ? a.at < b.at : a.request < b.request;

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
  (since === undefined || Date.parse(row.createdAt) >= Date.parse(since)) &&
  (until === undefined || Date.parse(row.createdAt) < Date.parse(until));

const cursorOf = ({ day, request, at }: Place): string =>
  Buffer.from(JSON.stringify([day, at, request])).toString('base64url');

function placeOf(cursor: string): Place {
  try {
    const [day, at, request] = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')) as unknown[];
    if (
      typeof day === 'string' &&
      !Number.isNaN(Date.parse(day)) &&
      typeof at === 'number' &&
      typeof request === 'string'
    )
      return { day: new Date(day).toISOString().slice(0, 10), at, request };
  } catch {
    // said below
  }
  throw new CullError('BODY_INVALID', 'the cursor is none that this service gave', {
    hint: 'leave it out to start anew',
  });
}
