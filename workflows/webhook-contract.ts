/** What others may know of webhooks: names, arguments, documents. Types and constants only; safe in every bundle. */
import type { BatchCounts } from './batch-contract.js';
import type { ResultDoc } from './contract.js';

/** A queue of its own: receivers that hang hold up other webhooks at most, and no request. */
export const WEBHOOK_QUEUE = 'cull-webhooks';

export const WEBHOOK_EVENTS = [
  'request.delivered',
  'request.shortfall',
  'request.failed',
  'request.cancelled',
  'batch.done',
  'batch.cancelled',
] as const;
export type WebhookEvent = (typeof WEBHOOK_EVENTS)[number];

/** `_registry/tenants/<tenant>/webhooks.json`. */
export interface WebhooksDoc {
  endpoints: WebhookEndpoint[];
}

export interface WebhookEndpoint {
  id: string;
  url: string;
  events: WebhookEvent[];
  /** The newest first; every one of them that is still good signs. */
  secrets: WebhookSecret[];
  /** ISO 8601. */
  createdAt: string;
  /** It gets nothing until it is enabled again. */
  disabled?: { at: string; reason: string };
}

export interface WebhookSecret {
  /** `whsec_` and the base64 of 32 random bytes. */
  secret: string;
  /** ISO 8601; absent: until it is rotated. */
  until?: string;
}

/** A message that waits to be sent: few bytes, as it passes through Temporal. */
export interface WebhookNews {
  message: string;
  endpoints: string[];
}

/** Argument of `sendWebhook`: one message to one endpoint. */
export interface SendWebhookArgs {
  tenant: string;
  message: string;
  endpoint: string;
  /** Tries that were made before: it is sent again. @default 0 */
  before?: number;
}

/** `pending`: it is being tried, or waits for the next try; `gone`: the receiver said 410, or the endpoint is disabled or removed. */
export type WebhookState = 'pending' | 'delivered' | 'failed' | 'gone';
export interface WebhookOutcome {
  state: Exclude<WebhookState, 'pending'>;
  tries: number;
}

/** `<tenant>/webhooks/<yyyy-mm-dd>/<message>.<endpoint>.json`. */
export interface WebhookLogDoc {
  message: string;
  endpoint: string;
  event: WebhookEvent;
  /** Of the last try; before the first, of the endpoint as it was. */
  url: string;
  state: WebhookState;
  /** ISO 8601. */
  createdAt: string;
  /** What is sent, byte for byte: the JSON of a `WebhookPayload`. */
  body: string;
  attempts: WebhookAttempt[];
}

export type WebhookAttempt = {
  /** ISO 8601. */
  at: string;
  /** Milliseconds until the answer, or until none came. */
  ms: number;
} & ({ status: number } | { error: string });

/** What a receiver gets. */
export type WebhookPayload = { timestamp: string } & (
  | { type: Extract<WebhookEvent, `request.${string}`>; data: RequestNews }
  | { type: Extract<WebhookEvent, `batch.${string}`>; data: BatchNews }
);

export interface RequestNews extends Pick<
  ResultDoc,
  'request' | 'release' | 'state' | 'wanted' | 'counts' | 'cost' | 'timing'
> {
  tenant: string;
  template: string;
  /** The best 100. */
  delivered: Pick<
    ResultDoc['delivered'][number],
    'candidate' | 'seed' | 'rank' | 'quality' | 'key' | 'url' | 'group'
  >[];
  /** Delivered ones that are not listed here. */
  omitted: number;
  shortfall:
    | null
    | (Pick<NonNullable<ResultDoc['shortfall']>, 'missing' | 'reason' | 'gates' | 'missingPerGroup'> & {
        /** How many a person could still let pass. */
        reviewable: number;
      });
  error: { code: string; message: string } | null;
}

export interface BatchNews {
  tenant: string;
  batch: string;
  state: 'done' | 'cancelled';
  lines: number;
  counts: BatchCounts;
  totalMs: number;
}

/** A message's day is in its name, so that its log is found by it. */
export const webhookDay = (message: string): string => {
  const [, year = '', month = '', day = ''] = /^msg_(\d{4})(\d\d)(\d\d)_/.exec(message) ?? [];
  return `${year}-${month}-${day}`;
};
export const webhookWorkflowId = ({ tenant, message, endpoint }: SendWebhookArgs): string =>
  `cull-webhook/${tenant}/${message}.${endpoint}`;
