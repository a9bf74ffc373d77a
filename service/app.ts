/** The HTTP API, without a port: who asks, how much, and which route answers. */
import { OpenAPIHono } from '@hono/zod-openapi';
import { bodyLimit } from 'hono/body-limit';
import { requestId } from 'hono/request-id';
import { secureHeaders } from 'hono/secure-headers';
import type { Cull } from '../client/cull.js';
import { CullError } from '../errors.js';
import { NOTHING_MORE, type Allowed } from '../outside/addresses.js';
import type { Logger } from '../telemetry/log.js';
import type { MetricsBook } from '../telemetry/metrics.js';
import { clientOf, type Trusted } from './client-address.js';
import type { Catalogue } from './catalogue.js';
import type { Env, Service } from './context.js';
import type { Caller } from './keys.js';
import { docsPage } from './docs-page.js';
import { callerOf, limitRate } from './callers.js';
import { createDoor, DEFAULT_LIMITS, type Limits } from './limits.js';
import { createFileServer } from './files.js';
import { HttpError, problemOf } from './problem.js';
import { Reads } from './reads.js';
import { batchRoutes } from './routes/batches.js';
import { candidateRoutes } from './routes/candidates.js';
import { catalogueRoutes } from './routes/catalogue.js';
import { deadRoutes } from './routes/dead.js';
import { eventRoutes } from './routes/events.js';
import { healthRoutes } from './routes/health.js';
import { measure } from './measure.js';
import { traced } from './traces.js';
import { inputRoutes } from './routes/inputs.js';
import { requestRoutes } from './routes/requests.js';
import { reviewRoutes } from './routes/reviews.js';
import { webhookRoutes } from './routes/webhooks.js';

export interface ServiceOptions {
  /** A connection; every tenant is served over it. */
  cull: Cull;
  catalogue: Catalogue;
  version: string;
  log: Logger;
  limits?: Partial<Limits>;
  /** What an input may be fetched from besides public addresses. @default nothing */
  allowed?: Allowed;
  /** Takes everybody as this tenant, without a key: for one's own machine. @default keys are wanted */
  openTenant?: string;
  /** Proxies whose `X-Forwarded-For` says where a call comes from. @default none */
  trusted?: Trusted;
  /** Where calls are counted. */
  metrics?: MetricsBook;
  /** Answers `GET /metrics`, to everybody who reaches the service: for a network of one's own. @default false */
  showMetrics?: boolean;
  /** Aborts when the service is to end. */
  ending: AbortSignal;
}

/**
 * The service as a Hono app: `fetch` answers a Request.
 *
 * @example
 * const app = createService({ cull, catalogue, version, log, ending });
 * await app.request('/v1/templates', { headers: { authorization: `Bearer ${key}` } });
 */
