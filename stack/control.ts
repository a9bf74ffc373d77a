/** The keeper's door: HTTP on loopback, behind a secret, so that no web page can end a stack. */
import { timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';

/** A server on a free loopback port. */
export async function listen(
  handle: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<{ server: Server; port: number }> {
  const server = createServer(handle);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  return { server, port: typeof address === 'object' && address ? address.port : 0 };
}

/** Whether the request carries the secret. */
export function isAllowed(request: IncomingMessage, token: string): boolean {
  const given = Buffer.from(String(request.headers['x-cull-token'] ?? ''));
  return given.length === token.length && timingSafeEqual(given, Buffer.from(token));
}
