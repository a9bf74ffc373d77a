import type { BigIntStats } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isMissing } from './fs-errors.js';
import { RESERVED } from './key.js';

/** Stats asked for at once; enough to hide the latency of a network disk, few enough to stay streaming. */
const AHEAD = 32;

/**
 * Files below `root` whose key starts with `prefix`, in key order (bytes of UTF-8, as S3 orders). One folder is in memory
 * at a time. What disappears while walking is left out.
 */
export async function* walk(
  root: string,
  prefix: string,
): AsyncGenerator<{ key: string; stats: BigIntStats }, void, undefined> {
  const folder = prefix.slice(0, prefix.lastIndexOf('/') + 1);
  yield* walkFolder({ root, prefix }, folder);
}

async function* walkFolder(
  at: { root: string; prefix: string },
  folder: string,
): AsyncGenerator<{ key: string; stats: BigIntStats }, void, undefined> {
  const entries = await readFolder(join(at.root, folder));
  const wanted = entries
    .filter((entry) => entry.name !== RESERVED || folder !== '')
    .filter((entry) => entry.isDirectory() || entry.isFile())
    // A folder sorts as its keys do: with the slash.
    .map((entry) => ({ key: folder + entry.name + (entry.isDirectory() ? '/' : ''), isFolder: entry.isDirectory() }))
    .filter(({ key, isFolder }) => key.startsWith(at.prefix) || (isFolder && at.prefix.startsWith(key)))
    .map((entry) => ({ ...entry, order: Buffer.from(entry.key) }))
    .sort((a, b) => Buffer.compare(a.order, b.order));
  for (let i = 0; i < wanted.length; i += AHEAD) {
    const some = wanted.slice(i, i + AHEAD);
    const stats = await Promise.all(
      some.map(async (entry) => (entry.isFolder ? undefined : await statOf(join(at.root, entry.key)))),
    );
    for (const [j, entry] of some.entries()) {
      const found = stats[j];
      if (entry.isFolder) yield* walkFolder(at, entry.key);
      else if (found) yield { key: entry.key, stats: found };
    }
  }
}

/** Names of the folders in a folder that hold a file somewhere, in key order: a folder that lost its last file is none. */
export async function* foldersIn(root: string, prefix: string): AsyncGenerator<string, void, undefined> {
  const names = (await readFolder(join(root, prefix)))
    .filter((entry) => entry.isDirectory() && (entry.name !== RESERVED || prefix !== ''))
    .map(({ name }) => name)
    .sort((a, b) => Buffer.compare(Buffer.from(`${a}/`), Buffer.from(`${b}/`)));
  for (const name of names) if (!(await walk(root, `${prefix}${name}/`).next()).done) yield name;
}

async function readFolder(path: string) {
  try {
    return await readdir(path, { withFileTypes: true });
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

async function statOf(path: string): Promise<BigIntStats | undefined> {
  try {
    return await stat(path, { bigint: true });
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}
