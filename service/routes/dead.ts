/** What failed for good: look, try again, forget. */
import { OpenAPIHono, z } from '@hono/zod-openapi';
import { dropDead, listDead, readDead, retryDead } from '../../client/dead.js';
import { json, keyed, problems, RequestParam, type Env, type Service } from '../context.js';
import { DeadLetter, DeadRetry } from '../dead-schemas.js';
import { pageOf } from '../schemas.js';

const list = keyed('read', {
  method: 'get',
  path: '/v1/dead',
  tags: ['Dead letters'],
  summary: 'What failed for good, the newest first',
  description: 'Requests that failed, or that lost candidates. A page may be short and still have a `next`.',
  request: {
    query: z.object({
      code: z.string().max(64).optional().openapi({ description: 'With this error', example: 'COMFY_NODE_FAILED' }),
      limit: z.coerce.number().int().min(1).max(200).default(50),
      cursor: z.string().max(500).optional(),
    }),
  },
  responses: { 200: json(pageOf(DeadLetter), 'A page'), ...problems() },
});
const read = keyed('read', {
  method: 'get',
  path: '/v1/dead/{request}',
  tags: ['Dead letters'],
  summary: 'What of a request failed for good',
  request: { params: RequestParam },
  responses: { 200: json(DeadLetter, 'The letter'), ...problems(404) },
});
const retry = keyed('write', {
  method: 'post',
  path: '/v1/dead/{request}/retry',
  tags: ['Dead letters'],
  summary: 'Make the request anew',
  description:
    'As a request of its own, `<request>-again1`; the same call again gives the same one. One that fell short gets another seed. ' +
    'A request that delivered all is refused (422).',
  request: { params: RequestParam },
  responses: { 202: json(DeadRetry, 'The new request runs, or has run'), ...problems(404, 409) },
});
const drop = keyed('write', {
  method: 'delete',
  path: '/v1/dead/{request}',
  tags: ['Dead letters'],
  summary: 'Forget the letter',
  description: 'The request stays as it is.',
  request: { params: RequestParam },
  responses: { 200: json(DeadLetter, 'The letter, as it was'), ...problems(404) },
});

export function deadRoutes(service: Service): OpenAPIHono<Env> {
  const { cullOf } = service;
  return new OpenAPIHono<Env>()
    .openapi(list, async (c) => c.json(await listDead(cullOf(c.get('caller').tenant), c.req.valid('query')), 200))
    .openapi(read, async (c) =>
      c.json(await readDead(cullOf(c.get('caller').tenant), c.req.valid('param').request), 200),
    )
    .openapi(retry, async (c) => {
      const cull = cullOf(c.get('caller').tenant);
      const { request } = c.req.valid('param');
      const { candidates } = await cull.requestDoc(request);
      await service.door(cull, candidates);
      const retriedAs = await retryDead(cull, request);
      c.header('location', `/v1/requests/${retriedAs}`);
      return c.json({ request, retriedAs }, 202);
    })
    .openapi(drop, async (c) =>
      c.json(await dropDead(cullOf(c.get('caller').tenant), c.req.valid('param').request), 200),
    );
}
