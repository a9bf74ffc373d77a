/**
 * The keeper: a detached process, one per `.cull/`, that runs the Temporal server, two sandbox ComfyUIs where none are given, and a worker, and
 * starts each again when it dies. It ends itself once no command has been attached for a while and no request is open, or when told to.
 */
import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import { environmentOf, type Config } from '../config.js';
import { CullError, messageOf } from '../errors.js';
import { isAllowed, listen } from './control.js';
import { endOrphans, releaseLock, takeLock } from './lock.js';
import { sandboxClip } from './sandbox-clip.js';
import { openRequests, settingsOf } from './settings.js';
import { photosFolder, removeStack, writeStack, type StackDoc } from './stack-file.js';
import { nodeCommand, supervise, WORKER_MEMORY, type Supervised } from './supervise.js';
import { resolveTemporalBinary } from './temporal-binary.js';
import { freePort, startServer, untilOpen, type TemporalServer } from './temporal-server.js';

/** Seconds per picture of the embedded sandboxes: slow enough to watch, fast enough for a demo. */
const SANDBOX_SECONDS = '1';
const SANDBOXES = 2;
const IDLE_CHECK_MS = 5_000;

/** Runs until it is told to end, or nobody needs it any more. */
export async function keep(config: Config): Promise<void> {
  const { dir } = config;
  const logs = join(dir, 'logs');
  await mkdir(logs, { recursive: true });
  if (!(await takeLock(dir))) return;
  await endOrphans(dir);

  let end = (): void => undefined;
  const ended = new Promise<void>((resolve) => (end = resolve));
  const attached = new Set<ServerResponse>();
  let idleSince = Date.now();
  const token = randomBytes(16).toString('hex');
  const control = await listen((request, response) => {
    if (!isAllowed(request, token)) return void response.writeHead(403).end();
    if (request.url === '/attach') {
      attached.add(response);
      response.writeHead(200).flushHeaders();
      request.socket.once('close', () => {
        attached.delete(response);
        idleSince = Date.now();
      });
    } else if (request.url === '/down' && request.method === 'POST') {
      response.writeHead(202).end();
      end();
    } else response.writeHead(200).end(stack.id);
  });
  const stack: StackDoc = {
    id: randomBytes(8).toString('hex'),
    pid: process.pid,
    control: { port: control.port, token },
    phase: 'starting',
    step: 'starting',
    error: null,
    temporal: null,
    worker: null,
    comfyui: [],
    settings: settingsOf(config),
  };
  let writing = Promise.resolve();
  const publish = (change: Partial<StackDoc>): Promise<void> => {
    Object.assign(stack, change);
    return (writing = writing.then(() => writeStack(dir, stack)));
  };
  await publish({});
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => end());

  const supervised: Supervised[] = [];
  let temporal: KeptServer | undefined;
  let idleTimer: NodeJS.Timeout | undefined;
  try {
    const binary = await resolveTemporalBinary({
      dir,
      cliPath: config.temporalCliPath,
      onStep: (step) => void publish({ step }),
    });
    await publish({ step: 'starting the Temporal server' });
    const server = (temporal = await keepServer({
      binary: binary.path,
      dir,
      logs,
      onStart: (pid, address) => publish({ temporal: { address, pid } }),
    }));

    const comfyui: StackDoc['comfyui'] = config.comfyUrls.map((url) => ({ url, pid: null, sandbox: false }));
    let { useModels } = config;
    if (comfyui.length === 0 && config.comfyFile === undefined) {
      const clip = sandboxClip(config);
      if (clip !== undefined) useModels = { ...useModels, clip };
      await publish({ step: 'starting two sandbox ComfyUIs' });
      for (let i = 0; i < SANDBOXES; i++)
        comfyui.push(await startSandbox({ dir, logFile: join(logs, `sandbox-${i}.log`) }, supervised));
    }
    const worker = supervise({
      command: nodeCommand(new URL('../worker-main.ts', import.meta.url)),
      env: {
        ...WORKER_MEMORY,
        ...process.env,
        ...environmentOf({ ...config, useModels, comfyUrls: comfyui.map(({ url }) => url) }),
        TEMPORAL_ADDRESS: server.address,
      },
      logFile: join(logs, 'worker.log'),
      onStart: (pid) => void publish({ worker: { pid } }),
    });
    supervised.unshift(worker);
    await publish({ phase: 'ready', step: 'running', comfyui });

    idleSince = Date.now();
    idleTimer = setInterval(() => {
      if (attached.size > 0 || Date.now() - idleSince < config.idleMs) return;
      openRequests(server.address).then(
        (open) => {
          if (open > 0) idleSince = Date.now();
          else if (attached.size === 0) end();
        },
        // A server that is just being started again cannot be asked; the next check asks.
        () => undefined,
      );
    }, IDLE_CHECK_MS);
    await ended;
  } catch (error) {
    const known = error instanceof CullError ? error : new CullError('STACK_FAILED', messageOf(error));
    const { code, message, hint } = known;
    await publish({ phase: 'failed', error: { code, message, ...(hint === undefined ? {} : { hint }) } });
    process.exitCode = 1;
  } finally {
    clearInterval(idleTimer);
    if (stack.phase !== 'failed') await publish({ phase: 'ending', step: 'ending' });
    const [worker, ...others] = supervised;
    // Whoever waits for the end of the stack waits 40 s.
    await worker?.stop(Math.min(config.graceMs, 25_000) + 5_000);
    await Promise.all(others.map((child) => child.stop(5_000)));
    await temporal?.stop();
    for (const response of attached) response.destroy();
    control.server.close();
    // A failed start leaves its reason behind for the command that waits for it.
    if (stack.phase !== 'failed') await removeStack(dir);
    await releaseLock(dir);
  }
}

interface KeptServer {
  address: string;
  stop(): Promise<void>;
}

/** A Temporal server on a port of its own that is started again on the same port and database when it dies. */
async function keepServer(options: {
  binary: string;
  dir: string;
  logs: string;
  onStart: (pid: number, address: string) => Promise<void>;
}): Promise<KeptServer> {
  const port = await freePort();
  let stopping = false;
  const start = async (): Promise<TemporalServer> => {
    const started = await startServer({
      binary: options.binary,
      port,
      dbFile: join(options.dir, 'temporal.sqlite'),
      logFile: join(options.logs, 'temporal.log'),
    });
    started.process.once('exit', () => {
      if (!stopping) current = start();
    });
    await options.onStart(started.pid, started.address);
    return started;
  };
  let current = start();
  const { address } = await current;
  return {
    address,
    async stop() {
      stopping = true;
      await (await current.catch(() => undefined))?.stop();
    },
  };
}

/** A sandbox keeps its port over restarts, so that whoever knows its address finds it again. */
async function startSandbox(
  { dir, logFile }: { dir: string; logFile: string },
  supervised: Supervised[],
): Promise<StackDoc['comfyui'][number]> {
  const port = await freePort();
  const entry = new URL('../sandbox/main.ts', import.meta.url);
  const photos = photosFolder(dir);
  const command = nodeCommand(entry, '--port', String(port), '--seconds', SANDBOX_SECONDS, '--photos', photos);
  const sandbox = supervise({ command, env: process.env, logFile });
  supervised.push(sandbox);
  await untilOpen(port, 30_000);
  return { url: `http://127.0.0.1:${port}`, pid: sandbox.pid, sandbox: true };
}
