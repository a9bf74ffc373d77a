/** What became of each webhook message, and sending one again. */
import type { Client } from '@temporalio/client';
import { WorkflowExecutionAlreadyStartedError, WorkflowNotFoundError } from '@temporalio/client';
import { CullError } from '../errors.js';
import { keys } from '../storage/keys.js';
import { updateJson } from '../storage/update.js';
import { ORCHESTRATE_QUEUE } from '../workflows/contract.js';
import {
  webhookDay,
  webhookWorkflowId,
  type SendWebhookArgs,
  type WebhookLogDoc,
  type WebhookState,
} from '../workflows/webhook-contract.js';
import { readJson } from './documents.js';
import { isWithin, pageOfDays, type Page, type Paging } from './newest.js';
import { priorityOf } from './tenants.js';
import type { TenantStore } from './webhooks.js';

/** A message's form; its day tells where it lies. */
const MESSAGE = /^msg_\d{8}_[0-9a-f]{24}$/;

/**
 * The messages of a tenant, with every try, day by day.
 *
 * @param since ISO 8601: messages of that time and later. @default all
 */
export async function* webhookLog(
  { storage, tenant }: TenantStore,
  { since = '' }: { since?: string } = {},
): AsyncGenerator<WebhookLogDoc> {
  const folder = keys.webhookLogs(tenant);
  for await (const { key } of storage.list(folder)) {
    if (key.slice(folder.length, folder.length + 10) < since.slice(0, 10)) continue;
    const doc = await readJson<WebhookLogDoc>(storage, key);
    if (doc && doc.createdAt >= since) yield doc;
  }
}

export interface MessageListing extends Paging {
  endpoint: string;
  state?: WebhookState | undefined;
}

/**
 * What an endpoint was sent, page by page: the newest day first, within a day by the message's id.
 *
 * @throws CullError BODY_INVALID for a cursor that is none
 * @example
 * const { items } = await webhookMessages(store, { endpoint: 'ep_4f1c09aa12de', state: 'failed', limit: 20 });
 */
export function webhookMessages(
  { storage, tenant }: TenantStore,
  listing: MessageListing,
): Promise<Page<WebhookLogDoc>> {
  const { endpoint, state } = listing;
  return pageOfDays(storage, listing, {
    folder: keys.webhookLogs(tenant),
    // a message is written anew at every try, so its time moves
    order: 'name',
    rowOf: async ({ day, name }) => {
      if (!name.endsWith(`.${endpoint}`)) return undefined;
      const message = name.slice(0, -endpoint.length - 1);
      const doc = await readJson<WebhookLogDoc>(storage, keys.webhookLog(tenant, { day, message, endpoint }));
      return doc && (state ?? doc.state) === doc.state && isWithin(doc.createdAt, listing) ? doc : undefined;
    },
  });
}

/** A message to one endpoint, with every try. @throws CullError WEBHOOK_NOT_FOUND */
export async function webhookMessage(
  { storage, tenant }: TenantStore,
  { message, endpoint }: { message: string; endpoint: string },
): Promise<WebhookLogDoc> {
  const day = webhookDay(message);
  const doc = MESSAGE.test(message)
    ? await readJson<WebhookLogDoc>(storage, keys.webhookLog(tenant, { day, message, endpoint }))
    : undefined;
  if (doc) return doc;
  throw unknownMessage(tenant, message);
}

const unknownMessage = (tenant: string, message: string): CullError =>
  new CullError('WEBHOOK_NOT_FOUND', `tenant ${tenant} has no message ${message}`, {
    hint: '`comfy-cull webhooks log` shows all',
  });

/**
 * Sends a message again, under its id, to every endpoint that it went to, or to one. It has a day of tries again. One that is being tried now is
 * left to that.
 *
 * @throws CullError WEBHOOK_NOT_FOUND
 * @example
 * await replayWebhook(cull, 'msg_20261130_0f3c…');
 */
export async function replayWebhook(
  { temporal, storage, tenant }: TenantStore & { temporal: Client },
  message: string,
  options: { endpoint?: string } = {},
): Promise<{ endpoint: string; isStarted: boolean }[]> {
  const docs: WebhookLogDoc[] = [];
  if (MESSAGE.test(message)) {
    const prefix = `${keys.webhookLogs(tenant)}${webhookDay(message)}/${message}.`;
    for await (const { key } of storage.list(prefix)) {
      const doc = await readJson<WebhookLogDoc>(storage, key);
      if (doc && (options.endpoint ?? doc.endpoint) === doc.endpoint) docs.push(doc);
    }
  }
  if (docs.length === 0) throw unknownMessage(tenant, message);
  const started = [];
  for (const { endpoint } of docs)
    started.push({ endpoint, isStarted: await startAgain({ temporal, storage, tenant }, { message, endpoint }) });
  return started;
}

async function startAgain(
  { temporal, storage, tenant }: TenantStore & { temporal: Client },
  { message, endpoint }: { message: string; endpoint: string },
): Promise<boolean> {
  const workflowId = webhookWorkflowId({ tenant, message, endpoint });
  // A message is opened again only where nobody tries it: its tries are counted from here.
  const isRunning = await temporal.workflow
    .getHandle(workflowId)
    .describe()
    .then(
      ({ status }) => status.name === 'RUNNING',
      (error: unknown) => {
        if (error instanceof WorkflowNotFoundError) return false;
        throw error;
      },
    );
  if (isRunning) return false;
  let before = 0;
  await updateJson<WebhookLogDoc>(
    storage,
    keys.webhookLog(tenant, { day: webhookDay(message), message, endpoint }),
    (doc) => {
      before = doc?.attempts.length ?? 0;
      return doc && { ...doc, state: 'pending' };
    },
  );
  const args: SendWebhookArgs = { tenant, message, endpoint, before };
  try {
    await temporal.workflow.start('sendWebhook', {
      workflowId,
      taskQueue: ORCHESTRATE_QUEUE,
      args: [args],
      priority: await priorityOf(storage, tenant, 'interactive'),
      workflowIdReusePolicy: 'ALLOW_DUPLICATE',
      workflowIdConflictPolicy: 'FAIL',
      staticSummary: message,
    });
    return true;
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) return false;
    throw error;
  }
}
