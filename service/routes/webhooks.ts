/** Who is told how requests and batches end, and what became of each message. */
import { OpenAPIHono, z } from '@hono/zod-openapi';
import { replayWebhook, webhookMessage, webhookMessages } from '../../client/webhook-log.js';
import {
  addWebhook,
  enableWebhook,
  listWebhooks,
  removeWebhook,
  rotateWebhook,
  webhookNamed,
} from '../../client/webhooks.js';
import type { WebhookLogDoc } from '../../workflows/webhook-contract.js';
import { json, keyed, paging, problems, type Env, type Service } from '../context.js';
import { Name, pageOf } from '../schemas.js';
import {
  MessageRow,
  MessageState,
  MessageView,
  Replayed,
  RotateBody,
  WebhookBody,
  WebhookView,
  WebhookWithSecret,
} from '../webhook-schemas.js';

const tags = ['Webhooks'];
const id = Name.openapi({ param: { name: 'webhook', in: 'path' }, example: 'ep_4f1c09aa12de' });
const message = z
  .string()
  .regex(/^msg_\d{8}_[0-9a-f]{24}$/)
  .openapi({ param: { name: 'message', in: 'path' }, example: 'msg_20261130_0f3c55a1be09d27744c0fa13' });
const WebhookParam = z.object({ webhook: id });
const MessageParam = z.object({ webhook: id, message });

const list = keyed('webhooks', {
  method: 'get',
  path: '/v1/webhooks',
  tags,
  summary: 'The webhooks, without their secrets',
  responses: { 200: json(pageOf(WebhookView), 'All of them, the oldest first'), ...problems() },
});
const add = keyed('webhooks', {
  method: 'post',
  path: '/v1/webhooks',
  tags,
  summary: 'Tell an address how requests and batches end',
  description:
    'Messages follow Standard Webhooks. The secret that signs them is in this answer and shown nowhere again. OUTSIDE_REFUSED (422): the address is not public.',
  request: { body: { required: true, content: { 'application/json': { schema: WebhookBody } } } },
  responses: { 201: json(WebhookWithSecret, 'Added'), ...problems(400, 413) },
});
const read = keyed('webhooks', {
  method: 'get',
  path: '/v1/webhooks/{webhook}',
  tags,
  summary: 'A webhook, without its secret',
  request: { params: WebhookParam },
  responses: { 200: json(WebhookView, 'The webhook'), ...problems(404) },
});
const remove = keyed('webhooks', {
  method: 'delete',
  path: '/v1/webhooks/{webhook}',
  tags,
  summary: 'Tell it nothing more',
  description: 'What still waits for it is given up.',
  request: { params: WebhookParam },
  responses: { 200: json(WebhookView, 'Removed'), ...problems(404) },
});
const enable = keyed('webhooks', {
  method: 'post',
  path: '/v1/webhooks/{webhook}/enable',
  tags,
  summary: 'Tell it again, after it answered 410 (gone)',
  request: { params: WebhookParam },
  responses: { 200: json(WebhookView, 'Enabled'), ...problems(404) },
});
const rotate = keyed('webhooks', {
  method: 'post',
  path: '/v1/webhooks/{webhook}/rotate',
  tags,
  summary: 'Give it a new secret',
  description: 'The old ones sign too for `keepSeconds`: within it the receiver changes over.',
  request: { params: WebhookParam, body: { required: true, content: { 'application/json': { schema: RotateBody } } } },
  responses: { 200: json(WebhookWithSecret, 'The new secret, shown this once'), ...problems(400, 404, 413) },
});
const messages = keyed('webhooks', {
  method: 'get',
  path: '/v1/webhooks/{webhook}/messages',
  tags,
  summary: 'What it was sent, with every try',
  description: 'The newest day first, within a day by id. A page may be short and still have a `next`.',
  request: { params: WebhookParam, query: z.object({ state: MessageState.optional(), ...paging }) },
  responses: { 200: json(pageOf(MessageRow), 'A page'), ...problems(404) },
});
const readMessage = keyed('webhooks', {
  method: 'get',
  path: '/v1/webhooks/{webhook}/messages/{message}',
  tags,
  summary: 'A message: what was sent, and every try',
  request: { params: MessageParam },
  responses: { 200: json(MessageView, 'The message'), ...problems(404) },
});
const replay = keyed('webhooks', {
  method: 'post',
  path: '/v1/webhooks/{webhook}/messages/{message}/replay',
  tags,
  summary: 'Send a message again, under its id',
  description: 'It has a day of tries again. One that is being tried is left to that.',
  request: { params: MessageParam },
  responses: { 202: json(Replayed, 'It is sent again'), ...problems(404) },
});

export function webhookRoutes({ storage, cullOf, allowed }: Service): OpenAPIHono<Env> {
  return new OpenAPIHono<Env>()
    .openapi(list, async (c) => {
      const { tenant } = c.get('caller');
      return c.json({ items: await listWebhooks({ storage, tenant }), next: null }, 200);
    })
    .openapi(add, async (c) => {
      const { tenant } = c.get('caller');
      const { url, events } = c.req.valid('json');
      const added = await addWebhook({ storage, tenant }, { url, allowed, ...(events && { events }) });
      c.header('location', `/v1/webhooks/${added.endpoint.id}`);
      return c.json({ ...added.endpoint, secret: added.secret }, 201);
    })
    .openapi(read, async (c) => {
      const { tenant } = c.get('caller');
      return c.json(await webhookNamed({ storage, tenant }, c.req.valid('param').webhook), 200);
    })
    .openapi(remove, async (c) => {
      const { tenant } = c.get('caller');
      return c.json(await removeWebhook({ storage, tenant }, c.req.valid('param').webhook), 200);
    })
    .openapi(enable, async (c) => {
      const { tenant } = c.get('caller');
      return c.json(await enableWebhook({ storage, tenant }, c.req.valid('param').webhook), 200);
    })
    .openapi(rotate, async (c) => {
      const { tenant } = c.get('caller');
      const keepMs = c.req.valid('json').keepSeconds * 1_000;
      const { endpoint, secret } = await rotateWebhook({ storage, tenant }, c.req.valid('param').webhook, { keepMs });
      return c.json({ ...endpoint, secret }, 200);
    })
    .openapi(messages, async (c) => {
      const { tenant } = c.get('caller');
      const { id: endpoint } = await webhookNamed({ storage, tenant }, c.req.valid('param').webhook);
      const { items, next } = await webhookMessages({ storage, tenant }, { endpoint, ...c.req.valid('query') });
      return c.json({ items: items.map(rowOf), next }, 200);
    })
    .openapi(readMessage, async (c) => {
      const { tenant } = c.get('caller');
      const { webhook: endpoint, message } = c.req.valid('param');
      const doc = await webhookMessage({ storage, tenant }, { message, endpoint });
      return c.json({ ...rowOf(doc), body: doc.body }, 200);
    })
    .openapi(replay, async (c) => {
      const { webhook: endpoint, message } = c.req.valid('param');
      const started = await replayWebhook(cullOf(c.get('caller').tenant), message, { endpoint });
      return c.json({ message, isStarted: started.some(({ isStarted }) => isStarted) }, 202);
    });
}

const rowOf = ({ message, event, url, state, createdAt, attempts }: WebhookLogDoc): z.infer<typeof MessageRow> => ({
  message,
  event,
  url,
  state,
  createdAt,
  attempts,
});
