import { setTimeout as wait } from 'node:timers/promises';
import type { Cull } from '../../client/cull.js';
import type { HostDoc } from '../../workflows/contract.js';
import type { TestSandbox } from '../support/sandbox.js';

/** Looks until `look` answers something. */
export async function until<T>(look: () => Promise<T | undefined | false>): Promise<T> {
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    await wait(25);
  }
}

/** The document of a ComfyUI once it is in that state. */
export const untilHost = (cull: Cull, id: string, state: HostDoc['state']): Promise<HostDoc> =>
  until(async () => (await cull.hosts()).find((host) => host.host === id && host.state === state));

/** How often each candidate's seed was drawn. A warm-up, which is of no candidate, saves nothing. */
export async function drawnTimes(sandboxes: readonly TestSandbox[]): Promise<Map<number, number>> {
  const times = new Map<number, number>();
  for (const { drawn, saved, seed } of (await Promise.all(sandboxes.map((sandbox) => sandbox.log()))).flat())
    if (drawn && saved > 0 && seed !== null) times.set(seed, (times.get(seed) ?? 0) + 1);
  return times;
}
