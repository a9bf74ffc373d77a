/** The one way in which a Temporal dev server is started: by the embedded stack, the tests and the benchmarks. */
import { spawn, type ChildProcess } from 'node:child_process';
import { open } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { Connection } from '@temporalio/client';
import { CullError } from '../errors.js';

export interface TemporalServer {
  /** `127.0.0.1:port` */
  address: string;
  pid: number;
  process: ChildProcess;
  /** Ends it (SIGTERM, after 5 s SIGKILL) and waits. */
  stop(): Promise<void>;
}

/**
 * Flags beyond the defaults, with what they buy (measured on 2 cores with server 1.32):
 * - poll rate 1000: a hop takes 2 ms instead of 44 (the dev server's one shard allows 20 polls a second by default);
 * - WAL and synchronous=NORMAL: 2 to 3 times the throughput of a file database; only a power cut could lose the last transactions;
 * - fairness on and one partition: without, fairness keys are ignored and late tenants wait behind a backlog;
 * - the state of at most 1,000 executions in memory, not of 8,000 (temporalio/cli#574): it stays there after their end, and would grow by 40 MiB for 1,000
 *   requests of 8 candidates.
 */
const FLAGS = [
  ['--sqlite-pragma', 'journal_mode=WAL'],
  ['--sqlite-pragma', 'synchronous=NORMAL'],
  ['--dynamic-config-value', 'history.transferProcessorMaxPollRPS=1000'],
  ['--dynamic-config-value', 'history.hostLevelCacheMaxSize=1000'],
  ['--dynamic-config-value', 'matching.enableFairness=true'],
  ['--dynamic-config-value', 'matching.numTaskqueueReadPartitions=1'],
  ['--dynamic-config-value', 'matching.numTaskqueueWritePartitions=1'],
  ['--search-attribute', 'CullTenant=Keyword'],
  ['--search-attribute', 'CullRequest=Keyword'],
].flat();

/**
 * Starts a dev server and resolves once it answers. That its port accepts a connection says nothing: the server opens it for a moment before, to see
 * whether it is free.
 *
 * @throws CullError STACK_FAILED with its last words if it exits first, or is silent for 30 s
 * @example
 * const server = await startServer({ binary: '/usr/bin/temporal', port: await freePort() });
 */
export async function startServer(options: {
  binary: string;
  port: number;
  /** SQLite file; without it nothing outlives the process. */
  dbFile?: string;
  /** Receives what the server prints. */
  logFile?: string;
}): Promise<TemporalServer> {
  const { binary, port, dbFile, logFile } = options;
  const args = [
    'server',
    'start-dev',
    '--headless',
    '--ip',
    '127.0.0.1',
    '--port',
    String(port),
    '--log-level',
    'error',
  ];
  const log = logFile === undefined ? undefined : await open(logFile, 'a');
  const child = spawn(binary, [...args, ...FLAGS, ...(dbFile === undefined ? [] : ['--db-filename', dbFile])], {
    stdio: ['ignore', log?.fd ?? 'ignore', log?.fd ?? 'ignore'],
  });
  await log?.close();
  const exited = new Promise<never>((_, reject) => {
    const fail = (why: string) => {
      const where = logFile === undefined ? '' : `; its last words are in ${logFile}`;
      reject(new CullError('STACK_FAILED', `the Temporal server on port ${port} ${why}${where}`));
    };
    child.once('error', (error) => fail(`did not start: ${error.message}`));
    child.once('exit', (code, signal) => fail(`ended with ${signal ?? code}`));
  });
  exited.catch(() => undefined);
  try {
    await Promise.race([exited, untilAnswers(`127.0.0.1:${port}`, 30_000)]);
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
  return {
    address: `127.0.0.1:${port}`,
    pid: child.pid ?? 0,
    process: child,
    stop: () => stopProcess(child, 5_000),
  };
}

/** Resolves when the server knows the namespace that everything runs in. */
async function untilAnswers(address: string, timeoutMs: number): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    try {
      const connection = await Connection.connect({ address, connectTimeout: '1s' });
      try {
        await connection.withDeadline(deadline, () =>
          connection.workflowService.describeNamespace({ namespace: 'default' }),
        );
        return;
      } finally {
        await connection.close();
      }
    } catch (error) {
      if (Date.now() > deadline)
        throw new CullError('STACK_FAILED', `no Temporal server answers on ${address} after ${timeoutMs / 1000} s`, {
          cause: error,
        });
    }
    await wait(50);
  }
}

/** Ends a child: SIGTERM, and SIGKILL if it is still there after `graceMs`. Resolves when it is gone. */
export async function stopProcess(child: ChildProcess, graceMs: number): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), graceMs);
  await gone;
  clearTimeout(timer);
}

/** A TCP port on loopback that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address ? address.port : 0;
}

/** Resolves when something accepts connections on the port of this machine. */
export async function untilOpen(port: number, timeoutMs: number): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    if (await isOpen(port)) return;
    if (Date.now() > deadline)
      throw new CullError('STACK_FAILED', `nothing answers on 127.0.0.1:${port} after ${timeoutMs / 1000} s`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const isOpen = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    const end = (open: boolean) => {
      socket.destroy();
      resolve(open);
    };
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
  });
