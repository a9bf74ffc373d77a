/** `GET /metrics` on a port of its own: for Prometheus, not for the world. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CullError, messageOf } from '../errors.js';
import type { MetricsBook } from './metrics.js';

export interface MetricsServer {
  /** `http://127.0.0.1:9464/metrics` */
  url: string;
  close(): Promise<void>;
}

/**
 * Serves the metrics of this process. Nobody is asked for a key: the host should be one that only Prometheus reaches.
 *
 * @param where.port 0: any free one
 * @throws CullError CONFIG_INVALID if it cannot listen there
 * @example
 * const server = await serveMetrics(book, { host: '127.0.0.1', port: 9464 });
 * await server.close();
 */
export async function serveMetrics(
  book: Pick<MetricsBook, 'read' | 'contentType'>,
  { host, port }: { host: string; port: number },
): Promise<MetricsServer> {
  const server = createServer((request, response) => {
    const path = request.url?.split('?')[0];
    const isRead = request.method === 'GET' || request.method === 'HEAD';
    if (path !== '/metrics' || !isRead) {
      response.writeHead(path === '/metrics' ? 405 : 404, { 'content-type': 'text/plain' });
      response.end('the metrics are at GET /metrics\n');
      return;
    }
    book.read().then(
      (text) => response.writeHead(200, { 'content-type': book.contentType }).end(text),
      (error: unknown) => response.writeHead(500, { 'content-type': 'text/plain' }).end(`${messageOf(error)}\n`),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) =>
      reject(
        new CullError('CONFIG_INVALID', `metrics cannot be served on ${host}:${port}: ${messageOf(error)}`, {
          hint: 'every process on a machine needs a metrics port of its own',
        }),
      ),
    );
    server.listen(port, host, resolve);
  });
  const { port: taken } = server.address() as AddressInfo;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${taken}/metrics`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
