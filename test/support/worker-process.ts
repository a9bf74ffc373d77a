/** A real worker in a process of its own, which can be killed. */
import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { entryCommand } from './compiled.js';

export interface WorkerProcess {
  readonly pid: number;
  kill(signal: NodeJS.Signals): Promise<void>;
  /** What it logged so far, one JSON line each. */
  readonly lines: readonly string[];
}

const running = new Set<ChildProcess>();

/** Ends the workers that a test has left: one that timed out would have its worker take what the next file asks for. */
export async function killWorkers(): Promise<void> {
  await Promise.all(
    [...running].map((child) => {
      const gone = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      return gone;
    }),
  );
}

/** Starts a worker with all roles; resolves once it serves. `env` adds to this process's environment. */
export async function startWorker(env: Record<string, string>, entry = 'worker-main'): Promise<WorkerProcess> {
  const [file, ...args] = entryCommand(entry);
  const child: ChildProcess = spawn(file, args, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  running.add(child);
  const lines: string[] = [];
  const gone = new Promise<void>((resolve) =>
    child.once('exit', () => {
      running.delete(child);
      resolve();
    }),
  );
  if (!child.stderr) throw new Error('the worker has no stderr');
  const reader = createInterface({ input: child.stderr });
  await new Promise<void>((resolve, reject) => {
    reader.on('line', (line) => {
      lines.push(line);
      if (line.includes('"msg":"serving"') && line.includes('"roles"')) resolve();
    });
    void gone.then(() => reject(new Error(`the worker ended before it served:\n${lines.join('\n')}`)));
  });
  const stop = () => child.kill('SIGKILL');
  process.once('exit', stop);
  return {
    pid: child.pid ?? 0,
    lines,
    async kill(signal) {
      process.off('exit', stop);
      child.kill(signal);
      await gone;
    },
  };
}
