/** ComfyUIs that can be struck, a Temporal server, a worker and a storage of their own: where faults are let loose on requests. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, startServer } from '../../stack/temporal-server.js';
import type { CandidateRecord, ResultDoc } from '../../workflows/contract.js';
import { openPipeline, type Pipeline } from './pipeline.js';
import { startSandboxProcess, type SandboxChange, type SandboxProcess } from './sandbox.js';
import type { LogEntry } from '../../sandbox/comfyui/index.js';

/** One prompt as a host's log tells it; `struck`: a fault or a kill met it, so that drawing its seed again is no waste. */
export interface Drawing extends LogEntry {
  readonly host: number;
  readonly struck: boolean;
}

export interface Storm {
  readonly pipeline: Pipeline;
  readonly hosts: number;
  /** Of the Temporal server. */
  readonly serverPid: number;
  url(host: number): string;
  config(host: number, change: SandboxChange): Promise<void>;
  /** SIGKILL; the prompts that waited or ran there are lost with the process. */
  kill(host: number): Promise<void>;
  /** Starts a killed host again on its port, or a living one anew. */
  restart(host: number): Promise<void>;
  /** Every prompt of every host since the last `calm`, also of those that were killed. */
  drawings(): Promise<Drawing[]>;
  /** No faults, empty logs, every host up. */
  calm(): Promise<void>;
  close(): Promise<void>;
}

export async function openStorm(options: {
  temporalBinary: string;
  hosts: number;
  secondsPerImage: number;
  /** Candidates that each ComfyUI takes at once. @default that of the product */
  slots?: number;
  prerenderedFolder?: string;
  env?: Record<string, string>;
}): Promise<Storm> {
  const { hosts, secondsPerImage, prerenderedFolder } = options;
  const dir = await mkdtemp(join(tmpdir(), 'cull-storm-'));
  const start = (port: number) =>
    startSandboxProcess({ port, secondsPerImage, ...(prerenderedFolder === undefined ? {} : { prerenderedFolder }) });
  const ports = await Promise.all(Array.from({ length: hosts }, () => freePort()));
  const sandboxes: SandboxProcess[] = await Promise.all(ports.map(start));
  const dead = new Set<number>();
  let buried: Drawing[] = [];
  const { slots } = options;
  const comfyUrls = sandboxes.map(({ url }) => url);
  const fleetFile = join(dir, 'comfyui.json');
  if (slots !== undefined) await writeFile(fleetFile, JSON.stringify(comfyUrls.map((url) => ({ url, slots }))));
  const server = await startServer({
    binary: options.temporalBinary,
    port: await freePort(),
    dbFile: join(dir, 'temporal.sqlite'),
  });
  const pipeline = await openPipeline({
    address: server.address,
    comfyUrls,
    env: { ...options.env, ...(slots !== undefined && { CULL_COMFYUI_FILE: fleetFile }) },
  });
  const sandbox = (host: number): SandboxProcess => {
    const found = sandboxes[host];
    if (!found) throw new RangeError(`there is no host ${host}`);
    return found;
  };
  const logOf = async (host: number): Promise<Drawing[]> =>
    (await sandbox(host).log()).map((entry) => ({ ...entry, host, struck: entry.faults.length > 0 }));

  /** Prompts whose picture is safe. */
  const stored = async (): Promise<Set<string | null>> => {
    const { storage, tenant } = pipeline.cull;
    const prompts = new Set<string | null>();
    for await (const { key } of storage.list(`${tenant}/requests/`)) {
      if (!/\/candidates\/\d+\.json$/.test(key)) continue;
      const object = await storage.get(key);
      if (object) prompts.add((JSON.parse(object.body.toString('utf8')) as CandidateRecord).promptId);
    }
    return prompts;
  };
  const kill = async (host: number): Promise<void> => {
    const log = await logOf(host);
    const safe = await stored();
    await sandbox(host).kill('SIGKILL');
    dead.add(host);
    buried.push(...log.map((entry) => ({ ...entry, struck: entry.struck || !safe.has(entry.promptId) })));
  };
  const restart = async (host: number): Promise<void> => {
    if (!dead.has(host)) await kill(host);
    sandboxes[host] = await start(ports[host] ?? 0);
    dead.delete(host);
  };
  const living = () => sandboxes.map((_, host) => host).filter((host) => !dead.has(host));
  return {
    pipeline,
    hosts,
    serverPid: server.pid,
    url: (host) => sandbox(host).url,
    config: (host, change) => sandbox(host).config(change),
    kill,
    restart,
    drawings: async () => [...buried, ...(await Promise.all(living().map(logOf))).flat()],
    async calm() {
      for (const host of dead) await restart(host);
      await Promise.all(sandboxes.map((one) => one.reset()));
      buried = [];
    },
    async close() {
      await pipeline.close();
      await server.stop();
      await Promise.all(living().map((host) => sandbox(host).close()));
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** What must not depend on any trouble: pixels, verdict and place of each candidate, and who won. */
export function essenceOf({ result, records }: { result: ResultDoc; records: CandidateRecord[] }) {
  return {
    counts: result.counts,
    winners: result.delivered.map(({ candidate, rank, quality }) => ({ candidate, rank, quality })),
    candidates: records.map(({ candidate, seed, state, image, verdict }) => ({
      candidate,
      seed,
      state,
      pixels: image?.pixelSha256,
      verdict,
    })),
  };
}

/** Seeds drawn more than once although nothing forced it. */
export function wasted(drawings: readonly Drawing[]): number[] {
  const times = new Map<number, number>();
  const forced = new Set<number>();
  for (const { seed, drawn, struck } of drawings) {
    if (seed === null) continue;
    if (drawn) times.set(seed, (times.get(seed) ?? 0) + 1);
    if (struck) forced.add(seed);
  }
  return [...times].filter(([seed, count]) => count > 1 && !forced.has(seed)).map(([seed]) => seed);
}
