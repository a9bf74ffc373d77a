import { causeOf, CullError } from '../../errors.js';

const TRIES = 3;
const FIRST_DELAY_MS = 300;

/**
 * One HTTP call with JSON in and out. A refused connection, 429 and 5xx are tried again, three times in all.
 *
 * @throws CullError SCORER_UNREACHABLE when nobody answers, SCORER_INVALID when the answer says that the call was wrong or is no JSON
 */
export async function callJson(
  url: string,
  options: { body?: unknown; headers?: Record<string, string>; timeoutMs: number; signal?: AbortSignal },
): Promise<unknown> {
  for (let tried = 1; ; tried++) {
    const answer = await once(url, options);
    if ('value' in answer) return answer.value;
    if (!answer.again)
      throw new CullError('SCORER_INVALID', `${url} refused the call: ${answer.why}`, {
        hint: 'docs/scorers-from-outside.md describes what is sent and expected',
      });
    if (tried === TRIES)
      throw new CullError('SCORER_UNREACHABLE', `${url} does not answer after ${TRIES} tries: ${answer.why}`, {
        hint: 'start it, or take it out of the configuration',
      });
    await pause(FIRST_DELAY_MS * 2 ** (tried - 1), options.signal);
  }
}

type Answer = { value: unknown } | { again: boolean; why: string };

async function once(
  url: string,
  { body, headers, timeoutMs, signal }: Parameters<typeof callJson>[1],
): Promise<Answer> {
  const clock = AbortSignal.timeout(timeoutMs);
  try {
    const response = await fetch(url, {
      signal: signal ? AbortSignal.any([clock, signal]) : clock,
      headers: { accept: 'application/json', 'content-type': 'application/json', ...headers },
      ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok)
      return {
        again: response.status === 429 || response.status >= 500,
        why: `HTTP ${response.status} ${text.slice(0, 200)}`,
      };
    try {
      return { value: JSON.parse(text) };
    } catch {
      return { again: false, why: `the answer is no JSON: ${text.slice(0, 200)}` };
    }
  } catch (error) {
    signal?.throwIfAborted();
    if (clock.aborted) return { again: true, why: `no answer within ${timeoutMs / 1000} s` };
    return { again: true, why: causeOf(error) };
  }
}

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener('abort', () => {
      clearTimeout(timer);
      reject(signal.reason as Error);
    });
  });
}
