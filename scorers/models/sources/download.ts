import { createHash, type Hash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { EnvHttpProxyAgent, fetch, type Response } from 'undici';
import { causeOf, CullError } from '../../../errors.js';

/** Tries in a row that bring no byte; a line that breaks but moves is tried on. */
const TRIES = 4;
const FIRST_WAIT_MS = 250;
/** A part that nobody has written to for so long belongs to nobody. */
const ORPHAN_MS = 60_000;
/** No answer, or no byte, for so long: the line is dead. */
const SILENT_MS = 60_000;

export interface Download {
  url: string;
  headers?: Record<string, string>;
  /** What the file must be: `sha256`, or git's own `sha1` over `blob <length>\0` and the bytes. */
  expect: { sha256: string } | { gitSha1: string; bytes: number };
  /** Where parts are kept; what an earlier run left there is gone on with. */
  parts: string;
  /** Called with the length of what is there, also of what was there before. */
  onBytes?: (bytes: number) => void;
  signal?: AbortSignal;
}

/** Proxies as everywhere: HTTP_PROXY, HTTPS_PROXY, NO_PROXY. */
const agent = new EnvHttpProxyAgent({ headersTimeout: SILENT_MS, bodyTimeout: SILENT_MS });

/** One question over HTTP. @throws CullError MODEL_UNAVAILABLE where nobody answers or the answer is a refusal. */
export async function ask(
  url: string,
  { headers = {}, signal }: { headers?: Record<string, string>; signal?: AbortSignal } = {},
): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url, { headers, dispatcher: agent, ...(signal && { signal }) });
  } catch (error) {
    signal?.throwIfAborted();
    throw away(url, causeOf(error), error);
  }
  if (response.ok || response.status === 416) return response;
  await response.body?.cancel();
  throw refusal(url, response.status);
}

/**
 * Fetches a file, goes on where a broken line or an earlier run stopped, and checks what came. Several processes may fetch the same:
 * each writes a part of its own, and takes over what a dead one left.
 *
 * @returns path of the whole, checked file; the caller moves it away
 * @throws CullError MODEL_UNAVAILABLE, MODEL_CORRUPT
 */
export async function download(options: Download): Promise<string> {
  const { parts, expect, onBytes = () => undefined, signal } = options;
  const key = ('sha256' in expect ? expect.sha256 : expect.gitSha1).slice(0, 16);
  const part = join(parts, `${key}.${hostname()}.${process.pid}.part`);
  await mkdir(parts, { recursive: true });
  await adoptOrphan(parts, key, part);

  for (let tries = 0; ;) {
    const before = await sizeOf(part);
    onBytes(before);
    try {
      await fetchRest(options, part, before);
    } catch (error) {
      signal?.throwIfAborted();
      tries = (await sizeOf(part)) > before ? 0 : tries + 1;
      const lost = error instanceof CullError ? error : away(options.url, causeOf(error), error);
      if (!lost.retry || tries >= TRIES) throw lost;
      await new Promise((resolve) => setTimeout(resolve, FIRST_WAIT_MS * 2 ** tries));
      continue;
    }
    if (await isExpected(part, expect)) return part;
    await rm(part, { force: true });
    // what was there before may be another's or half written: once more from the start
    if (before === 0)
      throw new CullError('MODEL_CORRUPT', `${options.url} does not give the file it should: its hash differs`, {
        hint: 'a proxy or mirror may alter it; try again, or carry the file here and use --from',
      });
  }
}

async function fetchRest({ url, headers, onBytes = () => undefined, signal }: Download, part: string, from: number) {
  const response = await ask(url, {
    headers: { ...headers, ...(from > 0 && { range: `bytes=${from}-` }) },
    ...(signal && { signal }),
  });
  if (response.status === 416) {
    // nothing lies beyond: it was whole already, or it is another file; the hash tells
    await response.body?.cancel();
    return;
  }
  const goesOn =
    response.status === 206 && response.headers.get('content-range')?.startsWith(`bytes ${from}-`) === true;
  if (response.status === 206 && !goesOn) throw new Error('the server answered with another range than asked for');
  let at = goesOn ? from : 0;
  if (response.body === null) throw new Error('the answer has no body');
  const count = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      at += chunk.length;
      onBytes(at);
      done(null, chunk);
    },
  });
  await pipeline(Readable.fromWeb(response.body), count, createWriteStream(part, { flags: goesOn ? 'a' : 'w' }), {
    ...(signal && { signal }),
  });
  const told = Number(response.headers.get('content-length') ?? Number.NaN);
  if (response.headers.get('content-encoding') === null && told > 0 && at < (goesOn ? from : 0) + told)
    throw new Error('the line broke');
}

async function adoptOrphan(parts: string, key: string, mine: string): Promise<void> {
  if ((await sizeOf(mine)) > 0) return;
  for (const name of await readdir(parts)) {
    const [, host, pid] = /^[^.]+\.(.+)\.(\d+)\.part$/.exec(name) ?? [];
    if (!name.startsWith(`${key}.`) || host === undefined) continue;
    const file = join(parts, name);
    const idle = Date.now() - (await stat(file).then((found) => found.mtimeMs, Date.now));
    if (idle < ORPHAN_MS && !(host === hostname() && !isAlive(Number(pid)))) continue;
    // of several who try, one gets it
    if (await rename(file, mine).then(() => true, () => false)) return; // prettier-ignore
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

async function isExpected(file: string, expect: Download['expect']): Promise<boolean> {
  if ('sha256' in expect) return (await digest(file, createHash('sha256'))) === expect.sha256;
  const { gitSha1, bytes } = expect;
  return (await digest(file, createHash('sha1').update(`blob ${bytes}\0`))) === gitSha1;
}

async function digest(file: string, hash: Hash): Promise<string> {
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}

const sizeOf = (file: string): Promise<number> =>
  stat(file).then(
    ({ size }) => size,
    () => 0,
  );

const away = (url: string, why: string, cause: unknown): CullError =>
  new CullError('MODEL_UNAVAILABLE', `${url} cannot be fetched: ${why}`, {
    hint: 'run it again, it goes on where it stopped; HF_ENDPOINT names a mirror; where there is no network, pull on another machine, carry its models folder here and add --from that folder',
    cause,
  });

function refusal(url: string, status: number): CullError {
  if (status === 401 || status === 403)
    return new CullError('MODEL_REFUSED', `${new URL(url).host} refuses ${url} (${status})`, {
      hint: 'accept the licence on the page of the model, if it has one, and set HF_TOKEN to a token that may read it',
    });
  if (status === 404)
    return new CullError('MODEL_REFUSED', `there is no ${url} (404)`, {
      hint: 'check the name of the repository, and that HF_ENDPOINT carries it',
    });
  if (status < 500 && status !== 429 && status !== 408)
    return new CullError('MODEL_REFUSED', `${new URL(url).host} refuses ${url} (${status})`, {
      hint: 'check HF_ENDPOINT',
    });
  return away(url, `the server answers ${status}`, undefined);
}
