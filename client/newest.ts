/** Lists in storage that are kept by day, the newest day first, page by page. */
import { CullError } from '../errors.js';
import type { Storage } from '../storage/storage.js';

/** An entry of a folder `<folder><yyyy-mm-dd>/<name>.json`. */
export interface Place {
  day: string;
  name: string;
  /** Milliseconds since 1970: when it was written. */
  at: number;
}

export interface Paging {
  /** Rows of a page. */
  limit: number;
  /** `next` of the page before. */
  cursor?: string | undefined;
  /** ISO 8601: entries of these days are looked at; `isWithin` compares to the millisecond. */
  since?: string | undefined;
  until?: string | undefined;
}

export interface Page<T> {
  items: T[];
  /** Null at the end. */
  next: string | null;
}

export interface Entries<T> {
  /** Ends with a slash. */
  folder: string;
  /** `time`: of entries that are written once, the newest first. `name`: of those that change. */
  order: 'time' | 'name';
  /** The row of an entry; undefined: it is not wanted, or was erased while we looked. */
  rowOf: (place: Place) => Promise<T | undefined>;
}

/** A page looks at so many entries at most: one that few pass is short, and its cursor goes on. */
const LOOKS = 500;
const DAY_MS = 86_400_000;

/**
 * A page of rows. It may hold fewer than `limit` and still have a `next`.
 *
 * @throws CullError BODY_INVALID for a cursor that is none
 * @example
 * const { items, next } = await pageOfDays(storage, paging, { folder: keys.indexes('acme'), order: 'time', rowOf: ({ name }) => read(name) });
 */
export async function pageOfDays<T>(storage: Storage, paging: Paging, entries: Entries<T>): Promise<Page<T>> {
  const { folder, order, rowOf } = entries;
  const after = paging.cursor === undefined ? undefined : placeOf(paging.cursor);
  const items: T[] = [];
  let looked = 0;
  for (const day of daysOf(paging, { after, oldest: await oldestDay(storage, folder) })) {
    for (const place of await placesOf(storage, { folder, day, order })) {
      if (after && !comesAfter(place, after)) continue;
      looked++;
      const row = await rowOf(place);
      if (row !== undefined) items.push(row);
      if (items.length === paging.limit || looked === LOOKS) return { items, next: cursorOf(place) };
    }
  }
  return { items, next: null };
}

/** Whether a time (ISO 8601) is at or after `since`, and before `until`. */
export const isWithin = (time: string, { since, until }: Pick<Paging, 'since' | 'until'>): boolean =>
  (since === undefined || Date.parse(time) >= Date.parse(since)) &&
  (until === undefined || Date.parse(time) < Date.parse(until));

/** From the newest day to the oldest. Tomorrow too: another machine's clock may be ahead. */
function* daysOf(
  { since, until }: Paging,
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

/** A folder lists its days in their order; undefined: it is empty. */
async function oldestDay(storage: Storage, folder: string): Promise<string | undefined> {
  for await (const { key } of storage.list(folder)) return key.slice(folder.length).slice(0, 10);
  return undefined;
}

async function placesOf(
  storage: Storage,
  { folder, day, order }: { folder: string; day: string; order: Entries<unknown>['order'] },
): Promise<Place[]> {
  const places: Place[] = [];
  const prefix = `${folder}${day}/`;
  for await (const { key, modifiedAt } of storage.list(prefix)) {
    const name = key.slice(prefix.length).replace(/\.json$/, '');
    places.push({ day, name, at: order === 'time' ? Math.floor(modifiedAt) : 0 });
  }
  return places.sort((a, b) => (comesAfter(a, b) ? 1 : -1));
}

const comesAfter = (a: Place, b: Place): boolean =>
  a.day !== b.day ? a.day < b.day : a.at !== b.at ? a.at < b.at : a.name < b.name;

const cursorOf = ({ day, name, at }: Place): string =>
  Buffer.from(JSON.stringify([day, at, name])).toString('base64url');

function placeOf(cursor: string): Place {
  try {
    const [day, at, name] = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')) as unknown[];
    if (typeof day === 'string' && !Number.isNaN(Date.parse(day)) && typeof at === 'number' && typeof name === 'string')
      return { day: new Date(day).toISOString().slice(0, 10), at, name };
  } catch {
    // said below
  }
  throw new CullError('BODY_INVALID', 'the cursor is none that this service gave', {
    hint: 'leave it out to start anew',
  });
}
