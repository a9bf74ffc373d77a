/** The news of an ended request or batch: the message is stored for each endpoint that wants it; workflows send it. */
import { createHash } from 'node:crypto';
import { Context } from '@temporalio/activity';
import { keys } from '../storage/keys.js';
import type { Storage } from '../storage/storage.js';
import { updateJson } from '../storage/update.js';
import type { BatchResult } from '../workflows/batch-contract.js';
import type { RequestDoc, ResultDoc } from '../workflows/contract.js';
import {
  webhookDay,
  type WebhookLogDoc,
  type WebhookNews,
  type WebhookPayload,
  type WebhooksDoc,
} from '../workflows/webhook-contract.js';
import { readJson } from './documents.js';

/** A payload stays small; the whole result is a call away. */
const MAX_LISTED = 100;

/** @returns undefined where nobody wants to know, or the request still runs */
export async function tellOfRequest(
  storage: Storage,
  { tenant, template }: Pick<RequestDoc, 'tenant' | 'template'>,
  result: ResultDoc,
): Promise<WebhookNews | undefined> {
  const { request, release, state, wanted, delivered, shortfall, counts, cost, timing, error } = result;
  if (state === 'running') return undefined;
  return tell(storage, tenant, request, {
    type: `request.${state}`,
    data: {
      tenant,
      request,
      release,
      template,
      state,
      wanted,
      delivered: delivered.slice(0, MAX_LISTED).map(({ candidate, seed, rank, quality, key, url, group }) => ({
        ...{ candidate, seed, rank, quality, key, url },
        ...(group !== undefined && { group }),
      })),
      omitted: Math.max(0, delivered.length - MAX_LISTED),
      shortfall: shortfall && {
        missing: shortfall.missing,
        reason: shortfall.reason,
        gates: shortfall.gates,
        reviewable: shortfall.reviewable?.length ?? 0,
        ...(shortfall.missingPerGroup && { missingPerGroup: shortfall.missingPerGroup }),
      },
      counts,
      cost,
      timing,
      error: error && { code: error.code, message: error.message },
    },
  });
}

export const tellOfBatch = (
  storage: Storage,
  tenant: string,
  { batch, state, lines, counts, totalMs }: BatchResult,
): Promise<WebhookNews | undefined> =>
  tell(storage, tenant, batch, {
    type: `batch.${state}`,
    data: { tenant, batch, state, lines, counts, totalMs },
  });

/**
 * Within an activity. Its workflow's run and the time it was scheduled name the message, and both are the same when it is tried again: no end
 * of a request has two messages, and what was stored first is what is sent.
 */
async function tell(
  storage: Storage,
  tenant: string,
  subject: string,
  news: Pick<WebhookPayload, 'type' | 'data'>,
): Promise<WebhookNews | undefined> {
  const { endpoints } = (await readJson<WebhooksDoc>(storage, keys.webhooks(tenant))) ?? { endpoints: [] };
  const wanting = endpoints.filter(({ disabled, events }) => !disabled && events.includes(news.type));
  if (wanting.length === 0) return undefined;
  const { workflowExecution, scheduledTimestampMs } = Context.current().info;
  const createdAt = new Date(scheduledTimestampMs).toISOString();
  const hash = createHash('sha256')
    .update(`${tenant}\n${subject}\n${workflowExecution?.runId ?? ''}`)
    .digest('hex');
  const message = `msg_${createdAt.slice(0, 10).replaceAll('-', '')}_${hash.slice(0, 24)}`;
  const body = JSON.stringify({ type: news.type, timestamp: createdAt, data: news.data });
  await Promise.all(
    wanting.map(({ id, url }) =>
      updateJson<WebhookLogDoc>(
        storage,
        keys.webhookLog(tenant, { day: webhookDay(message), message, endpoint: id }),
        (known) =>
          known
            ? undefined
            : { message, endpoint: id, event: news.type, url, state: 'pending', createdAt, body, attempts: [] },
      ),
    ),
  );
  return { message, endpoints: wanting.map(({ id }) => id) };
}
