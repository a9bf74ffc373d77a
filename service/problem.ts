/** Errors as RFC 9457 problem details; every code is one of errors.ts. */
import type { Context } from 'hono';
import { HTTPException } from 'hono/http-exception';
import { unanswered } from '../client/temporal.js';
import { CullError, ERRORS, type ErrorCode } from '../errors.js';
import type { Problem } from './schemas.js';

/** Headers that belong to an error: Retry-After, Allow, WWW-Authenticate. */
export class HttpError extends CullError {
  constructor(
    code: ErrorCode,
    message: string,
    readonly headers: Record<string, string>,
    options: { hint?: string } = {},
  ) {
    super(code, message, options);
  }
}

/**
 * The answer to anything that was thrown. A defect says nothing of itself to the caller; its words are in the log, under the same id.
 *
 * @example
 * app.onError((error, c) => problemOf(error, c, (defect) => log.error(defect)));
 */
export function problemOf(thrown: unknown, c: Context, onDefect: (error: unknown) => void): Response {
  const error = unanswered(thrown) ?? thrown;
  if (error instanceof HTTPException && error.status < 500) return answer(c, fromHttp(error));
  if (!(error instanceof CullError)) {
    onDefect(error);
    return answer(c, { code: 'INTERNAL', message: 'something went wrong that is no fault of the call' });
  }
  if (ERRORS[error.code].http >= 500) onDefect(error);
  return answer(c, error, error instanceof HttpError ? error.headers : {});
}

type Said = Pick<CullError, 'code' | 'message'> & Partial<Pick<CullError, 'hint' | 'details'>>;

/** What Hono itself refuses: a body that is no JSON, a form that cannot be read. */
const fromHttp = (error: HTTPException): Said => ({
  code: error.status === 413 ? 'BODY_TOO_LARGE' : 'BODY_INVALID',
  message: error.message === '' ? 'the body cannot be read' : error.message,
});

function answer(c: Context, said: Said, headers: Record<string, string> = {}): Response {
  const { title, http: status, retry } = ERRORS[said.code];
  const problem: Problem = {
    type: `urn:cull:error:${said.code}`,
    title,
    status,
    detail: said.message,
    code: said.code,
    retry,
    ...(said.hint !== undefined && { hint: said.hint }),
    ...(said.details !== undefined && { details: said.details }),
  };
  return c.body(JSON.stringify(problem), status as 400, { 'content-type': 'application/problem+json', ...headers });
}
