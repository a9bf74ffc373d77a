/** The command line as its users run it: a process of its own. */
import { spawn, type ChildProcess } from 'node:child_process';
import { entryCommand } from './compiled.js';

export interface CliRun {
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface RunningCli {
  readonly child: ChildProcess;
  /** Resolves once the text has appeared on stderr or stdout. */
  saw(text: string): Promise<void>;
  /** What it said so far. */
  seen(): string;
  readonly ended: Promise<CliRun>;
}

/** Starts `comfy-cull ...args`. `env` replaces every CULL_ and TEMPORAL_ variable of this process. */
export function startCli(
  args: string[],
  options: { env?: Record<string, string>; cwd?: string; input?: string } = {},
): RunningCli {
  const inherited = Object.entries(process.env).filter(([name]) => !/^(CULL|TEMPORAL)_/.test(name));
  const [file, ...own] = entryCommand('cli/main');
  const child = spawn(file, [...own, ...args], {
    cwd: options.cwd,
    env: { ...Object.fromEntries(inherited), ...options.env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  child.stdin.end(options.input ?? '');
  let stdout = '';
  let stderr = '';
  const waiting = new Set<() => void>();
  const heard = (add: (text: string) => void) => (chunk: Buffer) => {
    add(chunk.toString());
    for (const check of waiting) check();
  };
  child.stdout.on(
    'data',
    heard((text) => (stdout += text)),
  );
  child.stderr.on(
    'data',
    heard((text) => (stderr += text)),
  );
  const ended = new Promise<CliRun>((done) => child.once('close', (code) => done({ code, stdout, stderr })));
  return {
    child,
    ended,
    seen: () => stdout + stderr,
    saw: (text) =>
      new Promise((found, reject) => {
        const check = () => {
          if (!stdout.includes(text) && !stderr.includes(text)) return;
          waiting.delete(check);
          found();
        };
        waiting.add(check);
        check();
        void ended.then(() => reject(new Error(`it ended without "${text}":\n${stdout}\n${stderr}`)));
      }),
  };
}

export const runCli = (args: string[], options?: Parameters<typeof startCli>[1]): Promise<CliRun> =>
  startCli(args, options).ended;
