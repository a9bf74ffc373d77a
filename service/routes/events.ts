/** What happens to a request, as server-sent events: progress while it runs, the end. */
import { OpenAPIHono, z } from '@hono/zod-openapi';
import { streamSSE } from 'hono/streaming';
import { keyed, problems, RequestParam, type Env, type Service } from '../context.js';

const LOOK_EVERY_MS = 500;
/** Proxies close what is silent for a minute. */
const ALIVE_EVERY_MS = 15_000;

const events = keyed('read', {
  method: 'get',
  path: '/v1/requests/{request}/events',
  tags: ['Requests'],
  summary: 'Follow a request',
  description:
    'Server-sent events. `progress`: the request as it stands, whenever that changes; `end`: the request as it ended, after which the ' +
    'stream closes. `Last-Event-ID` (what a browser sends when it reconnects) leaves out what was seen.',
  request: {
    params: RequestParam,
    headers: z.object({ 'last-event-id': z.string().max(100).optional() }),
  },
  responses: {
    200: {
      description: 'The stream',
      content: {
        'text/event-stream': {
          schema: z.string().openapi({ example: 'event: progress\ndata: {"state":"running"}\n\n' }),
        },
      },
    },
    ...problems(404),
  },
});

export function eventRoutes({ reads, ending }: Service): OpenAPIHono<Env> {
  return new OpenAPIHono<Env>().openapi(events, async (c) => {
    const { tenant } = c.get('caller');
    const { request } = c.req.valid('param');
    // before the stream opens, so that an unknown request is a 404
    await reads.request(tenant, request);
    return streamSSE(c, async (stream) => {
      let said = '';
      let saidAt = Date.now();
      const over = new AbortController();
      const close = (): void => over.abort();
      ending.addEventListener('abort', close, { once: true });
      stream.onAbort(close);
      const closed = aborted(over.signal);
      try {
        while (!over.signal.aborted) {
          const { view, json } = await reads.request(tenant, request);
          const { timing: _, ...state } = view;
          const now = JSON.stringify(state);
          if (view.state !== 'running') {
            await stream.writeSSE({ event: 'end', data: json, id: 'end' });
            return;
          }
          if (now !== said) await stream.writeSSE({ event: 'progress', data: json });
          else if (Date.now() - saidAt > ALIVE_EVERY_MS) await stream.write(': alive\n\n');
          if (now !== said || Date.now() - saidAt > ALIVE_EVERY_MS) saidAt = Date.now();
          said = now;
          await Promise.race([stream.sleep(LOOK_EVERY_MS), closed]);
        }
      } finally {
        ending.removeEventListener('abort', close);
      }
    });
  });
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
