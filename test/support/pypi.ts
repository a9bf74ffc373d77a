/** Tools from PyPI that tests run, each in a virtual environment of its own under `.cull/test/`, installed once. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

export const INSTALL_MS = 300_000;
const run = promisify(execFile);

/**
 * The folder of the environment, with `bin/` in it.
 *
 * @throws Error where the package cannot be installed: a suite without it would prove nothing
 */
export async function installed(name: string, version: string): Promise<string> {
  const venv = resolve(import.meta.dirname, `../../.cull/test/${name}-${version}`);
  // its scripts name their interpreter by path, so it is made in its place; half of one is told by what is missing
  if (existsSync(join(venv, 'ready'))) return venv;
  process.stderr.write(`installing ${name} ${version}, once\n`);
  await mkdir(resolve(venv, '..'), { recursive: true });
  await rm(venv, { recursive: true, force: true });
  await run('python3', ['-m', 'venv', venv], { timeout: INSTALL_MS });
  const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', `${name}==${version}`];
  await run(join(venv, 'bin', 'python'), pip, { timeout: INSTALL_MS });
  const ready = `${venv}.ready`;
  await mkdir(ready, { recursive: true });
  await rename(ready, join(venv, 'ready'));
  return venv;
}
