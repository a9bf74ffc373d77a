/** The command that restarts a ComfyUI whose worker thread is dead. */
import { spawn } from 'node:child_process';
import type { Logger } from '../telemetry/log.js';
import type { Member } from './members.js';

/** A ComfyUI takes half a minute to start and more to load a model: no second restart before it had its chance. */
const EVERY_MS = 300_000;
const LONGEST_MS = 120_000;

export class Restarter {
  readonly #member: Pick<Member, 'id' | 'url' | 'restart'>;
  readonly #log: Logger;
  #lastAt = -Infinity;

  constructor(member: Pick<Member, 'id' | 'url' | 'restart'>, log: Logger) {
    this.#member = member;
    this.#log = log;
  }

  /**
   * Runs the command, at most once in 5 minutes; its output goes into the log. Resolves when it has ended.
   *
   * @param now milliseconds of a monotonic clock
   * @returns whether it was run
   */
  async run(now = performance.now()): Promise<boolean> {
    const { id, url, restart } = this.#member;
    if (restart === undefined || now - this.#lastAt < EVERY_MS) return false;
    this.#lastAt = now;
    this.#log.warn({ command: restart }, 'restarting it');
    const child = spawn(restart, {
      shell: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, CULL_COMFYUI_ID: id, CULL_COMFYUI_URL: url },
      timeout: LONGEST_MS,
    });
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) =>
        this.#log.info({ restart: chunk.toString().trimEnd().slice(0, 4_000) }, 'restart'),
      );
    const end = await new Promise<string>((resolve) => {
      child.once('error', (error) => resolve(error.message));
      child.once('close', (code, signal) => resolve(`ended with ${signal ?? code ?? 'nothing'}`));
    });
    this.#log.info({ end }, 'restart command ended');
    return true;
  }
}
