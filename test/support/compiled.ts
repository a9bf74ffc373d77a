/** Processes that tests start: from compiled JavaScript, as a package has it. From source each would compile itself anew, for seconds. */
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { nodeCommand } from '../../stack/supervise.js';

export const ROOT = resolve(import.meta.dirname, '../..');

/**
 * The command that runs one of the project's entries. Under vitest compiled (compile.ts), elsewhere, as in a benchmark, from source.
 *
 * @param entry its path without extension
 * @example
 * const [file, ...args] = entryCommand('cli/main');
 */
export function entryCommand(entry: string): [string, ...string[]] {
  if (process.env['VITEST'] === undefined) return nodeCommand(pathToFileURL(join(ROOT, `${entry}.ts`)));
  return [process.execPath, join(ROOT, 'dist', `${entry}.js`)];
}
