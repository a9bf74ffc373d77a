/** winners.json as its readers see it: event after event, the set with URLs. */
import { setTimeout as wait } from 'node:timers/promises';
import { afterEvent, withResume, type WinnerEvent, type WinnersDoc, type WinnerSoFar } from '../selection/winners.js';
import { keys } from '../storage/keys.js';
import type { Storage } from '../storage/storage.js';
import { updateJson } from '../storage/update.js';
import type { ResultDoc } from '../workflows/contract.js';

export const POLL_MS = 250;
const URL_SECONDS = 7 * 24 * 3600;
/** Whether the workflow is still there is looked at every two seconds. */
const ROUNDS_BETWEEN_CHECKS = 8;

export interface WinnersStep {
  event: WinnerEvent;
  /** The winners so far after this event, best first; `url` reads the image for seven days (fs: a `file:` URL). */
  winners: (WinnerSoFar & { url: string })[];
}

/** The body of `Cull.winners`. */
export async function* watchWinners(
  storage: Storage,
  of: {
    tenant: string;
    request: string;
    result: () => Promise<ResultDoc | undefined>;
    throwIfDead: () => Promise<void>;
    /** Number of the last event that the caller has seen. @default 0 */
    after?: number;
    signal?: AbortSignal;
  },
): AsyncGenerator<WinnersStep, ResultDoc> {
  const { tenant, request, after = 0, signal } = of;
  const key = keys.winners(tenant, request);
  const urls = new Map<string, Promise<string>>();
  const urlOf = (image: string): Promise<string> => {
    const url = urls.get(image) ?? storage.signedUrl(image, { expiresInSeconds: URL_SECONDS });
    urls.set(image, url);
    return url;
  };
  let etag: string | undefined;
  let seen = 0;
  let standing: WinnerSoFar[] = [];
  for (let round = 1; ; round++) {
    // The result first: where there is one, the last event is there too.
    const result = await of.result();
    const head = await storage.head(key);
    const object = head && head.etag !== etag ? await storage.get(key) : undefined;
    if (object) {
      etag = object.etag;
      const { events } = JSON.parse(object.body.toString('utf8')) as WinnersDoc;
      for (const event of events.slice(seen)) {
        standing = afterEvent(standing, event);
        seen = event.event;
        if (seen <= after) continue;
        const winners = await Promise.all(standing.map(async (one) => ({ ...one, url: await urlOf(one.key) })));
        yield { event, winners };
      }
    }
    if (result) return result;
    if (round % ROUNDS_BETWEEN_CHECKS === 0) await of.throwIfDead();
    await wait(POLL_MS, undefined, signal ? { signal } : {});
  }
}

/** Lets the events go on, where they had ended. */
export const resumeWinners = (storage: Storage, { tenant, request }: { tenant: string; request: string }) =>
  updateJson<WinnersDoc>(storage, keys.winners(tenant, request), (doc) => {
    const changed = doc && withResume(doc, { at: new Date().toISOString() });
    return changed === doc ? undefined : changed;
  });
