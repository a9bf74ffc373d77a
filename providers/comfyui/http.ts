import { PassThrough, type Readable } from 'node:stream';
import { Agent, request, type Dispatcher } from 'undici';
import { CullError, messageOf } from '../../errors.js';
import type { Address } from './address.js';

/** Where requests go, and the connections they share. */
export interface Link {
  address: Address;
  dispatcher: Dispatcher;
}

/** One answer, read whole. */
export interface Answer {
  status: number;
  /** Parsed JSON, or undefined where the body is something else: ComfyUI answers many errors with plain text. */
  json: unknown;
  text: string;
  /** Where a redirect points; none is followed. */
  location?: string;
}

export interface Ask {
  method?: 'GET' | 'POST' | 'HEAD';
  json?: unknown;
  /** A body that is no JSON; `size` in bytes. */
  body?: { type: string; size: number; content: Readable };
  signal?: AbortSignal | undefined;
  /** Milliseconds for the whole exchange. */
  timeoutMs?: number;
  /** Milliseconds without a byte moving, for what may be large. */
  idleMs?: number;
}

/**
 * Opens nothing yet. Connections are kept for a few seconds between requests and hold no process open.
 *
 * @param connectMs milliseconds for one connection, TLS included
 */
export function createLink(address: Address, connectMs: number): Link {
  const ca = address.ca === undefined ? {} : { ca: address.ca };
  return { address, dispatcher: new Agent({ connect: { timeout: connectMs, ...ca } }) };
}

/**
 * One HTTP exchange. Any status is an answer; no answer is an error.
 *
 * @throws CullError COMFY_UNREACHABLE with details `{ refused }`; the signal's reason if it aborts
 */
export async function exchange(to: Link, path: string, ask: Ask): Promise<Answer> {
  const { body, ...answer } = await exchangeBytes(to, path, ask);
  const text = Buffer.from(body).toString('utf8');
  return { ...answer, text, json: parseLoose(text) };
}

/** `exchange` for bodies that are not text. */
export async function exchangeBytes(
  to: Link,
  path: string,
  ask: Ask,
): Promise<{ status: number; body: Uint8Array<ArrayBuffer>; location?: string }> {
  ask.signal?.throwIfAborted();
  // One controller and timer per request, both gone with it: AbortSignal.any keeps its parts alive for as long as the longest.
  const controller = new AbortController();
  const late = new Error('late');
  const timer = ask.timeoutMs === undefined ? undefined : setTimeout(() => controller.abort(late), ask.timeoutMs);
  const onAbort = (): void => controller.abort();
  ask.signal?.addEventListener('abort', onAbort, { once: true });
  try {
    const { statusCode, headers, body } = await send(to, path, { ...ask, signal: controller.signal });
    const bytes = new Uint8Array(await body.arrayBuffer());
    const location = typeof headers.location === 'string' ? { location: headers.location } : {};
    return { status: statusCode, body: bytes, ...location };
  } catch (error) {
    ask.signal?.throwIfAborted();
    throw unreachable(to.address, error, controller.signal.reason === late ? ask.timeoutMs : undefined);
  } finally {
    clearTimeout(timer);
    ask.signal?.removeEventListener('abort', onAbort);
  }
}

/**
 * `exchange` for what need not fit into memory: resolves with the answer's head, the body follows as it arrives. It has to
 * be read to its end or destroyed.
 *
 * @throws CullError COMFY_UNREACHABLE (the stream, too); the signal's reason if it aborts
 */
export async function exchangeStream(
  to: Link,
  path: string,
  ask: Ask,
): Promise<{ status: number; headers: Record<string, string | string[] | undefined>; body: Readable }> {
  const failure = (error: unknown): Error =>
    ask.signal?.aborted ? (ask.signal.reason as Error) : unreachable(to.address, error);
  try {
    ask.signal?.throwIfAborted();
    const { statusCode, headers, body } = await send(to, path, ask);
    const read = new PassThrough();
    body.once('error', (error) => read.destroy(failure(error)));
    // Whoever stops reading ends the download.
    read.once('close', () => body.destroy());
    return { status: statusCode, headers, body: body.pipe(read) };
  } catch (error) {
    throw failure(error);
  }
}

function send(to: Link, path: string, ask: Ask): Promise<Dispatcher.ResponseData> {
  const { json, body, idleMs = 0 } = ask;
  const headers = { ...to.address.headers };
  if (json !== undefined) headers['content-type'] = 'application/json';
  if (body !== undefined) Object.assign(headers, { 'content-type': body.type, 'content-length': String(body.size) });
  return request(`${to.address.base}${path}`, {
    dispatcher: to.dispatcher,
    method: ask.method ?? 'GET',
    headers,
    body: json === undefined ? (body?.content ?? null) : JSON.stringify(json),
    headersTimeout: idleMs,
    bodyTimeout: idleMs,
    ...(ask.signal ? { signal: ask.signal } : {}),
  });
}

/** Whether the error says that nobody listens there: the process is gone, and its queue with it. */
export function isRefused(error: unknown): boolean {
  return isUnreachable(error) && (error.details as { refused?: boolean } | undefined)?.refused === true;
}

export function isUnreachable(error: unknown): error is CullError & { readonly code: 'COMFY_UNREACHABLE' } {
  return error instanceof CullError && error.code === 'COMFY_UNREACHABLE';
}

function unreachable(to: Address, error: unknown, afterMs?: number): CullError {
  // What went wrong with a name of several addresses is in the first of `errors`.
  const first = error instanceof AggregateError ? (error.errors[0] as unknown) : error;
  const code = first instanceof Error ? ((first as NodeJS.ErrnoException).code ?? '') : '';
  const why = afterMs === undefined ? messageOf(first) : `no answer within ${afterMs / 1000} s`;
  return new CullError('COMFY_UNREACHABLE', `ComfyUI at ${to.base} does not answer: ${why}`, {
    hint: hintFor(code),
    details: { refused: code === 'ECONNREFUSED' },
    cause: error,
  });
}

/** @param code of Node or OpenSSL */
function hintFor(code: string): string {
  if (/SIGNED_CERT|CERT_SIGNATURE|UNABLE_TO_(VERIFY|GET_ISSUER)/.test(code)) {
    return 'its certificate is of an authority that is not known here: name it in CULL_COMFYUI_CA, or in the option ca';
  }
  if (/ALTNAME|CERT_/.test(code))
    return 'its certificate is not valid for this address now: renew it, or correct the address';
  if (/^ERR_SSL|EPROTO/.test(code)) {
    return 'it does not speak TLS: write http://, or give ComfyUI both --tls-keyfile and --tls-certfile';
  }
  if (code === 'UND_ERR_SOCKET') return 'it hung up: it is ending, or it has a certificate and wants https://';
  return 'start it, or correct CULL_COMFYUI_URLS';
}

/** JSON as Python writes it: bare NaN and Infinity become null. Undefined for anything else. */
export function parseLoose(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    if (!/NaN|Infinity/.test(text)) return undefined;
  }
  try {
    const repaired = text.replace(/"(?:[^"\\]|\\.)*"|-?\bInfinity\b|\bNaN\b/gs, (match) =>
      match.startsWith('"') ? match : 'null',
    );
    return JSON.parse(repaired) as unknown;
  } catch {
    return undefined;
  }
}
