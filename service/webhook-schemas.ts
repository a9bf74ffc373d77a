/** What goes in and out of webhooks, as zod schemas. */
import { z } from '@hono/zod-openapi';
import { WEBHOOK_EVENTS } from '../workflows/webhook-contract.js';

const Event = z.enum(WEBHOOK_EVENTS);

export const WebhookBody = z
  .strictObject({
    url: z.string().min(1).max(2_000).openapi({
      description: 'http or https, at a public address; without user name and password',
      example: 'https://shop.example.com/cull',
    }),
    events: z.array(Event).min(1).max(WEBHOOK_EVENTS.length).optional().openapi({ description: 'Default: all' }),
  })
  .openapi('WebhookBody');

const endpoint = {
  id: z.string(),
  url: z.string(),
  events: z.array(Event),
  createdAt: z.string(),
  disabled: z
    .object({ at: z.string(), reason: z.string() })
    .optional()
    .openapi({ description: 'It gets nothing until it is enabled again' }),
};
export const WebhookView = z.object(endpoint).openapi('Webhook');
export const WebhookWithSecret = z
  .object({
    ...endpoint,
    secret: z.string().openapi({ description: 'What messages are signed with; it is not shown again' }),
  })
  .openapi('WebhookWithSecret');

const DAY_SECONDS = 86_400;
export const RotateBody = z
  .strictObject({
    keepSeconds: z
      .int()
      .min(0)
      .max(30 * DAY_SECONDS)
      .default(DAY_SECONDS)
      .openapi({ description: 'So long the old secrets sign too' }),
  })
  .openapi('RotateBody');

export const MessageState = z.enum(['pending', 'delivered', 'failed', 'gone']).openapi({
  description:
    'pending: it is tried, or waits for its next try. gone: the receiver said 410, or the webhook is disabled',
});
const message = {
  message: z.string().openapi({ description: 'What the receiver knows as webhook-id' }),
  event: Event,
  url: z.string().openapi({ description: 'Where the last try went' }),
  state: MessageState,
  createdAt: z.string(),
  attempts: z
    .array(
      z.object({
        at: z.string(),
        ms: z.number(),
        status: z.int().optional().openapi({ description: 'What the receiver answered' }),
        error: z.string().optional().openapi({ description: 'Why there was no answer' }),
      }),
    )
    .openapi({ description: 'The oldest first' }),
};
export const MessageRow = z.object(message).openapi('WebhookMessageRow');
export const MessageView = z
  .object({ ...message, body: z.string().openapi({ description: 'What was sent, byte for byte' }) })
  .openapi('WebhookMessage');

export const Replayed = z
  .object({
    message: z.string(),
    isStarted: z.boolean().openapi({ description: 'false: it is being tried already' }),
  })
  .openapi('Replayed');
