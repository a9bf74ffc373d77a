import { CullError, messageOf } from '../../errors.js';

/** A ComfyUI as an address: base URL (a path in front is fine), credentials moved into headers. */
export interface Address {
  /** Without a slash at the end. */
  base: string;
  headers: Record<string, string>;
}

/** One answer, read whole. */
export interface Answer {
  status: number;
  /** Parsed JSON, or undefined where the body is something else: ComfyUI answers many errors with plain text. */
  json: unknown;
  text: string;
}

export interface Ask {
  method?: 'GET' | 'POST';
  json?: unknown;
  form?: FormData;
  signal?: AbortSignal | undefined;
  timeoutMs: number;
}

/**
 * @throws CullError CONFIG_INVALID if it is not an http(s) URL
 */
export function parseAddress(url: string, headers: Record<string, string> = {}): Address {
  const full = /^[a-z][a-z0-9+.-]*:\/\//i.test(url) ? url : `http://${url}`;
  const parsed = URL.canParse(full) ? new URL(full) : undefined;
  if (!parsed || !/^https?:$/.test(parsed.protocol) || parsed.hostname === '') {
    throw new CullError('CONFIG_INVALID', `"${url}" is not the address of a ComfyUI`, {
      hint: 'write it like http://127.0.0.1:8188',
    });
  }
  const base = `${parsed.origin}${parsed.pathname}`.replace(/\/+$/, '');
  if (parsed.username === '') return { base, headers };
  const login = `${decodeURIComponent(parsed.username)}:${decodeURIComponent(parsed.password)}`;
  return { base, headers: { authorization: `Basic ${Buffer.from(login).toString('base64')}`, ...headers } };
}

/**
 * One HTTP exchange. Any status is an answer; no answer is an error.
 *
 * @throws CullError COMFY_UNREACHABLE with details `{ refused }`; the signal's reason if it aborts
 */
export async function exchange(to: Address, path: string, ask: Ask): Promise<Answer> {
  const bytes = await exchangeBytes(to, path, ask);
  const text = Buffer.from(bytes.body).toString('utf8');
  return { status: bytes.status, text, json: parseLoose(text) };
}

/** `exchange` for bodies that are not text. */
export async function exchangeBytes(
  to: Address,
  path: string,
  ask: Ask,
): Promise<{ status: number; body: Uint8Array<ArrayBuffer> }> {
  ask.signal?.throwIfAborted();
  // One controller and timer per request, both gone with it: AbortSignal.any keeps its parts alive for as long as the longest.
  const controller = new AbortController();
  const late = new Error('late');
  const timer = setTimeout(() => controller.abort(late), ask.timeoutMs);
  const onAbort = (): void => controller.abort();
  ask.signal?.addEventListener('abort', onAbort, { once: true });
  const body = ask.json === undefined ? ask.form : JSON.stringify(ask.json);
  try {
    const response = await fetch(`${to.base}${path}`, {
      method: ask.method ?? 'GET',
      signal: controller.signal,
      headers: ask.json === undefined ? to.headers : { ...to.headers, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body }),
    });
    return { status: response.status, body: new Uint8Array(await response.arrayBuffer()) };
  } catch (error) {
    ask.signal?.throwIfAborted();
    throw unreachable(to, error, controller.signal.reason === late ? ask.timeoutMs : undefined);
  } finally {
    clearTimeout(timer);
    ask.signal?.removeEventListener('abort', onAbort);
  }
}

/** Whether the error says that nobody listens there: the process is gone, and its queue with it. */
export function isRefused(error: unknown): boolean {
  return isUnreachable(error) && (error.details as { refused?: boolean } | undefined)?.refused === true;
}

export function isUnreachable(error: unknown): error is CullError & { readonly code: 'COMFY_UNREACHABLE' } {
  return error instanceof CullError && error.code === 'COMFY_UNREACHABLE';
}

function unreachable(to: Address, error: unknown, afterMs: number | undefined): CullError {
  // fetch hides the reason in `cause`; for a name with several addresses in the first of `cause.errors`.
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  const first = cause instanceof AggregateError ? (cause.errors[0] as unknown) : cause;
  const code = first instanceof Error ? (first as NodeJS.ErrnoException).code : undefined;
  const why = afterMs === undefined ? messageOf(first) : `no answer within ${afterMs / 1000} s`;
  return new CullError('COMFY_UNREACHABLE', `ComfyUI at ${to.base} does not answer: ${why}`, {
    hint: 'start it, or correct CULL_COMFYUI_URLS',
    details: { refused: code === 'ECONNREFUSED' },
    cause: error,
  });
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
