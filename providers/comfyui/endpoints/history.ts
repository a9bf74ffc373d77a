/** /history: prompts that have ended, in memory only, about 10,000 of them, gone with the process. */
import { fieldsOf } from '../fields.js';
import { parseHistory, type Job } from '../job.js';
import { checkId, queryOf, type Server, type With } from './server.js';
import { parseItem, type QueueItem } from './queue.js';

export interface HistoryEntry extends QueueItem {
  /** How it ended, and what it made. */
  job: Job;
}

export interface HistoryPage {
  /** At most so many; without `offset` the newest. 0 is none. */
  maxItems?: number;
  /** So many of the oldest are left out. */
  offset?: number;
}

export async function history(to: Server, page: HistoryPage, options: With): Promise<HistoryEntry[]> {
  const query = queryOf({ max_items: page.maxItems, offset: page.offset });
  const body = await to.json(`/history${query}`, { timeoutMs: to.timeouts.downloadMs, ...options });
  return Object.values(fieldsOf(body)).map(parseEntry);
}

export async function historyEntry(to: Server, promptId: string, options: With): Promise<HistoryEntry | undefined> {
  const id = checkId(promptId);
  const found = fieldsOf(await to.json(`/history/${id}`, options));
  return Object.hasOwn(found, id) ? parseEntry(found[id]) : undefined;
}

export async function deleteHistory(to: Server, promptIds: readonly string[], options: With): Promise<void> {
  if (promptIds.length > 0) await to.post('/history', { delete: promptIds.map(checkId) }, options);
}

export const clearHistory = (to: Server, options: With): Promise<void> => to.post('/history', { clear: true }, options);

const parseEntry = (entry: unknown): HistoryEntry => ({
  ...parseItem(fieldsOf(entry).prompt),
  job: parseHistory(entry),
});
