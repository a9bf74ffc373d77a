/** A person's word on the candidates that only a person can let pass. */
import { OpenAPIHono } from '@hono/zod-openapi';
import { json, keyed, problems, RequestParam, type Env, type Service } from '../context.js';
import type { Caller } from '../keys.js';
import { pageOf, Reviewable, ReviewAnswer, ReviewBody } from '../schemas.js';

const list = keyed('read', {
  method: 'get',
  path: '/v1/requests/{request}/reviews',
  tags: ['Reviews'],
  summary: 'What waits for a person',
  description:
    'All candidates in the band review that nobody has decided on, best first; while the request is open and after it. At most one second old.',
  request: { params: RequestParam },
  responses: { 200: json(pageOf(Reviewable), 'All of them'), ...problems(404) },
});

const decide = keyed('review', {
  method: 'post',
  path: '/v1/requests/{request}/reviews',
  tags: ['Reviews'],
  summary: 'Accept or reject candidates',
  description:
    'All decisions are checked before any is stored. The first word on a candidate stands; the same word again changes nothing, so a call can be ' +
    'repeated. An accepted candidate counts to K: an open request is told, one that ended short is delivered again before the answer comes. ' +
    'REVIEW_REFUSED (422): a candidate is not up for review. REVIEW_DECIDED (409): it was decided otherwise before.',
  request: {
    params: RequestParam,
    body: { required: true, content: { 'application/json': { schema: ReviewBody } } },
  },
  responses: { 200: json(ReviewAnswer, 'What was taken, and how the request stands'), ...problems(404, 409, 413) },
});

export function reviewRoutes({ cullOf, reads }: Service): OpenAPIHono<Env> {
  return new OpenAPIHono<Env>()
    .openapi(list, async (c) => {
      const items = await reads.reviewable(c.get('caller').tenant, c.req.valid('param').request);
      return c.json({ items, next: null }, 200);
    })
    .openapi(decide, async (c) => {
      const caller = c.get('caller');
      const { request } = c.req.valid('param');
      const { by = nameOf(caller), ...decisions } = c.req.valid('json');
      const cull = cullOf(caller.tenant);
      // before its decisions are looked at, so that an unknown request is a 404
      await cull.requestDoc(request);
      try {
        return c.json(await cull.review(request, { ...decisions, by }), 200);
      } finally {
        // a decision can be stored and not yet told to the request
        reads.forget(caller.tenant, request);
      }
    });
}

const nameOf = ({ note, key }: Caller): string => (note === undefined || note.trim() === '' ? key : note);
