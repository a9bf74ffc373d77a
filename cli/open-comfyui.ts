/** Whether a ComfyUI answers strangers: it has no keys of its own, and whoever reaches it can run any graph. */
import { lookup } from 'node:dns/promises';
import { networkInterfaces } from 'node:os';
import { Agent, request } from 'undici';
import { NOTHING_MORE, whyRefused } from '../outside/addresses.js';
import { parseAddress } from '../providers/comfyui/address.js';

const ASK_MS = 3_000;

interface Options {
  /** A private certificate authority: PEM text, or the path of a PEM file. */
  ca?: string | undefined;
  /** Where others reach this machine. @default the addresses of its network interfaces */
  own?: readonly string[];
}

/**
 * An address off loopback at which it answers without a key: its own, or, where that is a loopback one, another one of this machine.
 *
 * @param url without user name and password
 * @returns undefined where there is none that can be found from here
 * @example
 * await openAt('http://gpu0:8188'); // 'http://gpu0:8188'
 */
export async function openAt(url: string, { ca, own = ownAddresses() }: Options = {}): Promise<string | undefined> {
  const { base, ca: authorities } = parseAddress(url, { ca });
  const { hostname, origin } = new URL(base);
  const found = await lookup(hostname.replace(/^\[(.*)\]$/, '$1'), { all: true }).catch(() => []);
  const isLoopback = found.length > 0 && found.every(({ address }) => whyRefused(address, NOTHING_MORE) === 'loopback');
  const asked = isLoopback ? own.map((address) => origin.replace(hostname, address)) : [base];
  const answers = await Promise.all(asked.map((one) => answersStrangers(one, authorities)));
  return asked.find((_, n) => answers[n]);
}

const ownAddresses = (): string[] =>
  Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ internal, scopeid }) => !internal && !scopeid)
    .map(({ address, family }) => (family === 'IPv6' ? `[${address}]` : address));

async function answersStrangers(base: string, ca: string[] | undefined): Promise<boolean> {
  const dispatcher = new Agent({ connect: { timeout: ASK_MS, ...(ca && { ca }) } });
  try {
    const { statusCode, body } = await request(`${base}/system_stats`, {
      dispatcher,
      signal: AbortSignal.timeout(ASK_MS),
    });
    const answer = statusCode === 200 ? ((await body.json()) as { system?: unknown } | null) : null;
    return answer?.system !== undefined;
  } catch {
    return false;
  } finally {
    await dispatcher.destroy();
  }
}