export function createService(options: ServiceOptions): OpenAPIHono<Env> {
  const { cull, catalogue, version, log, openTenant, metrics, showMetrics = false, ending } = options;
  const limits: Limits = { ...DEFAULT_LIMITS, ...options.limits };
  const tenants = new Map<string, Cull>();
  const cullOf = (tenant: string): Cull => {
    let own = tenants.get(tenant);
    if (!own) tenants.set(tenant, (own = cull.forTenant(tenant)));
    return own;
  };
  const service: Service = {
    storage: cull.storage,
    cullOf,
    catalogue,
    reads: new Reads(cullOf),
    limits,
    allowed: options.allowed ?? NOTHING_MORE,
    door: createDoor(limits),
    log,
    ending,
  };

  const app = new OpenAPIHono<Env>({
    defaultHook: (result) => {
      if (!result.success)
        throw new CullError(
          'BODY_INVALID',
          result.error.issues.map(({ path, message }) => `${path.join('.') || 'body'}: ${message}`).join('; '),
          {
            hint: '/docs says what is taken',
            details: result.error.issues.map(({ path, message }) => ({ path: path.map(String), message })),
          },
        );
    },
  });
  app.use(requestId({ limitLength: 128 }));
  const client = clientOf(options.trusted ?? NOTHING_MORE);
  app.use(async (c, next) => {
    c.set('client', client(c));
    await next();
  });
  app.use('/docs', secureHeaders());
  app.use(async (c, next) => {
    c.header('x-content-type-options', 'nosniff');
    await next();
  });
  app.use(traced);
  if (metrics) app.use(measure(metrics));
  app.use(async (c, next) => {
    const startedAt = performance.now();
    await next();
    // reads are many, and say nothing that is not in a metric
    const level = c.req.method === 'GET' && c.res.status < 400 ? 'debug' : 'info';
    if (log.isLevelEnabled(level))
      log[level](
        {
          id: c.get('requestId'),
          method: c.req.method,
          path: c.req.path,
          status: c.res.status,
          ms: Math.round(performance.now() - startedAt),
          client: c.get('client'),
          tenant: (c.get('caller') as Caller | undefined)?.tenant,
        },
        'answered',
      );
  });

  app.use('/v1/*', callerOf(cull.storage, { openTenant, keyChecks: limits.keyChecks }), limitRate(limits.perSecond));
  const tooLarge = (): never => {
    throw new CullError('BODY_TOO_LARGE', 'the body is larger than this service takes');
  };
  const formBytes = limits.imageBytes + 64 * 1024;
  app.on('POST', '/v1/inputs', bodyLimit({ maxSize: formBytes, onError: tooLarge }));
  app.on(
    'POST',
    ['/v1/requests', '/v1/webhooks', ...LIMITED],
    bodyLimit({ maxSize: limits.bodyBytes, onError: tooLarge }),
  );

  for (const routes of [
    requestRoutes,
    batchRoutes,
    deadRoutes,
    eventRoutes,
    candidateRoutes,
    reviewRoutes,
    inputRoutes,
    webhookRoutes,
    catalogueRoutes,
    healthRoutes,
  ])
    app.route('/', routes(service));
  const files = createFileServer(cull.storage);
  app.get('/files/*', (c) => files(c.req.raw));
  if (metrics && showMetrics)
    app.get('/metrics', async (c) => c.body(await metrics.read(), 200, { 'content-type': metrics.contentType }));
  const about = document(version);
  app.openAPIRegistry.registerComponent('securitySchemes', 'key', {
    type: 'http',
    scheme: 'bearer',
    description: 'An API key: `comfy-cull keys create` makes one.',
  });
  app.doc31('/openapi.json', about);
  app.get('/docs', (c) => c.html(docsPage(app.getOpenAPI31Document(about))));
  app.get('/', (c) => c.redirect('/docs'));
  refuseOtherMethods(app);
  app.notFound((c) =>
    problemOf(
      new CullError('ROUTE_NOT_FOUND', `there is nothing at ${c.req.path}`, { hint: '/docs lists what there is' }),
      c,
      () => undefined,
    ),
  );
  app.onError((error, c) =>
    problemOf(error, c, (defect) => log.error({ id: c.get('requestId'), path: c.req.path, error: defect }, 'failed')),
  );
  return app;
}

const document = (version: string) => ({
  openapi: '3.1.0',
  info: {
    title: 'Cull',
    version,
    description:
      'Give me K good images: Cull draws many seeded candidates with ComfyUI, measures every one, lets each pass or fail against a policy, and ' +
      'delivers the best K that pass.',
  },
});

/** Below these paths bodies are JSON, and small. */
const LIMITED = ['/v1/requests/*', '/v1/webhooks/*'];

/** A path that exists answers another method with 405 and what it takes (RFC 9110, 15.5.6). */
function refuseOtherMethods(app: OpenAPIHono<Env>): void {
  const taken = new Map<string, Set<string>>();
  for (const { path, method } of app.routes)
    // a limit in front of many paths is no path of its own
    if (method !== 'ALL' && !LIMITED.includes(path)) taken.set(path, (taken.get(path) ?? new Set()).add(method));
  for (const [path, methods] of taken)
    app.all(path, (c) => {
      const allow = [...methods].join(', ');
      throw new HttpError(
        'METHOD_NOT_ALLOWED',
        `${c.req.path} does not take ${c.req.method}`,
        { allow },
        { hint: `it takes ${allow}` },
      );
    });
}
