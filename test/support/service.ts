/** The HTTP API on a pipeline: a Hono app that is asked without a port, with a key for each tenant. */
import { readCatalogue } from '../../cli/catalogue.js';
import { createService, type ServiceOptions } from '../../service/app.js';
import { createKey, SCOPES, type Scope } from '../../service/keys.js';
import { createLog } from '../../telemetry/log.js';
import type { Cull } from '../../client/cull.js';

export interface TestService {
  /** Calls as a tenant, with a key of every scope. `tenant: null`: without a key. */
  call(
    method: string,
    path: string,
    options?: { tenant?: string | null; key?: string; body?: unknown; headers?: Record<string, string> },
  ): Promise<Response>;
  /** A new key. */
  key(tenant: string, scopes?: Scope[]): Promise<string>;
  fetch: (request: Request) => Response | Promise<Response>;
  /** As SIGTERM does. */
  end(): void;
}

const FOLDERS = { templates: 'examples/templates', policies: 'examples/policies' };

export async function openService(cull: Cull, options: Partial<ServiceOptions> = {}): Promise<TestService> {
  const ending = new AbortController();
  const app = createService({
    cull,
    catalogue: await readCatalogue({ scorers: [], allowNodes: [] }, FOLDERS),
    version: '0.0.0-test',
    log: createLog({ level: 'silent', name: 'service' }),
    ending: ending.signal,
    ...options,
  });
  const keys = new Map<string, Promise<string>>();
  const key = async (tenant: string, scopes: Scope[] = [...SCOPES]): Promise<string> =>
    (await createKey(cull.storage, { tenant, scopes })).key;
  return {
    fetch: app.fetch,
    key,
    end: () => ending.abort(),
    async call(method, path, { tenant = 'default', key: given, body, headers = {} } = {}) {
      if (tenant !== null && !keys.has(tenant)) keys.set(tenant, key(tenant));
      const bearer = given ?? (tenant === null ? undefined : await keys.get(tenant));
      return app.request(path, {
        method,
        headers: {
          ...(bearer !== undefined && { authorization: `Bearer ${bearer}` }),
          ...(body !== undefined && !(body instanceof FormData) && { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body !== undefined && {
          body: body instanceof FormData || typeof body === 'string' ? body : JSON.stringify(body),
        }),
      });
    },
  };
}
