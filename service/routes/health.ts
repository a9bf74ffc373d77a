/** For load balancers and supervisors; no key. */
import { createRoute, OpenAPIHono, z } from '@hono/zod-openapi';
import { messageOf } from '../../errors.js';
import { keys } from '../../storage/keys.js';
import { json, type Env, type Service } from '../context.js';

const Health = z.object({ ok: z.boolean(), problems: z.array(z.string()) }).openapi('Health');

const healthz = createRoute({
  method: 'get',
  path: '/healthz',
  tags: ['Service'],
  summary: 'Whether the process lives',
  responses: { 200: json(Health, 'It does') },
});
const readyz = createRoute({
  method: 'get',
  path: '/readyz',
  tags: ['Service'],
  summary: 'Whether it can take requests: Temporal answers, storage answers, a worker is there',
  responses: { 200: json(Health, 'It can'), 503: json(Health, 'It cannot now, and why') },
});

export function healthRoutes({ cullOf, storage, ending }: Service): OpenAPIHono<Env> {
  return new OpenAPIHono<Env>()
    .openapi(healthz, (c) => c.json({ ok: true, problems: [] }, 200))
    .openapi(readyz, async (c) => {
      const found = await Promise.all([
        storage.head(keys.fleet()).then(
          () => undefined,
          (error: unknown) => `storage: ${messageOf(error)}`,
        ),
        cullOf('default')
          .hasWorker()
          .then(
            (there) => (there ? undefined : 'no worker takes requests'),
            (error: unknown) => `Temporal: ${messageOf(error)}`,
          ),
      ]);
      const problems = [ending.aborted ? 'the service is ending' : undefined, ...found].filter(
        (problem) => problem !== undefined,
      );
      return c.json({ ok: problems.length === 0, problems }, problems.length === 0 ? 200 : 503);
    });
}
