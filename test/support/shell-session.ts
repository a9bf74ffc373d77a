/** A page's commands as its reader types them: one shell, block after block, with what each printed and how each command ended. */
import { spawn } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';

const BIN = resolve(import.meta.dirname, '../../bin/comfy-cull.js');

/** Every call fails by its status, and says it on stderr. */
const CURLRC = 'silent\nshow-error\nfail-with-body\nwrite-out = "%{stderr}HTTP %{http_code}\\n"\n';

export interface Ran {
  stdout: string;
  stderr: string;
  /** Commands that failed: `<exit code> <command>`. */
  failed: string[];
}

/**
 * Runs blocks of commands in one bash, in a folder, with `comfy-cull` on its path. A failed command is noted, and the next one runs.
 *
 * @param commands one block each
 * @returns what became of each block
 */
export async function runInShell(
  commands: readonly string[],
  { dir, env }: { dir: string; env: Record<string, string> },
): Promise<Ran[]> {
  const notes = join(dir, '.session');
  await mkdir(join(notes, 'bin'), { recursive: true });
  await writeFile(join(notes, '.curlrc'), CURLRC);
  await writeFile(join(notes, 'bin', 'comfy-cull'), `#!/bin/sh\nexec "${process.execPath}" "${BIN}" "$@"\n`, {
    mode: 0o755,
  });
  const blocks = commands.map((code, n) => {
    const to = join(notes, String(n));
    return `exec 9>'${to}.failed'\n{\n${code}\n} >'${to}.stdout' 2>'${to}.stderr'\n`;
  });
  const head = `set -E -o pipefail\ntrap 'echo "$? $BASH_COMMAND" >&9' ERR\n`;
  await writeFile(join(notes, 'session.sh'), head + blocks.join(''));
  const child = spawn('bash', [join(notes, 'session.sh')], {
    cwd: dir,
    env: { ...process.env, ...env, CURL_HOME: notes, PATH: `${join(notes, 'bin')}:${process.env['PATH'] ?? ''}` },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  await new Promise<void>((done) => child.once('close', () => done()));
  const read = (n: number, what: string): Promise<string> => readFile(join(notes, `${n}.${what}`), 'utf8');
  return Promise.all(
    commands.map(async (_, n) => ({
      stdout: await read(n, 'stdout'),
      stderr: await read(n, 'stderr'),
      failed: (await read(n, 'failed')).split('\n').filter((line) => line !== ''),
    })),
  );
}
