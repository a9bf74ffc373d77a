/** One HTTP call to an address that somebody else named. */
import type { LookupFunction } from 'node:net';
import { isIP } from 'node:net';
import { Agent, request } from 'undici';
import { causeOf, CullError } from '../errors.js';
import { findTarget, type Target, type TargetOptions } from './targets.js';

export interface OutsideCall extends TargetOptions {
  method: 'GET' | 'POST';
  headers?: Record<string, string>;
  body?: string;
  /** From the name to the last byte. */
  timeoutMs: number;
  /** Bytes read of the answer; past them it is cut off, or refused where `whole` is set. */
  maxBytes: number;
  /** Whether an answer that is longer is an error. @default false */
  whole?: boolean;
}

export interface OutsideAnswer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: Buffer;
}

/**
 * Calls a URL at the addresses that were checked, and at no others. A redirect is an answer like any other: nobody follows it. Proxy variables
 * are not read, as the proxy would resolve the name again.
 *
 * @throws CullError OUTSIDE_REFUSED (the address is not allowed; nothing was sent), OUTSIDE_FAILED (no answer in time, or a connection that
 *   broke), BODY_TOO_LARGE (`whole`, and more than `maxBytes`)
 * @example
 * const { status } = await callOutside('https://example.com/', { method: 'GET', allowed: NOTHING_MORE, timeoutMs: 15_000, maxBytes: 65_536 });
 */
export async function callOutside(text: string, call: OutsideCall): Promise<OutsideAnswer> {
  const { timeoutMs } = call;
  const late = AbortSignal.timeout(timeoutMs);
  try {
    return await answered(await unlessAborted(findTarget(text, call), late), call, late);
  } catch (error) {
    if (error instanceof CullError) throw error;
    const host = new URL(text).host;
    throw new CullError(
      'OUTSIDE_FAILED',
      late.aborted ? `${host} did not answer within ${timeoutMs / 1000} s` : `${host}: ${causeOf(error)}`,
      { cause: error },
    );
  }
}

async function answered({ url, addresses }: Target, call: OutsideCall, signal: AbortSignal): Promise<OutsideAnswer> {
  const { method, headers, body, maxBytes, whole, timeoutMs } = call;
  const agent = new Agent({
    connect: { lookup: onlyTo(addresses), timeout: timeoutMs },
    pipelining: 0,
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
  });
  try {
    const answer = await request(url, {
      dispatcher: agent,
      method,
      signal,
      ...(headers && { headers }),
      ...(body !== undefined && { body }),
    });
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of answer.body as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes <= maxBytes) continue;
      if (whole) throw new CullError('BODY_TOO_LARGE', `${url.host} sends more than ${maxBytes} bytes`);
      break;
    }
    return { status: answer.statusCode, headers: answer.headers, body: Buffer.concat(chunks).subarray(0, maxBytes) };
  } finally {
    // what is left of a long answer goes with the connection
    agent.destroy().catch(() => undefined);
  }
}

/** A resolver that knows the checked addresses only. */
const onlyTo =
  (addresses: string[]): LookupFunction =>
  (_host, options, done) => {
    const all = addresses.map((address) => ({ address, family: isIP(address) }));
    const [first] = all;
    if (options.all) done(null, all);
    else done(null, first?.address ?? '', first?.family);
  };

const unlessAborted = <T>(work: Promise<T>, signal: AbortSignal): Promise<T> =>
  new Promise((resolve, reject) => {
    const stop = (): void => reject(signal.reason as Error);
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
