/** What every route has at hand, and how a route says what it may answer. */
import { createRoute, z, type RouteConfig } from '@hono/zod-openapi';
import type { Cull } from '../client/cull.js';
import type { Allowed } from '../outside/addresses.js';
import type { Storage } from '../storage/storage.js';
import type { Logger } from '../telemetry/log.js';
import type { Catalogue } from './catalogue.js';
import { requireScope } from './callers.js';
import type { Scope } from './keys.js';
import type { Door, Limits } from './limits.js';
import type { Reads } from './reads.js';
import { Name, Problem } from './schemas.js';

export type { Env } from './callers.js';

export interface Service {
  storage: Storage;
  cullOf: (tenant: string) => Cull;
  catalogue: Catalogue;
  reads: Reads;
  limits: Limits;
  /** What an input may be fetched from besides public addresses. */
  allowed: Allowed;
  /** @throws CullError TOO_MANY_REQUESTS, REQUEST_INVALID */
  door: Door;
  log: Logger;
  /** Aborts when the service ends: streams close, waits answer with what is known. */
  ending: AbortSignal;
}

/** A route of the API behind a key, with the errors that all of them share. */
export function keyed<const R extends RouteConfig>(scope: Scope, route: R) {
  return createRoute({
    ...route,
    security: [{ key: [] }],
    description: `${route.description ?? ''}\n\nScope: \`${scope}\`.`.trim(),
    middleware: requireScope(scope),
  });
}

const PROBLEMS = {
  400: 'The call cannot be understood',
  401: 'The key is missing or not valid',
  403: 'The key may not do this',
  404: 'There is no such thing',
  409: 'Something stands against it: an earlier decision, or a release that is held back',
  413: 'The body is too large',
  415: 'The body is of another type',
  422: 'The body or a parameter is not as documented, or contradicts itself',
  429: 'Too much at once; Retry-After says when to come back',
  500: 'A defect',
  503: 'Temporal or the storage does not answer',
} as const;

type Status = keyof typeof PROBLEMS;

const problem = (status: Status) => ({
  description: PROBLEMS[status],
  content: { 'application/problem+json': { schema: Problem } },
});

/** The errors of a route: those of every keyed one, and `more`. */
export const problems = <S extends Status = never>(...more: S[]) =>
  Object.fromEntries(
    ([401, 403, 422, 429, 500, 503, ...more] as Status[]).map((status) => [status, problem(status)]),
  ) as unknown as Record<401 | 403 | 422 | 429 | 500 | 503 | S, ReturnType<typeof problem>>;

export const json = <S extends z.ZodType>(schema: S, description: string) => ({
  description,
  content: { 'application/json': { schema } },
});

/** The query of a list that is read page by page, the newest first. */
export const paging = {
  since: z.iso.datetime({ offset: true }).optional(),
  until: z.iso.datetime({ offset: true }).optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
  cursor: z.string().max(500).optional().openapi({ description: '`next` of the page before' }),
};

/** `/v1/requests/{request}` */
export const RequestParam = z.object({
  request: Name.openapi({
    param: { name: 'request', in: 'path' },
    description: 'Id of the request',
    example: 'order-4711',
  }),
});
