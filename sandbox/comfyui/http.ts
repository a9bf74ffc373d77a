import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import { isDict, type Dict } from './graph.js';
import { decodeJson, encodeJson } from './json.js';

/** Largest body taken, in bytes. */
const MAX_BODY = 104857600;

/** A request as handlers see it. */
export interface Ask {
  readonly method: string;
  readonly path: string;
  readonly params: readonly string[];
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
  /** The body as JSON; raises where it is none, which answers 500 as on the real server. */
  json(): unknown;
}

export interface Reply {
  readonly status: number;
  readonly headers?: Record<string, string>;
  readonly body?: Buffer | string;
  /** Send half of the body, then cut the connection. */
  readonly cut?: boolean;
  /** Send the body piece by piece, over this many ms in all. */
  readonly trickleMs?: number;
}

export type Handler = (ask: Ask) => Reply | Promise<Reply>;

/** "GET /history/:": a colon stands for one path segment. */
export type Routes = Readonly<Record<string, Handler>>;

export function json(value: unknown, status = 200): Reply {
  return { status, headers: { 'Content-Type': 'application/json; charset=utf-8' }, body: encodeJson(value) };
}

export function empty(status = 200): Reply {
  return { status };
}

/** The body as a JSON object; everything else raises, as reading keys of it does on the real server. */
export function dict(value: unknown): Dict {
  if (!isDict(value)) throw new TypeError('The body is not a JSON object.');
  return value;
}

export const CRASH: Reply = {
  status: 500,
  headers: { 'Content-Type': 'text/plain; charset=utf-8', Connection: 'close' },
  body: '500 Internal Server Error\n\nServer got itself in trouble',
};

async function read(request: IncomingMessage): Promise<Buffer | undefined> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    size += part.length;
    if (size <= MAX_BODY) parts.push(part);
  }
  return size > MAX_BODY ? undefined : Buffer.concat(parts);
}

interface Route {
  readonly verb: string;
  readonly parts: readonly string[];
  readonly handler: Handler;
}

function compiled(routes: Routes): readonly Route[] {
  return Object.entries(routes).map(([route, handler]) => {
    const [verb = '', path = ''] = route.split(' ');
    return { verb, parts: path.split('/'), handler };
  });
}

/** Finds the handler, and what stood in the place of the colons. */
function find(
  routes: readonly Route[],
  method: string,
  path: string,
): { handler: Handler; params: string[] } | { allowed: string[] } {
  const given = path.split('/');
  const allowed: string[] = [];
  for (const { verb, parts, handler } of routes) {
    if (parts.length !== given.length || !parts.every((p, i) => p === ':' || p === given[i])) continue;
    allowed.push(...(verb === 'GET' ? ['GET', 'HEAD'] : [verb]));
    if (verb !== method && !(verb === 'GET' && method === 'HEAD')) continue;
    const params = parts.flatMap((p, i) => (p === ':' ? [decodeURIComponent(given[i] ?? '')] : []));
    return { handler, params };
  }
  return { allowed };
}

async function answer(request: IncomingMessage, routes: readonly Route[]): Promise<Reply> {
  const method = request.method ?? 'GET';
  const url = new URL(request.url ?? '/', 'http://sandbox');
  if (method === 'OPTIONS') return empty();
  const found = find(routes, method, url.pathname);
  if ('allowed' in found) {
    // On the real server static files answer GET for every path.
    if (method === 'GET' || method === 'HEAD')
      return { status: 404, headers: { 'Content-Type': 'application/octet-stream' } };
    const allowed = [...new Set([...found.allowed, ...(found.allowed.length > 0 ? [] : ['GET', 'HEAD'])])];
    const headers = { 'Content-Type': 'text/plain; charset=utf-8', Allow: allowed.sort().join(',') };
    return { status: 405, headers, body: '405: Method Not Allowed' };
  }
  const body = await read(request);
  if (!body) {
    return {
      status: 413,
      headers: { 'Content-Type': 'text/plain' },
      body: `Maximum request body size ${MAX_BODY} exceeded.`,
    };
  }
  const json = (): unknown => decodeJson(body.toString('utf8'));
  const { handler, params } = found;
  try {
    return await handler({
      method,
      path: url.pathname,
      params,
      query: url.searchParams,
      headers: request.headers,
      body,
      json,
    });
  } catch {
    return CRASH;
  }
}

function send(response: ServerResponse, reply: Reply, head: boolean): void {
  const body = Buffer.from(reply.body ?? '');
  response.writeHead(reply.status, { Server: 'sandbox', 'Content-Length': body.length, ...reply.headers });
  if (reply.cut) response.write(body.subarray(0, body.length >> 1), () => response.destroy());
  else if (reply.trickleMs !== undefined && !head) trickle(response, { body, ms: reply.trickleMs });
  else response.end(head ? undefined : body);
}

/** Sends a body in 20 pieces with pauses between them. */
function trickle(response: ServerResponse, { body, ms }: { body: Buffer; ms: number }): void {
  const piece = Math.max(1, Math.ceil(body.length / 20));
  let sent = 0;
  const timer = setInterval(() => {
    response.write(body.subarray(sent, (sent += piece)));
    if (sent < body.length) return;
    clearInterval(timer);
    response.end();
  }, ms / 20);
  response.once('close', () => clearInterval(timer));
}

/** How a server is set up. */
interface ServeOptions {
  /** May refuse a request, with the status it returns, before anything else looks at it. */
  readonly guard?: (request: IncomingMessage) => number | undefined;
  /** The server's clock: Unix ms. */
  readonly now?: () => number;
  /** Key and certificate of an HTTPS server. */
  readonly tls?: { readonly key: string; readonly cert: string } | undefined;
}

/** An HTTP server over a table of routes. */
export function serve(routes: Routes, { guard, now = Date.now, tls }: ServeOptions = {}): Server | TlsServer {
  const table = compiled(routes);
  const serveOne = (request: IncomingMessage, response: ServerResponse): void => {
    response.setHeader('Date', new Date(now()).toUTCString());
    const refused = guard?.(request);
    if (refused !== undefined) {
      send(response, empty(refused), false);
      return;
    }
    answer(request, table).then(
      (reply) => send(response, reply, request.method === 'HEAD'),
      () => response.destroy(),
    );
  };
  return tls ? createTlsServer(tls, serveOne) : createServer(serveOne);
}

/** The same routes bare and under /api, as ComfyUI has them. */
export function doubled(routes: Routes): Routes {
  return Object.fromEntries(
    Object.entries(routes).flatMap(([route, handler]) => [
      [route, handler],
      [route.replace(' /', ' /api/'), handler],
    ]),
  );
}
