/** Ending a prompt by its id, on every version, and never anybody else's. */
import { fieldsOf } from '../fields.js';
import { checkId, lacksRoute, type Server, type With } from './server.js';
import { job } from './jobs.js';
import { dequeue, queue, type QueueItem } from './queue.js';
import { supports } from './version.js';

/**
 * - `dequeued`: it waited, and leaves no trace.
 * - `interrupted`: it ran and was told to stop, which it does at its next node or sampling step.
 * - `left-to-finish`: it runs on a ComfyUI before 0.3.57, which can only be told to stop whatever runs; nothing was sent.
 * - `not-there`: it has ended, or was never here.
 */
export type Cancelled = 'dequeued' | 'interrupted' | 'left-to-finish' | 'not-there';

export async function cancel(to: Server, promptId: string, options: With): Promise<Cancelled> {
  const id = checkId(promptId);
  if (to.known.cancel !== false) {
    const answer = await to.ask(`/api/jobs/${id}/cancel`, { method: 'POST', json: {}, ...options });
    const { cancelled } = fieldsOf(answer.json);
    if (answer.status === 200 && typeof cancelled === 'boolean') {
      to.known.cancel = true;
      if (!cancelled) return 'not-there';
      return (await job(to, id, options)).state === 'unknown' ? 'dequeued' : 'interrupted';
    }
    if (lacksRoute(answer)) to.known.cancel ??= false;
  }
  let { state } = await job(to, id, options);
  if (state === 'pending') {
    await dequeue(to, [id], options);
    // It may have been started just before.
    ({ state } = await job(to, id, options));
    if (state === 'unknown') return 'dequeued';
  }
  if (state !== 'running') return 'not-there';
  return (await interrupt(to, id, options)) ? 'interrupted' : 'left-to-finish';
}

export async function interrupt(to: Server, promptId: string, options: With): Promise<boolean> {
  const id = checkId(promptId);
  if (!(await supports(to, options)).interruptById) return false;
  await to.post('/interrupt', { prompt_id: id }, options);
  return true;
}

/** What became of many at once. */
export interface CancelledMany {
  /** Whether any of them waited or ran. */
  cancelled: boolean;
  /** The one that runs on and cannot be told to stop, on a ComfyUI before 0.3.57. */
  leftToFinish: string[];
}

/** The form of id that the route takes; a server that has the route takes no other with a prompt. */
const CANONICAL = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export async function cancelMany(to: Server, promptIds: readonly string[], options: With): Promise<CancelledMany> {
  const ids = promptIds.map(checkId);
  if (ids.length === 0) return { cancelled: false, leftToFinish: [] };
  if (to.known.cancelMany !== false) {
    const json = { job_ids: ids.filter((id) => CANONICAL.test(id)) };
    const answer = await to.ask('/api/jobs/cancel', { method: 'POST', json, ...options });
    const { cancelled } = fieldsOf(answer.json);
    if (answer.status === 200 && typeof cancelled === 'boolean') {
      to.known.cancelMany = true;
      return { cancelled, leftToFinish: [] };
    }
    if (lacksRoute(answer)) to.known.cancelMany ??= false;
  }
  const mine = async (): Promise<{ all: string[]; running: string[] }> => {
    const { running, pending } = await queue(to, options);
    const idsOf = (items: QueueItem[]) => items.map((item) => item.promptId).filter((id) => ids.includes(id));
    return { all: idsOf([...running, ...pending]), running: idsOf(running) };
  };
  // First those that wait, so that none of them starts in the place of the one that is interrupted.
  const { all } = await mine();
  await dequeue(to, all, options);
  const leftToFinish: string[] = [];
  for (const id of (await mine()).running) if (!(await interrupt(to, id, options))) leftToFinish.push(id);
  return { cancelled: all.length > leftToFinish.length, leftToFinish };
}
