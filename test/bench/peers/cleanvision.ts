/**
 * Python's cleanvision beside our scorers: https://github.com/cleanlab/cleanvision (Apache-2.0). It is no dependency: CLEANVISION_PYTHON
 * names a Python that has it, or a private virtual environment is made once where the Python package index can be reached.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { messageOf } from '../../../errors.js';

const run = promisify(execFile);
const SCRIPT = fileURLToPath(new URL('./cleanvision.py', import.meta.url));
const FOLDER = fileURLToPath(new URL('../../../.cull/test/cleanvision', import.meta.url));
export const CLEANVISION = 'cleanvision==0.3.7';

export interface CleanvisionResult {
  /** All of its checks of single images on all files, one process, without starting Python. */
  ms: number;
  /** The same of its blur check alone. */
  blurryMs: number;
  /** Files that it calls blurred. */
  blurred: string[];
}

/**
 * What cleanvision says of some image files, or why it cannot be asked.
 *
 * @example
 * const found = await cleanvisionOn(['/tmp/a.png']);
 * if ('missing' in found) console.log(`cleanvision: ${found.missing}`);
 */
export async function cleanvisionOn(files: readonly string[]): Promise<CleanvisionResult | { missing: string }> {
  const python = await pythonWithCleanvision();
  if (typeof python !== 'string') return python;
  try {
    // isolated: the folder of the script is not searched, its name is the package's
    const asking = run(python, ['-I', SCRIPT], { maxBuffer: 1 << 26 });
    asking.child.stdin?.end(`${files.join('\n')}\n`);
    const { stdout } = await asking;
    return JSON.parse(stdout) as CleanvisionResult;
  } catch (error) {
    return { missing: `it failed: ${messageOf(error).split('\n').at(-2) ?? messageOf(error)}` };
  }
}

async function pythonWithCleanvision(): Promise<string | { missing: string }> {
  const given = process.env['CLEANVISION_PYTHON'];
  if (given !== undefined) return given;
  const python = join(FOLDER, 'bin', 'python');
  if (existsSync(join(FOLDER, 'ready'))) return python;
  try {
    await mkdir(FOLDER, { recursive: true });
    await run('python3', ['-m', 'venv', FOLDER]);
    await run(python, ['-m', 'pip', 'install', '--quiet', CLEANVISION]);
    await mkdir(join(FOLDER, 'ready'));
    return python;
  } catch (error) {
    await rm(FOLDER, { recursive: true, force: true });
    return { missing: `${CLEANVISION} cannot be installed: ${messageOf(error).split('\n')[0] ?? ''}` };
  }
}
