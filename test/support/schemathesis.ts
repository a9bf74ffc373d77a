/** schemathesis, which asks an API everything that its OpenAPI document allows and forbids: from PyPI, once, under `.cull/test/`. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

const VERSION = '4.32.5';
export const INSTALL_MS = 300_000;
const run = promisify(execFile);

/**
 * The command's path.
 *
 * @throws Error where it can be neither found nor installed: a suite without it would prove nothing
 */
export async function findSchemathesis(): Promise<string> {
  const given = process.env['CULL_TEST_SCHEMATHESIS'];
  if (given !== undefined && given !== '') return given;
  const venv = resolve(import.meta.dirname, `../../.cull/test/schemathesis-${VERSION}`);
  const command = join(venv, 'bin', 'schemathesis');
  if (existsSync(command)) return command;
  process.stderr.write(`installing schemathesis ${VERSION}, once\n`);
  await mkdir(resolve(venv, '..'), { recursive: true });
  // its scripts name their interpreter by path, so it is made in its place; half of one is told by what is missing
  const ready = `${venv}.ready`;
  await rm(venv, { recursive: true, force: true });
  await run('python3', ['-m', 'venv', venv], { timeout: INSTALL_MS });
  const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', `schemathesis==${VERSION}`];
  await run(join(venv, 'bin', 'python'), pip, { timeout: INSTALL_MS });
  await mkdir(ready, { recursive: true });
  await rename(ready, join(venv, 'ready'));
  return command;
}
