/** What happens to a request, as server-sent events: progress, winners as they pass, the end. */
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
    'Server-sent events. `progress`: the request as it stands, whenever that changes. `winner`: a candidate passed and joined the winners so far, ' +
    'or made others leave them; numbered. `end`: the request as it ended, after which the stream closes. With `Last-Event-ID` (what a browser ' +
    'sends when it reconnects) only later winners come; if there is nothing more to come, 204 tells the browser to stop.',
  request: {
    params: RequestParam,
    headers: z.object({ 'last-event-id': z.string().max(20).optional() }),
  },
  responses: {
    200: {
      description: 'The stream',
      content: {
        'text/event-stream': {
          schema: z
            .string()
            .openapi({ example: 'id: 1\nevent: winner\ndata: {"joined":[{"candidate":7}],"left":[]}\n\n' }),
        },
      },
    },
    204: { description: 'It has ended, and all was seen' },
    ...problems(404),
  },
});

export function eventRoutes({ reads, ending }: Service): OpenAPIHono<Env> {
  return new OpenAPIHono<Env>().openapi(events, async (c) => {
    const { tenant } = c.get('caller');
    const { request } = c.req.valid('param');
    let last = Number.parseInt(c.req.valid('header')['last-event-id'] ?? '0', 10) || 0;
    // before the stream opens, so that an unknown request is a 404
    const first = await reads.request(tenant, request);
    if (first.view.state !== 'running' && last > 0 && last >= (first.events.at(-1)?.event ?? 0))
      return c.body(null, 204);
    return streamSSE(c, async (stream) => {
      const over = new AbortController();
      const close = (): void => over.abort();
      ending.addEventListener('abort', close, { once: true });
      stream.onAbort(close);
      const closed = new Promise<void>((resolve) => {
        over.signal.addEventListener('abort', () => resolve(), { once: true });
      });
      let said = '';
      let saidAt = Date.now();
      try {
        while (!over.signal.aborted && !ending.aborted) {
          const { view, json, events: all } = await reads.request(tenant, request);
          const { timing: _, ...state } = view;
          const now = JSON.stringify(state);
          const isRunning = view.state === 'running';
          for (const event of all.filter(({ event: n, kind }) => n > last && (isRunning || kind !== 'end'))) {
            await stream.writeSSE({ event: 'winner', id: String(event.event), data: JSON.stringify(event) });
            last = event.event;
          }
          if (!isRunning) {
            await stream.writeSSE({ event: 'end', id: String(all.at(-1)?.event ?? last + 1), data: json });
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
