import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { ask } from '../ask.js';
import { pick } from './pick.js';
import type { Server } from './player.js';

/** A real ComfyUI, and how it may be treated. */
export interface RealServer extends Server {
  /** Nodes compute on the CPU. */
  readonly cpu: boolean;
  /** Nobody else uses it. */
  readonly disposable: boolean;
}

/**
 * The ComfyUI that the environment names:
 * - `CULL_COMFYUI_TEST_URL`, its address;
 * - `CULL_COMFYUI_TEST_DISPOSABLE=1`: nobody else uses it, so that everybody's prompts may be stopped;
 * - `CULL_COMFYUI_TEST_RESTART`, a shell command that ends it and starts it anew with the flags given as arguments, and
 *   returns when it answers; where it is set, checks that leave a server unfit for use are played, too.
 */
export async function realServer(): Promise<RealServer> {
  const url = (process.env.CULL_COMFYUI_TEST_URL ?? '').replace(/\/$/, '');
  if (url === '')
    throw new Error('Set CULL_COMFYUI_TEST_URL to the address of a real ComfyUI (docs/compatibility.md).');
  const command = process.env.CULL_COMFYUI_TEST_RESTART ?? '';
  const stats = (await ask(url, { method: 'GET', path: '/system_stats' })).json;
  const loader = (await ask(url, { method: 'GET', path: '/object_info/CheckpointLoaderSimple' })).json;
  const spec = pick(loader, 'CheckpointLoaderSimple', 'input', 'required', 'ckpt_name');
  const names = (pick(spec, 0) === 'COMBO' ? pick(spec, 1, 'options') : pick(spec, 0)) as string[];
  return {
    url,
    version: String(pick(stats, 'system', 'comfyui_version')),
    checkpoint: names[0] ?? 'none',
    cpu: pick(stats, 'devices', 0, 'type') === 'cpu',
    disposable: process.env.CULL_COMFYUI_TEST_DISPOSABLE === '1',
    hang: () => Promise.resolve(),
    ...(command === '' ? {} : { restart: (flags: readonly string[]) => restart(command, flags) }),
  };
}

async function restart(command: string, flags: readonly string[]): Promise<void> {
  const child = spawn('sh', ['-c', `${command} "$@"`, 'sh', ...flags], { stdio: ['ignore', 'ignore', 'inherit'] });
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`CULL_COMFYUI_TEST_RESTART ended with code ${code ?? 'none'}.`);
}
