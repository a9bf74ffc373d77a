import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import {
  startSandboxComfy,
  type Faults,
  type LabelEntry,
  type LogEntry,
  type SeedCount,
  type SandboxOptions,
} from '../../sandbox/comfyui/index.js';
import { entryCommand } from './compiled.js';

/** What a test may ask of a sandbox while it runs. */
export interface SandboxChange {
  readonly secondsPerImage?: number;
  readonly fault?: Partial<Faults> & { readonly dropConnections?: boolean; readonly refuseMs?: number };
}

/** A sandbox ComfyUI with the tests' door to it. */
export interface TestSandbox {
  readonly url: string;
  readonly adminUrl: string;
  /** Every prompt submitted, in order. */
  log(): Promise<readonly LogEntry[]>;
  /** The log by seed: how often each was submitted, drawn, saved, and struck by a fault. */
  seeds(): Promise<Readonly<Record<string, SeedCount>>>;
  /** What the painter put into the pictures, by prompt id. */
  labels(): Promise<Readonly<Record<string, LabelEntry>>>;
  config(change: SandboxChange): Promise<void>;
  /** Forgets ended prompts, log, labels, cached results and faults. */
  reset(): Promise<void>;
  close(): Promise<void>;
}

/** A sandbox in a process of its own, which can be killed. */
export interface SandboxProcess extends TestSandbox {
  readonly pid: number;
  /** Ends the process with a signal and waits for it; resolves to its exit code, null after SIGKILL. */
  kill(signal: NodeJS.Signals): Promise<number | null>;
}

async function ask<T>(url: string, body?: unknown): Promise<T> {
  const answer = await fetch(url, body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}.`);
  return (await answer.json()) as T;
}

function door(urls: { url: string; adminUrl: string }): Omit<TestSandbox, 'close'> {
  const { adminUrl } = urls;
  return {
    ...urls,
    log: () => ask(`${adminUrl}/log`),
    seeds: () => ask(`${adminUrl}/seeds`),
    labels: () => ask(`${adminUrl}/labels`),
    config: async (change) => {
      await ask(`${adminUrl}/config`, change);
    },
    reset: async () => {
      await ask(`${adminUrl}/reset`, {});
    },
  };
}

/**
 * Starts a sandbox in this process.
 *
 * @example
 * const comfy = await startSandbox({ secondsPerImage: 0.1 });
 * await comfy.config({ fault: { truncateViews: 1 } });
 * await comfy.close();
 */
export async function startSandbox(options: SandboxOptions = {}): Promise<TestSandbox> {
  const comfy = await startSandboxComfy({ adminPort: 0, ...options });
  return { ...door({ url: comfy.url, adminUrl: comfy.adminUrl ?? '' }), close: () => comfy.close() };
}

/** Starts a sandbox as a child process; `close` ends it with SIGTERM. */
export async function startSandboxProcess(
  options: Pick<
    SandboxOptions,
    | 'port'
    | 'secondsPerImage'
    | 'outputDir'
    | 'inputDir'
    | 'checkpoints'
    | 'fault'
    | 'logFile'
    | 'profile'
    | 'cache'
    | 'previewMethod'
    | 'loadSeconds'
    | 'modelsHeld'
    | 'requiredHeaders'
  > & {
    /** Files with key and certificate in PEM: HTTPS. */
    tlsKey?: string;
    tlsCert?: string;
    prerendered?: boolean;
    /** Where the pool of ready pictures is kept, so that several processes paint it once. */
    prerenderedFolder?: string;
  } = {},
): Promise<SandboxProcess> {
  const { port = 0, secondsPerImage = 0, checkpoints = [], fault } = options;
  const args = ['--port', String(port), '--admin-port', '0', '--seconds', String(secondsPerImage)];
  const flags = {
    output: options.outputDir,
    input: options.inputDir,
    fault: fault && JSON.stringify(fault),
    'log-file': options.logFile,
    profile: options.profile,
    cache: options.cache,
    'preview-method': options.previewMethod,
    'load-seconds': options.loadSeconds,
    'models-held': options.modelsHeld,
    'prerendered-folder': options.prerenderedFolder,
    'tls-key': options.tlsKey,
    'tls-cert': options.tlsCert,
  };
  for (const [name, value] of Object.entries(flags)) if (value !== undefined) args.push(`--${name}`, String(value));
  for (const name of checkpoints) args.push('--checkpoint', name);
  for (const [name, value] of Object.entries(options.requiredHeaders ?? {})) {
    args.push('--required-header', `${name}: ${value}`);
  }
  if (options.prerendered) args.push('--prerendered');
  const [file, ...own] = entryCommand('sandbox/main');
  const child = spawn(file, [...own, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  const gone = once(child, 'exit') as Promise<[code: number | null, signal: string | null]>;
  const line = await Promise.race([
    once(createInterface(child.stdout), 'line') as Promise<[string]>,
    gone.then(([code]) => {
      throw new Error(`The sandbox process ended with code ${code ?? 'none'} before it was ready.`);
    }),
  ]);
  const ready = JSON.parse(line[0]) as { url: string; adminUrl: string; pid: number };
  const kill = async (signal: NodeJS.Signals): Promise<number | null> => {
    child.kill(signal);
    return (await gone)[0];
  };
  return {
    ...door(ready),
    pid: ready.pid,
    kill,
    close: async () => {
      await kill('SIGTERM');
    },
  };
}
