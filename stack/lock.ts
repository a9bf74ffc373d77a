/** One keeper per folder, and what a killed one left behind. */
import { execFile } from 'node:child_process';
import { open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { readStack } from './stack-file.js';

const lockFile = (dir: string): string => join(dir, 'stack.lock');

/** One keeper per folder. A lock whose owner is gone is taken over. */
export async function takeLock(dir: string): Promise<boolean> {
  for (let attempt = 0; attempt < 3; attempt++) {
    try {
      const file = await open(lockFile(dir), 'wx');
      await file.writeFile(String(process.pid));
      await file.close();
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      const owner = Number(await readFile(lockFile(dir), 'utf8').catch(() => '0'));
      if (owner > 0 && (await commandOf(owner)).includes('keeper')) return false;
      await rm(lockFile(dir), { force: true });
    }
  }
  return false;
}

/** What a keeper that was killed left running: processes of its record that still are what they were. */
export async function endOrphans(dir: string): Promise<void> {
  const old = await readStack(dir);
  if (!old) return;
  const marks: [number | null | undefined, string][] = [
    [old.temporal?.pid, 'start-dev'],
    [old.worker?.pid, 'worker-main'],
    ...old.comfyui.map(({ pid }): [number | null, string] => [pid, 'sandbox']),
  ];
  for (const [pid, mark] of marks) {
    if (!pid || !(await commandOf(pid)).includes(mark)) continue;
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It ended by itself in the meantime.
    }
  }
}

async function commandOf(pid: number): Promise<string> {
  const { stdout } = await promisify(execFile)('ps', ['-p', String(pid), '-o', 'command=']).catch(() => ({
    stdout: '',
  }));
  return stdout;
}

export const releaseLock = (dir: string): Promise<void> => rm(lockFile(dir), { force: true });
