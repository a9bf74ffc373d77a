/** A caller of the HTTP API as it is meant to be: with a key, an idempotency key, and patience with a service that is down for a moment. */
import { setTimeout as wait } from 'node:timers/promises';

const PAUSE_MS = 250;
const PATIENCE_MS = 300_000;

export interface RetryingClient {
  /** The answer below 400. @throws Error where the service refuses the call, or does not take it for five minutes */
  call<T>(method: string, path: string, options?: { body?: string; type?: string; key?: string }): Promise<T>;
  /** Calls that got no answer, or one that says to try again later: how often, by status (`cut`: none). */
  readonly again: Readonly<Record<string, number>>;
}

/**
 * @example
 * const shop = retryingClient({ url: 'http://127.0.0.1:8080', key });
 * await shop.call('POST', '/v1/requests?wait=30s', { body, key: 'order-1' });
 */
export function retryingClient({ url, key }: { url: string; key: string }): RetryingClient {
  const again: Record<string, number> = {};
  return {
    again,
    async call<T>(method: string, path: string, options: { body?: string; type?: string; key?: string } = {}) {
      const { body, type = 'application/json', key: idempotency } = options;
      const headers = {
        authorization: `Bearer ${key}`,
        ...(body !== undefined && { 'content-type': type }),
        ...(idempotency !== undefined && { 'idempotency-key': idempotency }),
      };
      const until = Date.now() + PATIENCE_MS;
      for (;;) {
        const answer = await fetch(`${url}${path}`, { method, headers, ...(body !== undefined && { body }) })
          .then(async (response) => ({ status: response.status, text: await response.text() }))
          .catch(() => ({ status: 0, text: '' }));
        if (answer.status > 0 && answer.status < 400) return JSON.parse(answer.text) as T;
        const isForNow = answer.status === 0 || answer.status === 429 || answer.status === 503;
        if (!isForNow || Date.now() > until)
          throw new Error(`${method} ${path} answered ${answer.status}: ${answer.text}`);
        const what = answer.status === 0 ? 'cut' : String(answer.status);
        again[what] = (again[what] ?? 0) + 1;
        await wait(PAUSE_MS);
      }
    },
  };
}
