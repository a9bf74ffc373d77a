/** Who calls, what they may, and how often: in front of every route under /v1. */
import { createMiddleware } from 'hono/factory';
import type { Storage } from '../storage/storage.js';
import { CullError } from '../errors.js';
import { createKeyChecker, SCOPES, type Caller, type Scope } from './keys.js';
import { createCheckLimit, createRateLimit } from './limits.js';
import { HttpError } from './problem.js';

export interface Env {
  Variables: {
    caller: Caller;
    /** Where the call comes from. */
    client: string;
  };
}

/**
 * Knows the caller by the key; a tenant is never named by anything else.
 *
 * @param options.openTenant everybody is this tenant, and no key is asked for
 * @param options.keyChecks keys per second that one address may have checked
 */
export function callerOf(
  storage: Storage,
  { openTenant, keyChecks }: { openTenant: string | undefined; keyChecks: number },
) {
  const check = createKeyChecker(storage, createCheckLimit(keyChecks));
  return createMiddleware<Env>(async (c, next) => {
    if (openTenant !== undefined) c.set('caller', { tenant: openTenant, scopes: SCOPES, key: 'open' });
    else {
      const key = /^Bearer (\S+)$/i.exec(c.req.header('authorization') ?? '')?.[1];
      const caller = key === undefined ? undefined : await check(key, c.get('client'));
      if (!caller)
        throw new HttpError(
          'UNAUTHENTICATED',
          key === undefined ? 'the call has no API key' : 'the API key is not known here, has expired or was revoked',
          { 'www-authenticate': 'Bearer realm="cull"' },
          { hint: 'send Authorization: Bearer cull_…; `comfy-cull keys create` makes a key' },
        );
      c.set('caller', caller);
    }
    await next();
  });
}

/** @throws CullError RATE_LIMITED from the handler */
export function limitRate(perSecond: number) {
  const limit = createRateLimit(perSecond);
  return createMiddleware<Env>(async (c, next) => {
    await limit(c.get('caller'));
    await next();
  });
}

/** @throws CullError FORBIDDEN from the handler, where the key lacks the scope */
export const requireScope = (scope: Scope) =>
  createMiddleware<Env>(async (c, next) => {
    const { scopes, key } = c.get('caller');
    if (!scopes.includes(scope))
      throw new CullError('FORBIDDEN', `the key ${key} has no scope ${scope}`, {
        hint: `make one with it: comfy-cull keys create --scopes ${[...scopes, scope].join(',')}`,
      });
    await next();
  });
