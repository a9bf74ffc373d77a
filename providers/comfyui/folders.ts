/** What Cull left in a ComfyUI's output and input folders, where this machine has a path to them. */
import type { Dirent } from 'node:fs';
import { lstat, readdir, realpath, rmdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { CullError, messageOf } from '../../errors.js';

/** Absolute paths of a ComfyUI's folders, as this machine sees them. */
export interface HostFolders {
  output?: string | undefined;
  input?: string | undefined;
}

/** A file that Cull made there. `modifiedAt`: milliseconds since the epoch. */
export type LeftFile = { path: string; folder: string; bytes: number; modifiedAt: number } & (
  | { kind: 'output'; tenant: string; request: string; candidate: number }
  | { kind: 'input'; tenant: string; sha256: string }
);

/** As `filenamePrefixOf` names them: candidate, attempt, turn; then what the saving node adds. */
const OUTPUT = /^(\d{4,})-\d+(?:-\d+)?_/;
/** As `Uploads` names them. */
const INPUT = /^([0-9a-f]{64})(?:\.[a-z0-9]{1,8})?$/;

/**
 * The files below `<output>/cull/<tenant>/<request>/` and `<input>/cull/<tenant>/` that are named as Cull names them. Everything else is
 * passed over, and so is what is reached through a link: only the folders themselves may be one.
 *
 * @throws CullError CONFIG_INVALID where a folder is not there or cannot be read
 * @example
 * for await (const file of leftFiles({ output: '/srv/comfyui/output' })) console.log(file.path, file.bytes);
 */
export async function* leftFiles(folders: HostFolders): AsyncGenerator<LeftFile> {
  const { output, input } = folders;
  if (output !== undefined)
    for await (const { tenant, path } of tenantsIn(output))
      for (const { name: request } of (await entriesOf(path)).filter((entry) => entry.isDirectory()))
        for await (const { match, ...file } of filesIn(join(path, request), OUTPUT))
          yield { kind: 'output', tenant, request, candidate: Number(match), ...file };
  if (input !== undefined)
    for await (const { tenant, path } of tenantsIn(input))
      for await (const { match, ...file } of filesIn(path, INPUT))
        yield { kind: 'input', tenant, sha256: match, ...file };
}

/**
 * Removes a file that `leftFiles` found, and its folder if that is empty then.
 *
 * @returns whether it was there still, and still no link
 * @throws CullError CONFIG_INVALID where it may not be removed
 */
export async function removeLeft({ path, folder, kind }: LeftFile): Promise<boolean> {
  try {
    // Somebody may have put a link in the place of a folder since.
    if ((await realpath(folder)) !== folder || !(await lstat(path)).isFile()) return false;
    await unlink(path);
  } catch (error) {
    if (isMissing(error)) return false;
    throw unusable(path, error);
  }
  // A tenant's folder stays: somebody may be about to put a file there.
  if (kind === 'output') await rmdir(folder).catch(() => undefined);
  return true;
}

async function* tenantsIn(root: string): AsyncGenerator<{ tenant: string; path: string }> {
  const base = join(await rootOf(root), 'cull');
  if (!(await lstat(base).catch(() => undefined))?.isDirectory()) return;
  for (const entry of await entriesOf(base))
    if (entry.isDirectory()) yield { tenant: entry.name, path: join(base, entry.name) };
}

async function rootOf(folder: string): Promise<string> {
  try {
    return await realpath(folder);
  } catch (error) {
    throw unusable(folder, error);
  }
}

async function* filesIn(folder: string, pattern: RegExp) {
  for (const entry of await entriesOf(folder)) {
    const match = pattern.exec(entry.name)?.[1];
    if (match === undefined || !entry.isFile()) continue;
    const path = join(folder, entry.name);
    const about = await lstat(path).catch(() => undefined);
    if (about?.isFile()) yield { match, path, folder, bytes: about.size, modifiedAt: about.mtimeMs };
  }
}

/** A folder that went meanwhile is empty. Links are neither files nor folders here. */
async function entriesOf(folder: string): Promise<Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (error) {
    if (isMissing(error)) return [];
    throw unusable(folder, error);
  }
}

const isMissing = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'ENOENT';

const unusable = (path: string, error: unknown): CullError =>
  new CullError('CONFIG_INVALID', `what Cull left in a ComfyUI's folder cannot be removed: ${messageOf(error)}`, {
    hint: `give the user that runs the worker access to ${path}, or correct the folder in the fleet's file (docs/fleet.md)`,
    cause: error,
  });
