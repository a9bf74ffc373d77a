/** A receiver of webhooks on loopback, for tests. It keeps what comes, raw, as signatures are made of bytes. */
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';
import type { WebhookPayload } from '../../workflows/webhook-contract.js';

export interface Received {
  id: string;
  headers: IncomingHttpHeaders;
  text: string;
  payload: WebhookPayload;
}

export interface Receiver {
  url: string;
  received: Received[];
  /** Resolves with the n-th that comes, from 1; with one that came before at once. */
  nth: (n: number) => Promise<Received>;
  close(): Promise<void>;
}

/** @param answer to the n-th call, from 1: a status, `reset` for a connection that is cut, or what does it itself */
export async function openReceiver(
  answer: (n: number, response: ServerResponse) => number | 'reset' | undefined | Promise<number | undefined>,
): Promise<Receiver> {
  const received: Received[] = [];
  const waiting: { n: number; resolve: (one: Received) => void }[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const text = Buffer.concat(chunks).toString();
      const { headers } = request;
      const one = {
        id: String(headers['webhook-id']),
        headers,
        text,
        payload: JSON.parse(text) as WebhookPayload,
      };
      const n = received.push(one);
      for (const { resolve } of waiting.filter((wait) => wait.n === n)) resolve(one);
      void Promise.resolve(answer(n, response)).then((status) => {
        if (status === 'reset') request.socket.destroy();
        else if (status !== undefined) response.writeHead(status).end();
      });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    received,
    nth: (n) =>
      new Promise((resolve) => {
        const known = received[n - 1];
        if (known) resolve(known);
        else waiting.push({ n, resolve });
      }),
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

/** What the reference library reads of it. Throws where it does not take the signature. */
export const verified = (secret: string, { text, headers }: Received): unknown =>
  new Webhook(secret).verify(text, headers as Record<string, string>);
