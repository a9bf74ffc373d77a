/** What deleted files leave in a folder: empty folders, and writes that broke off. */
import { readdir, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf, isMissing } from './fs-errors.js';
import type { Remains } from './storage.js';

/**
 * Removes the folders below a prefix that hold no file: a process that died between a file and its folder leaves one, and its name may name a person.
 *
 * @param prefix ends with `/`; anything else has no folder of its own
 */
export async function clearFolders(root: string, prefix: string): Promise<void> {
  if (prefix.endsWith('/')) await clear(join(root, prefix));
}

async function clear(folder: string): Promise<void> {
  const entries = await orNone(readdir(folder, { withFileTypes: true }));
  for (const entry of entries ?? []) if (entry.isDirectory()) await clear(join(folder, entry.name));
  await rmdir(folder).catch((error: unknown) => {
    if (!isMissing(error) && codeOf(error) !== 'ENOTEMPTY' && codeOf(error) !== 'EEXIST') throw error;
  });
}

/** Drafts carry no key: whose they are is not known. */
export async function brokenOff(drafts: string): Promise<Remains[]> {
  const names = (await orNone(readdir(drafts))) ?? [];
  const why =
    `they lie in ${drafts} without a key, so whose they are is not known; ` +
    'a process that opens the storage when they are an hour old removes them';
  return names.length === 0 ? [] : [{ what: 'writes that go on or broke off', count: names.length, why }];
}

async function orNone<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}
