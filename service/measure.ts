/** How long each route takes, for Prometheus. */
import type { Context, MiddlewareHandler } from 'hono';
import { matchedRoutes } from 'hono/route';
import type { Metrics } from '../telemetry/metrics.js';

const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);
/** The label of a path that is nobody's. */
const NO_ROUTE = 'none';

/** Middleware that counts every call by the pattern of its route, never by its path: a path holds ids. */
export const measure =
  (metrics: Metrics): MiddlewareHandler =>
  async (c, next) => {
    const startedAt = performance.now();
    await next();
    const method = METHODS.has(c.req.method) ? c.req.method : 'other';
    const labels = { method, route: routeOf(c) ?? NO_ROUTE, status: String(c.res.status) };
    metrics.observe('cull_http_request_duration_seconds', labels, (performance.now() - startedAt) / 1_000);
  };

/** The pattern of the route that answered; undefined for a path that is nobody's. */
export const routeOf = (c: Context): string | undefined =>
  matchedRoutes(c)
    .filter(({ path }) => path !== '*' && path !== '/*' && path !== '/v1/*')
    .at(-1)?.path;
