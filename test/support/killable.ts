/** The processes of a service, each of which can be killed at any moment and is started again at once, as whoever keeps services up does. */
import { join } from 'node:path';
import { untilOpen, freePort, startServer, type TemporalServer } from '../../stack/temporal-server.js';
import { startCli, type RunningCli } from './cli.js';
import { startWorker, type WorkerProcess } from './worker-process.js';

export const KINDS = ['server', 'worker', 'api'] as const;
export type Kind = (typeof KINDS)[number];

export interface Killable {
  /** Of the API. */
  readonly url: string;
  /** Of the Temporal server. */
  readonly address: string;
  readonly kills: Readonly<Record<Kind, number>>;
  /** SIGKILL, then a new process, which is not waited for. One that is still starting is waited for before it is killed. */
  kill(kind: Kind): Promise<void>;
  /** Resolves once all serve again. */
  settled(): Promise<void>;
  close(): Promise<void>;
}

const START_MS = 60_000;

/**
 * Starts a Temporal server on a file, a worker and `comfy-cull serve`.
 *
 * @param options.env of worker and API, but for the server's address
 */
export async function openKillable(options: {
  dir: string;
  temporalBinary: string;
  env: Record<string, string>;
}): Promise<Killable> {
  const { dir, temporalBinary: binary } = options;
  const [temporalPort, port] = [await freePort(), await freePort()];
  const address = `127.0.0.1:${temporalPort}`;
  const env = { ...options.env, TEMPORAL_ADDRESS: address };
  const startTemporal = (): Promise<TemporalServer> =>
    startServer({ binary, port: temporalPort, dbFile: join(dir, 'temporal.sqlite') });
  /** Tries again: one that starts while the Temporal server is down ends, as nobody waits for it. */
  const startApi = async (): Promise<RunningCli> => {
    for (const until = Date.now() + START_MS; ;) {
      const api = startCli(['serve', '--port', String(port)], { env, cwd: process.cwd() });
      const ended = api.ended.then(() => false);
      if (await Promise.race([api.saw('documentation at ').then(() => true), ended])) return api;
      if (Date.now() > until) throw new Error(`the API did not start:\n${api.seen()}`);
    }
  };
  let server = startTemporal();
  await server;
  let worker: Promise<WorkerProcess> = startWorker(env);
  let api = startApi();
  const kills = { server: 0, worker: 0, api: 0 };
  await Promise.all([worker, api]);
  await untilOpen(port, START_MS);

  const kill = {
    async server() {
      const { process: child } = await server;
      const gone = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await gone;
      server = startTemporal();
    },
    async worker() {
      await (await worker).kill('SIGKILL');
      worker = startWorker(env);
    },
    async api() {
      const { child, ended } = await api;
      child.kill('SIGKILL');
      await ended;
      api = startApi();
    },
  };
  return {
    url: `http://127.0.0.1:${port}`,
    address,
    kills,
    async kill(kind) {
      await kill[kind]();
      kills[kind]++;
    },
    async settled() {
      await Promise.all([server, worker, api]);
    },
    async close() {
      const { child, ended } = await api;
      child.kill('SIGTERM');
      await ended;
      await (await worker).kill('SIGTERM');
      await (await server).stop();
    },
  };
}
