/** A small HTTP server that speaks JSON, for tests that play another machine. */
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface JsonCall {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  body: unknown;
}

export interface JsonServer {
  url: string;
  /** Every call so far. */
  calls: JsonCall[];
  close(): Promise<void>;
}

/** @param answer status and JSON body of one call; `text` instead of `body` is sent as it is; `hang` never answers */
export async function jsonServer(
  answer: (call: JsonCall) => { status?: number; body?: unknown; text?: string; hang?: true },
): Promise<JsonServer> {
  const calls: JsonCall[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const text = Buffer.concat(chunks).toString();
      const call: JsonCall = {
        method: request.method ?? '',
        path: request.url ?? '',
        headers: request.headers,
        body: text === '' ? undefined : JSON.parse(text),
      };
      calls.push(call);
      const { status = 200, body, text: raw, hang } = answer(call);
      if (hang) return;
      response.writeHead(status, { 'content-type': 'application/json' }).end(raw ?? JSON.stringify(body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}
