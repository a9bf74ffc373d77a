/** The service on a port: plain or TLS, and an end that lets answers finish. */
import { readFile } from 'node:fs/promises';
import { createServer as createHttp } from 'node:http';
import { createServer as createHttps } from 'node:https';
import type { AddressInfo } from 'node:net';
import { serve } from '@hono/node-server';
import { CullError, messageOf } from '../errors.js';

export interface ListenOptions {
  /** A Hono app's: the connection comes along as its environment. */
  fetch: (request: Request, connection?: object) => Response | Promise<Response>;
  /** @default 127.0.0.1 */
  host: string;
  /** 0: any free one. */
  port: number;
  /** Paths of PEM files. */
  tls?: { cert: string; key: string };
}

/**
 * Longer than proxies keep an idle connection (nginx 60 s, Caddy 120 s): who closes first loses what the other sends at that moment, and a POST is not
 * sent again but answered 502.
 */
const IDLE_MS = 150_000;
/** The lines of a batch are read as they come, which takes as long as they are many; Node gives up after five minutes. */
const BODY_MS = 3_600_000;

export interface Listening {
  /** `http://127.0.0.1:8080` */
  url: string;
  /** Takes no new connection, and resolves when the last answer is out, or after `graceMs`. */
  close(graceMs: number): Promise<void>;
}

/**
 * @throws CullError CONFIG_INVALID if the port is taken or a certificate cannot be read
 * @example
 * const { url, close } = await listen({ fetch: app.fetch, host: '127.0.0.1', port: 8080 });
 */
export async function listen({ fetch, host, port, tls }: ListenOptions): Promise<Listening> {
  const secure = tls && { cert: await pem(tls.cert), key: await pem(tls.key) };
  const times = { keepAliveTimeout: IDLE_MS, requestTimeout: BODY_MS };
  const server = secure
    ? serve({ fetch, hostname: host, port, createServer: createHttps, serverOptions: { ...times, ...secure } })
    : serve({ fetch, hostname: host, port, createServer: createHttp, serverOptions: times });
  await new Promise<void>((resolve, reject) => {
    server.once('listening', resolve);
    server.once('error', (error) =>
      reject(
        new CullError('CONFIG_INVALID', `the service cannot listen on ${host}:${port}: ${messageOf(error)}`, {
          hint: 'choose another --port or --host',
        }),
      ),
    );
  });
  const { port: taken } = server.address() as AddressInfo;
  const name = host.includes(':') ? `[${host}]` : host;
  return {
    url: `${tls ? 'https' : 'http'}://${name}:${taken}`,
    close: (graceMs) =>
      new Promise((resolve) => {
        const force = setTimeout(() => 'closeAllConnections' in server && server.closeAllConnections(), graceMs);
        server.close(() => {
          clearTimeout(force);
          resolve();
        });
        if ('closeIdleConnections' in server) server.closeIdleConnections();
      }),
  };
}

async function pem(path: string): Promise<Buffer> {
  return readFile(path).catch((error: unknown) => {
    throw new CullError('CONFIG_INVALID', `${path} cannot be read: ${messageOf(error)}`, {
      hint: 'check --tls-cert and --tls-key',
    });
  });
}
