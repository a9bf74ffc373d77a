/** What Cull left on a ComfyUI: prompts that wait, its history, files in its folders. Nothing of anybody else's is ever found here. */
import type { ComfyClient } from './client.js';
import { leftFiles, removeLeft, type HostFolders, type LeftFile } from './folders.js';
import { markOf, type Mark } from './mark.js';

/** Something of Cull's there. `queue`: it waits or runs; `history`: it has ended. */
export type Leftover = ({ kind: 'queue' | 'history'; promptId: string } & Mark) | LeftFile;

export interface RemovedLeftovers {
  /** Prompts that were taken off the queue or interrupted, history entries that were forgotten, files that were removed. */
  queue: number;
  history: number;
  output: number;
  input: number;
  /** Of the files. */
  bytes: number;
}

/** Entries carry their graphs. */
const PAGE = 100;
/** Requests of `removeLeftovers` name at most so many prompts. */
const AT_ONCE = 500;

/**
 * Everything of Cull's on a ComfyUI, whoever asked for it: by the mark that every prompt of Cull's carries, and by the names of files.
 *
 * @throws CullError COMFY_*; CONFIG_INVALID where a folder cannot be read
 * @example
 * for await (const left of leftovers(client, { output: '/srv/comfyui/output' }))
 *   if (left.tenant === 'acme') console.log(left.kind);
 */
export async function* leftovers(client: ComfyClient, folders: HostFolders = {}): AsyncGenerator<Leftover> {
  const { running, pending } = await client.queue();
  for (const { promptId, extraData } of [...running, ...pending]) {
    const mark = markOf(extraData);
    if (mark) yield { kind: 'queue', promptId, ...mark };
  }
  // All first: who removes entries meanwhile would shift the pages.
  for (const entry of await markedHistory(client)) yield { kind: 'history', ...entry };
  yield* leftFiles(folders);
}

async function markedHistory(client: ComfyClient): Promise<({ promptId: string } & Mark)[]> {
  const found = new Map<string, { promptId: string } & Mark>();
  const seen = new Set<string>();
  for (let offset = 0; ; offset += PAGE) {
    const entries = await client.history({ maxItems: PAGE, offset });
    const before = seen.size;
    for (const { promptId, extraData } of entries) {
      seen.add(promptId);
      const mark = markOf(extraData);
      if (mark) found.set(promptId, { promptId, ...mark });
    }
    // A page of nothing new is the answer of one that knows no offset.
    if (entries.length < PAGE || seen.size === before) return [...found.values()];
  }
}

/**
 * Removes what `leftovers` found. What is gone already counts for nothing.
 *
 * @throws CullError COMFY_*; CONFIG_INVALID where a file may not be removed
 */
export async function removeLeftovers(client: ComfyClient, left: readonly Leftover[]): Promise<RemovedLeftovers> {
  const removed: RemovedLeftovers = { queue: 0, history: 0, output: 0, input: 0, bytes: 0 };
  const ids = (kind: Leftover['kind']) =>
    left.flatMap((one) => (one.kind === kind && 'promptId' in one ? [one.promptId] : []));
  for (const some of slices(ids('queue'))) {
    const { cancelled, leftToFinish } = await client.cancelMany(some);
    if (cancelled) removed.queue += some.length - leftToFinish.length;
  }
  for (const some of slices(ids('history'))) {
    await client.deleteHistory(some);
    removed.history += some.length;
  }
  for (const one of left) {
    if ('promptId' in one || !(await removeLeft(one))) continue;
    removed[one.kind]++;
    removed.bytes += one.bytes;
  }
  return removed;
}

function* slices<T>(items: readonly T[]): Generator<T[]> {
  for (let from = 0; from < items.length; from += AT_ONCE) yield items.slice(from, from + AT_ONCE);
}
