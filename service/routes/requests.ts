/** Make, read, list and cancel requests. */
import { OpenAPIHono, z } from '@hono/zod-openapi';
import type { Cull } from '../../client/cull.js';
import { modeOf } from '../../client/request.js';
import { knowsRequest } from '../../client/store.js';
import { optionsOf } from '../asked.js';
import { json, keyed, paging, problems, RequestParam, type Env, type Service } from '../context.js';
import { pageOf, RequestBody, RequestRow, RequestView, State } from '../schemas.js';

const LOOK_EVERY_MS = 250;

const create = keyed('write', {
  method: 'post',
  path: '/v1/requests',
  tags: ['Requests'],
  summary: 'Ask for K images that pass',
  description:
    'Stores the request and starts it. With `wait`, the answer is the result (200) if it is there in time; else 202, and the request goes on. ' +
    'The same `Idempotency-Key` with the same body is the same request, answered also where limits let nothing new in; with another body it is refused (422). ' +
    'RELEASE_QUARANTINED (409): the release only fails, and is held back.',
  request: {
    headers: z.object({
      'idempotency-key': z
        .string()
        .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/)
        .optional()
        .openapi({ description: 'Names the request: 1 to 128 letters, digits, ".", "_", "-". Default: a new name' }),
    }),
    query: z.object({
      wait: z
        .string()
        .regex(/^\d{1,3}s?$/)
        .optional()
        .openapi({
          description: 'Seconds to wait for the result, at most 120: 30 or 30s',
          example: '30s',
        }),
    }),
    body: { required: true, content: { 'application/json': { schema: RequestBody } } },
  },
  responses: {
    200: json(RequestView, 'The request has ended'),
    202: json(RequestView, 'The request runs; Location says where to look'),
    ...problems(400, 404, 409, 413),
  },
});

const read = keyed('read', {
  method: 'get',
  path: '/v1/requests/{request}',
  tags: ['Requests'],
  summary: 'A request: its result, or where it stands',
  description:
    'At most one second old. An ended request is read from storage, also long after Temporal has forgotten it.',
  request: { params: RequestParam },
  responses: { 200: json(RequestView, 'The request'), ...problems(404) },
});

const list = keyed('read', {
  method: 'get',
  path: '/v1/requests',
  tags: ['Requests'],
  summary: "The tenant's requests, the newest first",
  description: 'A page may be short and still have a `next`.',
  request: {
    query: z.object({
      state: State.optional(),
      template: z.string().max(128).optional(),
      ...paging,
    }),
  },
  responses: { 200: json(pageOf(RequestRow), 'A page'), ...problems() },
});

const cancel = keyed('write', {
  method: 'delete',
  path: '/v1/requests/{request}',
  tags: ['Requests'],
  summary: 'Cancel a request',
  description:
    'Its prompts are taken off the ComfyUIs; what was drawn stays readable. One that has ended stays as it is.',
  request: { params: RequestParam },
  responses: {
    200: json(RequestView, 'It had ended before'),
    202: json(RequestView, 'It is being cancelled'),
    ...problems(404),
  },
});

export function requestRoutes(service: Service): OpenAPIHono<Env> {
  const { reads } = service;
  return new OpenAPIHono<Env>()
    .openapi(create, async (c) => {
      const { tenant } = c.get('caller');
      const cull = service.cullOf(tenant);
      const key = c.req.valid('header')['idempotency-key'];
      const options = await optionsOf(service, cull, { ...c.req.valid('json'), ...(key !== undefined && { key }) });
      if (!(await knowsRequest(cull, key))) await service.door(cull, modeOf(options).candidates);
      const request = await cull.generate(options);
      const seconds = Math.min(service.limits.waitSeconds, Number(c.req.valid('query').wait?.replace('s', '') ?? 0));
      await waitFor(cull, request, { seconds, ending: AbortSignal.any([service.ending, c.req.raw.signal]) });
      reads.forget(tenant, request);
      const { view } = await reads.request(tenant, request);
      c.header('location', `/v1/requests/${request}`);
      return c.json(view, view.state === 'running' ? 202 : 200);
    })
    .openapi(read, async (c) => {
      const seen = await reads.request(c.get('caller').tenant, c.req.valid('param').request);
      return c.body(seen.json, 200, { 'content-type': 'application/json' }) as never;
    })
    .openapi(list, async (c) => {
      const page = await service.cullOf(c.get('caller').tenant).list(c.req.valid('query'));
      return c.json(page, 200);
    })
    .openapi(cancel, async (c) => {
      const { tenant } = c.get('caller');
      const { request } = c.req.valid('param');
      const { view } = await reads.request(tenant, request);
      if (view.state !== 'running') return c.json(view, 200);
      await service.cullOf(tenant).cancel(request);
      reads.forget(tenant, request);
      return c.json(view, 202);
    });
}

/** Returns once the request has ended, the time is over, or nobody listens any more. */
async function waitFor(
  cull: Cull,
  request: string,
  { seconds, ending }: { seconds: number; ending: AbortSignal },
): Promise<void> {
  const over = AbortSignal.any([ending, AbortSignal.timeout(seconds * 1000)]);
  while (seconds > 0 && !over.aborted && !(await cull.result(request))) await paused(LOOK_EVERY_MS, over);
}

const paused = (ms: number, over: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      over.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    over.addEventListener('abort', done, { once: true });
  });
