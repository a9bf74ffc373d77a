/** A child process that is started again when it ends by itself. */
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { stopProcess } from './temporal-server.js';

const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 10_000;
/** After this long up, an end counts as the first again. */
const STEADY_MS = 30_000;

export interface Supervised {
  readonly pid: number;
  stop(graceMs: number): Promise<void>;
}

/**
 * Starts `command` and keeps it running until `stop`. Output is appended to `logFile`.
 *
 * @example
 * const worker = supervise({ command: ['node', 'worker.js'], env: process.env, logFile: 'worker.log', onStart: (pid) => log(pid) });
 */
export function supervise(options: {
  command: readonly [string, ...string[]];
  env: NodeJS.ProcessEnv;
  logFile: string;
  onStart?: (pid: number) => void;
}): Supervised {
  const [file, ...args] = options.command;
  let child: ChildProcess;
  let stopping = false;
  let delay = FIRST_DELAY_MS;
  let timer: NodeJS.Timeout | undefined;

  const start = () => {
    const startedAt = Date.now();
    const log = openSync(options.logFile, 'a');
    child = spawn(file, args, { env: options.env, stdio: ['ignore', log, log] });
    closeSync(log);
    const again = () => {
      if (stopping || timer) return;
      if (Date.now() - startedAt > STEADY_MS) delay = FIRST_DELAY_MS;
      timer = setTimeout(() => {
        timer = undefined;
        if (!stopping) start();
      }, delay);
      delay = Math.min(LONGEST_DELAY_MS, delay * 2);
    };
    child.once('error', again);
    child.once('exit', again);
    options.onStart?.(child.pid ?? 0);
  };
  start();
  return {
    get pid() {
      return child.pid ?? 0;
    },
    async stop(graceMs) {
      stopping = true;
      clearTimeout(timer);
      await stopProcess(child, graceMs);
    },
  };
}

/** The command that runs one of our own entry files: TypeScript through tsx in a checkout, compiled JavaScript in a package. */
export function nodeCommand(entry: URL, ...args: string[]): [string, ...string[]] {
  const isSource = import.meta.url.endsWith('.ts');
  const path = decodeURIComponent(entry.pathname).replace(/\.ts$/, isSource ? '.ts' : '.js');
  return [process.execPath, ...(isSource ? ['--import', import.meta.resolve('tsx')] : []), path, ...args];
}

/**
 * glibc keeps freed picture memory in one arena per thread; two arenas save 50 MiB of a worker
 * (https://sharp.pixelplumbing.com/install#linux-memory-allocator). It reads the variable when a process starts.
 */
export const WORKER_MEMORY = { MALLOC_ARENA_MAX: '2' };
