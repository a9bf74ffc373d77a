/** The embedded stack from the side of a command: start it or join it, stay attached while it is needed, end it. */
import { spawn } from 'node:child_process';
import { mkdir, open } from 'node:fs/promises';
import { get, request as httpRequest } from 'node:http';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { environmentOf, type Config } from '../config.js';
import { CullError, type ErrorCode } from '../errors.js';
import { openRequests, settingsOf } from './settings.js';
import { readStack, removeStack, type StackDoc } from './stack-file.js';
import { nodeCommand } from './supervise.js';

export { photosFolder } from './stack-file.js';
export type { StackDoc } from './stack-file.js';
export { openRequests } from './settings.js';

const POLL_MS = 50;
/** Long enough for a first start that installs the Temporal server over a slow line. */
const START_MS = 8 * 60_000;
const END_MS = 40_000;

export interface AttachedStack {
  stack: StackDoc;
  /** Lets go: the stack ends by itself a while after the last command has, once no request is open. */
  detach: () => void;
}

/**
 * The running stack of `config.dir`, started if there is none. The caller is attached until `detach` or its end.
 *
 * @throws CullError STACK_BUSY if it runs with other settings and a request is open; STACK_FAILED, TEMPORAL_BINARY_MISSING with the reason
 * @example
 * const { stack, detach } = await ensureStack(readConfig(process.env), { onStep: (step) => console.error(step) });
 */
export async function ensureStack(
  config: Config,
  options: { onStep?: (step: string) => void } = {},
): Promise<AttachedStack> {
  const { dir } = config;
  const deadline = Date.now() + START_MS;
  let lastStep = '';
  let keeper: { exited: boolean } | undefined;
  while (Date.now() < deadline) {
    const stack = await runningStack(dir);
    if (stack?.phase === 'ready') {
      if (isDeepStrictEqual(stack.settings, JSON.parse(JSON.stringify(settingsOf(config))))) return attach(stack);
      await endForOtherSettings(config, stack);
      keeper = undefined;
      continue;
    }
    const failed = stack ?? (keeper?.exited ? await readStack(dir) : undefined);
    if (keeper && failed?.phase === 'failed' && failed.error) {
      await removeStack(dir);
      const { code, message, hint } = failed.error;
      throw new CullError(code as ErrorCode, message, hint === undefined ? {} : { hint });
    }
    if (stack && stack.step !== lastStep) options.onStep?.((lastStep = stack.step));
    if (!stack && !keeper) keeper = await spawnKeeper(config);
    else if (!stack && keeper?.exited)
      throw new CullError('STACK_FAILED', 'the embedded stack ended while it started', {
        hint: `read ${join(dir, 'logs', 'keeper.log')}`,
      });
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  throw new CullError('STACK_FAILED', `the embedded stack was not ready after ${START_MS / 60_000} minutes`, {
    hint: `read ${join(dir, 'logs')}`,
  });
}

/** The stack's record, if its keeper answers. */
export async function runningStack(dir: string): Promise<StackDoc | undefined> {
  const stack = await readStack(dir);
  return stack && (await ask(stack, 'GET', '/status')) === stack.id ? stack : undefined;
}

/** Ends the stack and waits until it is gone. Open requests stay in its database and go on with the next start. False if none ran. */
export async function endStack(dir: string): Promise<boolean> {
  const stack = await runningStack(dir);
  if (!stack) return false;
  await ask(stack, 'POST', '/down');
  const deadline = Date.now() + END_MS;
  while (isAlive(stack.pid)) {
    if (Date.now() > deadline)
      throw new CullError('STACK_FAILED', `the embedded stack (pid ${stack.pid}) does not end`, {
        hint: `kill ${stack.pid}`,
      });
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  return true;
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

async function endForOtherSettings(config: Config, stack: StackDoc): Promise<void> {
  const open = stack.temporal ? await openRequests(stack.temporal.address) : 0;
  if (open > 0)
    throw new CullError(
      'STACK_BUSY',
      `the stack in ${config.dir} runs with other settings and ${open} request(s) are open`,
      {
        hint: 'wait for them, run `comfy-cull down` first, or use another CULL_DIR',
        details: { running: stack.settings, wanted: settingsOf(config) },
      },
    );
  await endStack(config.dir);
}

async function spawnKeeper(config: Config): Promise<{ exited: boolean }> {
  const logs = join(config.dir, 'logs');
  await mkdir(logs, { recursive: true });
  const log = await open(join(logs, 'keeper.log'), 'a');
  const [file, ...args] = nodeCommand(new URL('./keeper-main.ts', import.meta.url));
  const env = { ...process.env, ...environmentOf(config) };
  const child = spawn(file, args, { env, detached: true, stdio: ['ignore', log.fd, log.fd] });
  await log.close();
  const state = { exited: false };
  child.once('error', () => (state.exited = true));
  child.once('exit', () => (state.exited = true));
  child.unref();
  return state;
}

function attach(stack: StackDoc): AttachedStack {
  const call = get({ ...where(stack), path: '/attach' }, (response) => response.resume());
  call.on('error', () => undefined);
  call.on('socket', (socket) => socket.unref());
  return { stack, detach: () => call.destroy() };
}

const where = (stack: StackDoc) => ({
  host: '127.0.0.1',
  port: stack.control.port,
  headers: { 'x-cull-token': stack.control.token },
  agent: false as const,
});

/** The answer's body, or undefined if nobody answers. */
function ask(stack: StackDoc, method: 'GET' | 'POST', path: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const call = httpRequest({ ...where(stack), method, path, timeout: 3_000 }, (response) => {
      let body = '';
      response.on('data', (chunk: Buffer) => (body += chunk.toString()));
      response.on('end', () => resolve(response.statusCode === 403 ? undefined : body));
    });
    call.on('timeout', () => call.destroy());
    call.on('error', () => resolve(undefined));
    call.end();
  });
}
