/** Erasing what belongs to a tenant or a request: place by place, then everything is listed again. Killed at any time, it is run again. */
import { setTimeout as wait } from 'node:timers/promises';
import { CullError } from '../errors.js';

/** Whose things are erased: all of a tenant's, or those of one request. */
export interface EraseSubject {
  tenant: string;
  request?: string | undefined;
}

/** A request by its names, which are checked. */
export interface RequestName {
  tenant: string;
  request: string;
}

/** Something that was found. */
export interface Found {
  /** For the report: `images`, `history entries`. */
  kind: string;
  /** A key, a workflow id, a prompt id. */
  name: string;
  /** How many of its kind it stands for. @default 1 */
  count?: number;
}

/** Where things of a subject lie. */
export interface ErasePlace<T extends Found = Found> {
  /** `storage`, `Temporal`, `ComfyUI gpu0`. */
  name: string;
  /** Somebody else's server: where it does not answer, the rest goes on, and the report names it. @default false */
  isRemote?: boolean;
  /** What is removed may go on being listed so long, in milliseconds. @default 0 */
  settleMs?: number;
  /** What is there now. */
  find(): AsyncIterable<T>;
  /** Removes some of it; what is gone already is no error. */
  remove(found: readonly T[]): Promise<void>;
}

/** One line of the report. */
export interface ErasedRow {
  place: string;
  kind: string;
  found: number;
  /** As the last listing shows. */
  left: number;
  /** Of those that are left, the first few. */
  examples: string[];
}

export interface Erased {
  rows: ErasedRow[];
  /** Places that do not answer: what lies there is not known. */
  notReached: { place: string; why: string; hint: string | null }[];
}

const AT_ONCE = 32;
const SHOWN = 5;
/** What comes in while it erases is erased, too; what comes in for ever is not. */
const ROUNDS = 3;
const LOOK_EVERY_MS = 200;

/**
 * Removes everything that the places find, one place after the other, and lists all of them again: `left` of each row is what that last listing shows.
 *
 * @param options `dryRun`: lists only; `onPlace`: told of each place as its turn comes
 * @throws CullError whatever a place throws that is not remote: run it again, it goes on where it stopped
 * @example
 * const { rows, notReached } = await erase(tenantStorage(storage, 'acme'), { dryRun: true });
 */
export async function erase(
  places: readonly ErasePlace[],
  { dryRun = false, onPlace = () => undefined }: { dryRun?: boolean; onPlace?: (place: string) => void } = {},
): Promise<Erased> {
  const rows = new Map<string, ErasedRow>();
  const notReached = new Map<string, Erased['notReached'][number]>();
  const rowOf = (place: string, kind: string): ErasedRow => {
    const key = `${place}\n${kind}`;
    const row = rows.get(key) ?? { place, kind, found: 0, left: 0, examples: [] };
    rows.set(key, row);
    return row;
  };
  const visit = async (place: ErasePlace, work: () => Promise<void>): Promise<void> => {
    notReached.delete(place.name);
    try {
      await work();
    } catch (error) {
      if (place.isRemote !== true || !(error instanceof CullError)) throw error;
      notReached.set(place.name, { place: place.name, why: error.message, hint: error.hint ?? null });
    }
  };

  for (let round = 1; ; round++) {
    for (const place of places) {
      onPlace(place.name);
      await visit(place, async () => {
        const found = await (dryRun ? countsOf(place) : clear(place));
        for (const [kind, { count }] of found) {
          const row = rowOf(place.name, kind);
          // What the proof has shown is known; anything above it came in since.
          row.found += Math.max(0, count - row.left);
        }
      });
    }
    if (dryRun) break;
    // The proof: a listing of everything, after everything was removed.
    for (const row of rows.values()) Object.assign(row, { left: 0, examples: [] });
    for (const place of places)
      if (!notReached.has(place.name))
        await visit(place, async () => {
          for (const [kind, { count, examples }] of await countsOf(place)) {
            const row = rowOf(place.name, kind);
            row.left += count;
            row.examples = [...row.examples, ...examples].slice(0, SHOWN);
          }
        });
    if (round === ROUNDS || [...rows.values()].every(({ left }) => left === 0)) break;
  }
  return { rows: [...rows.values()], notReached: [...notReached.values()] };
}

type Counts = Map<string, { count: number; examples: string[] }>;

function note(counts: Counts, { kind, name, count = 1 }: Found): void {
  const seen = counts.get(kind) ?? { count: 0, examples: [] };
  seen.count += count;
  if (seen.examples.length < SHOWN) seen.examples.push(name);
  counts.set(kind, seen);
}

async function countsOf(place: ErasePlace): Promise<Counts> {
  const counts: Counts = new Map();
  for await (const one of place.find()) note(counts, one);
  return counts;
}

/** Removes what is there, some at a time, and waits until the place shows nothing of it, if it takes its time. */
async function clear(place: ErasePlace): Promise<Counts> {
  const counts: Counts = new Map();
  let some: Found[] = [];
  for await (const one of place.find()) {
    note(counts, one);
    some.push(one);
    if (some.length < AT_ONCE) continue;
    await place.remove(some);
    some = [];
  }
  if (some.length > 0) await place.remove(some);
  const { settleMs = 0 } = place;
  const until = Date.now() + settleMs;
  while (counts.size > 0 && Date.now() < until && (await countsOf(place)).size > 0) await wait(LOOK_EVERY_MS);
  return counts;
}
