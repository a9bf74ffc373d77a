/** A proxy in front of an S3 server that does to chosen exchanges what networks and servers do. */
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { CREDENTIALS } from './versitygw.js';

/**
 * `refuse`: 503, the server never hears of it; `cut`: the connection ends, it never hears of it either; `lose`: it is done, and the answer
 * is lost; `fail`: it is done, and the answer is 503; `half`: half of the answer arrives; `unconditional`: done without its conditions,
 * as a server that does not know them does; `unknown`: 501 to a condition.
 */
export type Fault = 'refuse' | 'cut' | 'lose' | 'fail' | 'half' | 'unconditional' | 'unknown';

export interface Exchange {
  method: string;
  /** Path and query. */
  url: string;
  /** If-Match or If-None-Match was sent. */
  isConditional: boolean;
  headers: IncomingMessage['headers'];
  /** From 0. */
  n: number;
}

export interface S3Proxy {
  readonly url: string;
  /** How many exchanges met each fault, and how many there were. */
  readonly met: Partial<Record<Fault, number>> & { all: number };
  close(): Promise<void>;
}

/** Meets `share` of the exchanges with a fault of the network, the same ones for the same seed. */
export function faultyShare({ seed, share }: { seed: number; share: number }): () => Fault | undefined {
  const random = xoroshiro128plus(seed);
  const kinds: Fault[] = ['refuse', 'cut', 'lose', 'fail', 'half'];
  return () =>
    uniformInt(random, 0, 9_999) < share * 10_000 ? kinds[uniformInt(random, 0, kinds.length - 1)] : undefined;
}

/** Starts a proxy; `faultOf` says what happens to an exchange, undefined: nothing. `before` is awaited before the server hears of it. */
export async function startS3Proxy(
  target: string,
  faultOf: (exchange: Exchange) => Fault | undefined,
  before: (exchange: Exchange) => Promise<void> = () => Promise.resolve(),
): Promise<S3Proxy> {
  const met: S3Proxy['met'] = { all: 0 };
  const client = new S3Client({
    endpoint: target,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: CREDENTIALS,
  });

  const serve = async (asked: IncomingMessage, answer: ServerResponse): Promise<void> => {
    const { method = '', url = '', headers } = asked;
    const isConditional = headers['if-match'] !== undefined || headers['if-none-match'] !== undefined;
    const exchange = { method, url, headers, isConditional, n: met.all++ };
    const fault = faultOf(exchange);
    if (fault) met[fault] = (met[fault] ?? 0) + 1;
    if (fault === 'cut') return void asked.socket.destroy();
    const body = await buffer(asked);
    await before(exchange);
    if (fault === 'refuse') return void answer.writeHead(503, { 'content-length': 0 }).end();
    if (fault === 'unknown')
      return void answer
        .writeHead(501, { 'content-type': 'application/xml' })
        .end('<Error><Code>NotImplemented</Code><Message>A header you provided is not implemented</Message></Error>');
    if (fault === 'unconditional' && method === 'PUT') {
      const [, Bucket = '', ...Key] = new URL(url, target).pathname.split('/').map(decodeURIComponent);
      const put = await client.send(new PutObjectCommand({ Bucket, Key: Key.join('/'), Body: body }));
      return void answer.writeHead(200, { etag: put.ETag, 'content-length': 0 }).end();
    }
    const from = await forward(target, asked, body);
    if (fault === 'lose') return void asked.socket.destroy();
    if (fault === 'fail') return void answer.writeHead(503, { 'content-length': 0 }).end();
    answer.writeHead(from.status, from.headers);
    if (fault !== 'half') return void answer.end(from.body);
    // Nothing to halve: the answer is lost.
    if (from.body.length < 2) return void asked.socket.destroy();
    answer.write(from.body.subarray(0, from.body.length / 2), () => asked.socket.destroy());
  };

  const server = createServer((asked, answer) => {
    serve(asked, answer).catch(() => asked.socket.destroy());
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    met,
    async close() {
      client.destroy();
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

/** The exchange as it came, its Host too: the signature covers it. */
async function forward(target: string, asked: IncomingMessage, body: Buffer) {
  const { method, url, rawHeaders } = asked;
  const answer = await new Promise<IncomingMessage>((done, failed) => {
    const { hostname, port } = new URL(target);
    httpRequest({ host: hostname, port, method, path: url, headers: rawHeaders, setHost: false }, done)
      .on('error', failed)
      .end(body);
  });
  return { status: answer.statusCode ?? 502, headers: answer.headers, body: await buffer(answer) };
}
