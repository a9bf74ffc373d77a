import type { Host } from './host.js';
import { patiently, pause, type PatienceOptions } from './patience.js';

const LOOK_MS = 250;
/** Somebody's prompt that runs longer delays ours anyway, and the models are unloaded before ours can start. */
const LONGEST_WAIT_MS = 60_000;
/** Free memory that grew by this share of the card shows that the models are gone. */
const GREW_BY = 0.05;

/**
 * Has a ComfyUI unload its models, and waits until it has. `POST /free` only leaves a note, which the worker thread obeys at once when it is
 * idle, else when the prompt that runs has ended: a prompt sent right after it could be drawn before. Never `free_memory`: that would
 * drop everybody's cached results.
 *
 * @throws CullError COMFY_UNREACHABLE, COMFY_PROTOCOL; the signal's reason
 */
export async function unloadModels(host: Host, how: { patience: PatienceOptions; signal: AbortSignal }): Promise<void> {
  const { client } = host;
  const { signal } = how;
  const ask = <T>(work: () => Promise<T>): Promise<T> => patiently(work, { ...how.patience, signal });
  const look = async (): Promise<{ running: Set<string>; free: number; total: number }> => {
    const { running } = await ask(() => client.queue({ signal }));
    const [device] = (await ask(() => client.systemStats({ signal }))).devices;
    return {
      running: new Set(running.map((item) => item.promptId)),
      free: device?.vramFree ?? 0,
      total: device?.vramTotal ?? 0,
    };
  };
  const before = await look();
  await ask(() => client.free({ unloadModels: true }, { signal }));
  const since = Date.now();
  for (;;) {
    await pause(LOOK_MS, signal);
    const now = await look();
    const hasPassed = ![...before.running].some((id) => now.running.has(id));
    const hasGrown = now.total > 0 && now.free - before.free >= now.total * GREW_BY;
    if (hasPassed || hasGrown || Date.now() - since >= LONGEST_WAIT_MS) return;
  }
}
