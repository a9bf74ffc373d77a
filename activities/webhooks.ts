/** postWebhook: one try to hand a message to an endpoint, and its line in the log. */
import { Context } from '@temporalio/activity';
import { CullError, messageOf } from '../errors.js';
import type { Allowed } from '../outside/addresses.js';
import { callOutside } from '../outside/http.js';
import type { Resolve } from '../outside/targets.js';
import { keys } from '../storage/keys.js';
import type { Storage } from '../storage/storage.js';
import { updateJson } from '../storage/update.js';
import { SILENT, type Telemetry } from '../telemetry/telemetry.js';
import {
  webhookDay,
  type SendWebhookArgs,
  type WebhookAttempt,
  type WebhookEndpoint,
  type WebhookLogDoc,
  type WebhookOutcome,
  type WebhooksDoc,
  type WebhookState,
} from '../workflows/webhook-contract.js';
import { countWebhook } from './counted.js';
import { readJson, requireJson } from './documents.js';
import { toFailure, withFailures } from './failures.js';
import { nextWebhookDelay } from './webhook-schedule.js';
import { signedHeaders } from './webhook-signature.js';

export interface WebhookActivities {
  /** Throws WEBHOOK_FAILED where it is to be tried again. */
  postWebhook(args: SendWebhookArgs): Promise<WebhookOutcome>;
}

const TIMEOUT_MS = 15_000;
const HEARTBEAT_MS = 5_000;
/** Nobody reads the answer; so much is waited for, that the connection ends in order. */
const ANSWER_BYTES = 4_096;
const GONE = 410;

export interface WebhookDeps {
  storage: Storage;
  /** What may be called besides public addresses. */
  allowed: Allowed;
  /** @default the system's */
  resolve?: Resolve;
  /** Milliseconds before the second try, the third, and so on. @default the schedule of a day */
  delaysMs?: readonly number[];
  telemetry?: Telemetry;
}

/**
 * At least once: a worker that dies between the answer and the log sends the same message again, under the same id.
 *
 * @example
 * createWebhookActivities({ storage, allowed: allowedOf(['10.2.0.0/16']) });
 */
export function createWebhookActivities(deps: WebhookDeps): WebhookActivities {
  const { storage, telemetry = SILENT } = deps;

  async function post(args: SendWebhookArgs): Promise<WebhookOutcome> {
    const { tenant, message, before = 0 } = args;
    const key = keys.webhookLog(tenant, { day: webhookDay(message), ...args });
    const log = await requireJson<WebhookLogDoc>(storage, key);
    if (log.state !== 'pending') return { state: log.state, tries: log.attempts.length };
    const record = async (state: WebhookState, attempts: WebhookAttempt[], url = log.url): Promise<void> => {
      // One that is gone was erased meanwhile: it does not come back.
      await updateJson<WebhookLogDoc>(
        storage,
        key,
        (known) => known && { ...known, state, url, attempts: [...known.attempts, ...attempts] },
      );
      if (state !== 'pending') countWebhook(telemetry.metrics, { log, state, isAgain: before > 0 });
    };

    const endpoint = await endpointOf(args);
    if (!endpoint || endpoint.disabled) {
      await record('gone', []);
      return { state: 'gone', tries: log.attempts.length };
    }
    const attempt = await tryOnce(log, endpoint, deps);
    const tries = log.attempts.length + 1;
    const status = 'status' in attempt ? attempt.status : undefined;
    if (status === GONE) await disable(args);
    const isTaken = status !== undefined && status >= 200 && status < 300;
    const delayMs = nextWebhookDelay(tries - before, deps.delaysMs);
    const state = isTaken ? 'delivered' : status === GONE ? 'gone' : delayMs === undefined ? 'failed' : 'pending';
    await record(state, [attempt], endpoint.url);
    if (state !== 'pending') return { state, tries };
    throw toFailure(
      new CullError('WEBHOOK_FAILED', `${endpoint.url}: ${wordsOf(attempt)}`),
      delayMs === undefined ? {} : { delayMs },
    );
  }

  async function endpointOf({ tenant, endpoint }: SendWebhookArgs): Promise<WebhookEndpoint | undefined> {
    const doc = await readJson<WebhooksDoc>(storage, keys.webhooks(tenant));
    return doc?.endpoints.find(({ id }) => id === endpoint);
  }

  const disable = ({ tenant, endpoint }: SendWebhookArgs): Promise<void> =>
    updateJson<WebhooksDoc>(storage, keys.webhooks(tenant), (doc) => {
      const disabled = { at: new Date().toISOString(), reason: 'the receiver answered 410 (gone)' };
      return doc && { endpoints: doc.endpoints.map((one) => (one.id === endpoint ? { ...one, disabled } : one)) };
    });

  return withFailures(telemetry, {
    async postWebhook(args: SendWebhookArgs): Promise<WebhookOutcome> {
      const context = Context.current();
      const timer = setInterval(() => context.heartbeat(), HEARTBEAT_MS);
      try {
        return await post(args);
      } finally {
        clearInterval(timer);
      }
    },
  });
}

async function tryOnce(
  { message, body }: WebhookLogDoc,
  { url, secrets }: WebhookEndpoint,
  { allowed, resolve }: WebhookDeps,
): Promise<WebhookAttempt> {
  const start = Date.now();
  const at = new Date(start).toISOString();
  try {
    const { status } = await callOutside(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'user-agent': 'comfy-cull',
        ...signedHeaders({ message, body, at: start, secrets }),
      },
      body,
      timeoutMs: TIMEOUT_MS,
      maxBytes: ANSWER_BYTES,
      allowed,
      ...(resolve && { resolve }),
    });
    return { at, ms: Date.now() - start, status };
  } catch (error) {
    return { at, ms: Date.now() - start, error: messageOf(error) };
  }
}

const wordsOf = (attempt: WebhookAttempt): string => {
  if ('error' in attempt) return attempt.error;
  const isRedirect = attempt.status >= 300 && attempt.status < 400;
  return `it answered ${attempt.status}${isRedirect ? ', and redirects are not followed' : ''}`;
};
