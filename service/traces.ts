/** Each call as a span: within the trace of who calls, where he says so (the W3C's `traceparent`). */
import { context, defaultTextMapGetter, propagation, SpanKind, SpanStatusCode } from '@opentelemetry/api';
import type { MiddlewareHandler } from 'hono';
import { inSpan } from '../telemetry/traces.js';
import { routeOf } from './measure.js';

const READS = new Set(['GET', 'HEAD', 'OPTIONS']);

/** Reads are many, and are spans only where the caller asks for it. */
export const traced: MiddlewareHandler = (c, next) => {
  const { method } = c.req;
  if (READS.has(method) && c.req.header('traceparent') === undefined) return next();
  const parent = propagation.extract(context.active(), c.req.header(), defaultTextMapGetter);
  return inSpan(
    method,
    { kind: SpanKind.SERVER, attributes: { 'http.request.method': method }, parent },
    async (span) => {
      await next();
      const route = routeOf(c);
      const { status } = c.res;
      if (route !== undefined) span.updateName(`${method} ${route}`).setAttribute('http.route', route);
      span.setAttribute('http.response.status_code', status);
      if (status >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
    },
  );
};
