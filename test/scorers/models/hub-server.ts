/** A stand-in for the Hugging Face hub: one repository, its listing, its files with Range, and faults on demand. */
import { createHash } from 'node:crypto';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface HubRequest {
  path: string;
  range: string | undefined;
  authorization: string | undefined;
  /** Bytes of the body that were sent. */
  sent: number;
}

export interface Cut {
  cutAfter: number;
  /** The line breaks when this has happened: bytes that are still on their way when it breaks may be lost. */
  when: () => Promise<void>;
}

export interface HubServer {
  url: string;
  commit: string;
  requests: HubRequest[];
  /** Requests of one file. */
  of(path: string): HubRequest[];
  /** Asked for every file that is asked for; what it answers happens instead, or on the way. */
  fault: (path: string, count: number) => undefined | { status: number } | Cut | { holdAfter: number };
  /** Sent instead of what the listing promises. */
  wrong: Record<string, Buffer>;
  /** Resolves once an answer is held. */
  held: Promise<void>;
  close(): Promise<void>;
}

const COMMIT = 'c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00';

/** `large`: paths that the hub keeps in LFS, listed with sha256; the others with git's own hash. */
export async function startHub({
  repo,
  files,
  large = [],
}: {
  repo: string;
  files: Record<string, Buffer>;
  large?: string[];
}): Promise<HubServer> {
  let held = (): void => undefined;
  const hub: HubServer = {
    url: '',
    commit: COMMIT,
    requests: [],
    of: (path) => hub.requests.filter((request) => request.path === path),
    fault: () => undefined,
    wrong: {},
    held: new Promise((resolve) => (held = resolve)),
    close: () =>
      new Promise((done) => {
        server.closeAllConnections();
        server.close(() => done());
      }),
  };
  const siblings = Object.entries(files).map(([rfilename, body]) => ({
    rfilename,
    size: body.length,
    blobId: createHash('sha1').update(`blob ${body.length}\0`).update(body).digest('hex'),
    ...(large.includes(rfilename) && {
      lfs: { sha256: createHash('sha256').update(body).digest('hex'), size: body.length },
    }),
  }));

  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://hub');
    if (url.pathname === `/api/models/${repo}/revision/main`) {
      response.end(JSON.stringify({ sha: COMMIT, siblings }));
      return;
    }
    const prefix = `/${repo}/resolve/${COMMIT}/`;
    const path = url.pathname.slice(prefix.length);
    const body = url.pathname.startsWith(prefix) ? (hub.wrong[path] ?? files[path]) : undefined;
    const seen: HubRequest = {
      path,
      range: request.headers.range,
      authorization: request.headers.authorization,
      sent: 0,
    };
    hub.requests.push(seen);
    const fault = hub.fault(path, hub.of(path).length);
    if (body === undefined || (fault !== undefined && 'status' in fault))
      response.writeHead(fault !== undefined && 'status' in fault ? fault.status : 404).end();
    else send(response, { body, seen, fault });
  });
  const send = (
    response: ServerResponse,
    { body, seen, fault }: { body: Buffer; seen: HubRequest; fault: undefined | Cut | { holdAfter: number } },
  ): void => {
    const from = Number(/bytes=(\d+)-/.exec(seen.range ?? '')?.[1] ?? 0);
    if (from > 0 && from >= body.length) {
      response.writeHead(416).end();
      return;
    }
    const part = body.subarray(from);
    response.writeHead(from > 0 ? 206 : 200, {
      'content-length': part.length,
      ...(from > 0 && { 'content-range': `bytes ${from}-${body.length - 1}/${body.length}` }),
    });
    const cut = fault === undefined ? part.length : 'cutAfter' in fault ? fault.cutAfter : fault.holdAfter;
    const some = part.subarray(0, cut);
    seen.sent = some.length;
    if (fault === undefined) response.end(some);
    else
      response.write(some, () => {
        if ('cutAfter' in fault) void fault.when().then(() => response.destroy());
        else held();
      });
  };
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  hub.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return hub;
}
