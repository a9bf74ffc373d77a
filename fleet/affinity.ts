/** Which queue a ComfyUI serves. Pure: every worker comes to the same answer from the same facts, so that not all ComfyUIs switch at once. */
import { createHash } from 'node:crypto';

/** One queue of the pool: requests that load the same models. */
export interface QueueFact {
  queue: string;
  /** Candidates that wait. */
  backlog: number;
  /** Candidates of a request that was announced a moment ago and may not wait yet; else 0. */
  announced: number;
  /** For how long candidates have waited there while no ComfyUI served it. Milliseconds. */
  unservedMs: number;
}

/** One ComfyUI of the pool that draws. */
export interface HostFact {
  host: string;
  /** The queue it serves. */
  queue: string | null;
  /** The queue whose models it has loaded. */
  loaded: string | null;
  slots: number;
}

/**
 * The queue that `me` is to serve now.
 *
 * - A ComfyUI whose own queue has candidates stays, unless a queue that nobody serves has waited `coldAfterMs`: then the one goes that is missed
 *   least (its queue is served by most).
 * - One whose queue is empty goes where it is needed at once: first where nobody is, then where the backlog is more than those who are there
 *   take next; rather to models that it has loaded.
 *
 * @returns the queue; that of `me` if it is to stay
 * @example
 * chooseQueue('gpu0', { hosts, queues, coldAfterMs: 30_000 });
 */
export function chooseQueue(
  me: string,
  facts: { hosts: readonly HostFact[]; queues: readonly QueueFact[]; coldAfterMs: number },
): string | null {
  return assign(facts).get(me) ?? facts.hosts.find(({ host }) => host === me)?.queue ?? null;
}

/** Every ComfyUI that is to switch, with its new queue. */
function assign(facts: Parameters<typeof chooseQueue>[1]): Map<string, string> {
  const { hosts, queues, coldAfterMs } = facts;
  const demand = new Map(queues.map((queue) => [queue.queue, Math.max(queue.backlog, queue.announced)]));
  const on = (queue: string | null): number => hosts.filter((host) => host.queue === queue).length;
  const isFree = ({ queue }: HostFact): boolean => queue === null || (demand.get(queue) ?? 0) === 0;
  const moves = new Map<string, string>();
  const slotsOn = (queue: string): number =>
    hosts.reduce((sum, host) => sum + ((moves.get(host.host) ?? host.queue) === queue ? host.slots : 0), 0);

  const wanting = queues
    .filter(({ queue }) => (demand.get(queue) ?? 0) > 0)
    .sort(
      (a, b) =>
        Number(on(a.queue) > 0) - Number(on(b.queue) > 0) || b.unservedMs - a.unservedMs || order(a.queue, b.queue),
    );
  const free = hosts.filter(isFree);
  const take = (queue: string): boolean => {
    const idle = free.filter(({ host }) => !moves.has(host));
    const next = best(idle, queue, (host) => (host.loaded === queue ? 1 : 0));
    if (next) moves.set(next.host, queue);
    return next !== undefined;
  };
  // every queue that nobody serves gets its first before any gets a second: a long backlog must not keep a short one waiting
  for (const { queue } of wanting) if (slotsOn(queue) === 0) take(queue);
  for (const { queue } of wanting) while ((demand.get(queue) ?? 0) > slotsOn(queue) && take(queue));
  // What found nobody that is free, has waited long enough and is served by nobody, is opened by one that leaves its own queue.
  const cold = wanting.filter(({ queue, unservedMs }) => slotsOn(queue) === 0 && unservedMs >= coldAfterMs);
  for (const { queue } of cold) {
    const busy = hosts.filter(({ host }) => !moves.has(host));
    const next = best(busy, queue, (host) => on(host.queue) + (host.loaded === queue ? 0.5 : 0));
    if (next) moves.set(next.host, queue);
  }
  return moves;
}

/** The host with the highest score; of equals, by a hash, so that queues do not all fall upon the same one. */
function best(hosts: readonly HostFact[], queue: string, score: (host: HostFact) => number): HostFact | undefined {
  const place = ({ host }: HostFact): string => createHash('sha256').update(`${queue}/${host}`).digest('hex');
  return [...hosts].sort((a, b) => score(b) - score(a) || order(place(a), place(b)))[0];
}

const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/**
 * Whether models have to be unloaded before others are loaded.
 *
 * @param memory bytes of the card, and what a set of models was seen to take on it; undefined where that is not known
 */
export function mustUnload(memory: { total: number; now: number | undefined; next: number | undefined }): boolean {
  const { total, now, next } = memory;
  return now !== undefined && next !== undefined && total > 0 && now + next > total;
}
