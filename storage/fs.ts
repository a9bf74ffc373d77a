import { createHash, randomUUID } from 'node:crypto';
import type { BigIntStats } from 'node:fs';
import { link, mkdir, open, readdir, rename, rmdir, stat, unlink } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import { CullError } from '../errors.js';
import { codeOf, isMissing, storageError } from './fs-errors.js';
import { withLock } from './fs-lock.js';
import { foldersIn, walk } from './fs-list.js';
import { brokenOff, clearFolders } from './fs-remains.js';
import { urlSecret } from './fs-secret.js';
import { checkFolder, checkKey, checkPrefix, RESERVED } from './key.js';
import { checkExpiry, signUrl, verifyUrl } from './signed.js';
import type { PutOptions, Storage, StoredObject, Written } from './storage.js';

export interface FsStorageOptions {
  /** Folder that holds everything; made on the first put. */
  root: string;
  /** Flush every object to the disk before it appears: survives a power cut, costs milliseconds per put. @default false */
  durable?: boolean;
  /** Public address of the service that serves the folder's files; signed URLs lead there. @default `file:` URLs */
  publicUrl?: string;
}

/** Left-overs of a crash in the temporary folder are removed once they are this old. */
const LEFTOVER_MS = 3_600_000;

/**
 * Storage in a folder: an object is a file under its key. Safe for several processes on one machine.
 *
 * A put writes a temporary file on the same file system and renames it, so readers see the old or the new object, never a
 * part. Writes of one key take turns by a lock file, which makes `ifMatch` a compare-and-swap between processes.
 *
 * @throws CullError STORAGE_* from every method, see storage.ts
 * @example
 * const storage = createFsStorage({ root: '.cull/storage' });
 * await storage.put('acme/requests/r1/plan.json', '{}', { ifAbsent: true });
 */
export function createFsStorage(options: FsStorageOptions): Storage {
  const root = resolve(options.root);
  const { durable = false, publicUrl } = options;
  const drafts = join(root, RESERVED, 'tmp');
  const locks = join(root, RESERVED, 'locks');
  const pathOf = (key: string): string => join(root, ...checkKey(key).split('/'));
  const lockOf = (key: string): string => join(locks, createHash('sha256').update(key).digest('hex').slice(0, 40));

  let prepared: Promise<void> | undefined;
  const prepare = async (): Promise<void> => {
    await mkdir(drafts, { recursive: true });
    await mkdir(locks, { recursive: true });
    await sweep(drafts);
  };
  const ready = async (): Promise<void> => {
    prepared ??= prepare();
    await prepared.catch((error: unknown) => {
      prepared = undefined;
      throw error;
    });
  };

  const draftOf = async (draft: string, body: Uint8Array | string): Promise<BigIntStats> => {
    await ready();
    try {
      return await writeDraft(draft, body, durable);
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') throw error;
      // Somebody removed the whole folder while we ran: make it anew.
      prepared = undefined;
      await ready();
      return await writeDraft(draft, body, durable);
    }
  };

  const putFile = async (key: string, body: Uint8Array | string, wish: PutOptions): Promise<Written> => {
    const path = pathOf(key);
    const draft = join(drafts, randomUUID());
    try {
      const stats = await draftOf(draft, body);
      if (wish.ifAbsent && wish.ifMatch === undefined) await placeIfAbsent(draft, path, key);
      else {
        await withLock(lockOf(key), async (stillMine) => {
          const current = wish.ifMatch === undefined && !wish.ifAbsent ? undefined : await statOf(path);
          if (wish.ifAbsent && current) throw conflict(key, 'it exists already');
          if (wish.ifMatch !== undefined) {
            if (!current) throw conflict(key, 'it is not there any more');
            if (etagOf(current) !== wish.ifMatch) throw conflict(key, 'somebody else wrote it first');
          }
          await stillMine();
          await inFolder(path, () => rename(draft, path));
        });
      }
      if (durable) await flushFolder(dirname(path));
      const { modifiedAt: _, ...written } = describe(key, stats);
      return written;
    } finally {
      await unlink(draft).catch(() => undefined);
    }
  };

  let known: Promise<Buffer> | undefined;
  const secret = (): Promise<Buffer> =>
    (known ??= urlSecret(root).catch((error: unknown) => {
      known = undefined;
      throw error;
    }));

  /** Runs file work; its failures become errors for people. */
  const guarded = async <T>(doing: string, key: string, work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw storageError(error, { doing, key, root });
    }
  };

  return {
    description: `fs:${root}`,
    put: (key, body, wish = {}) => guarded('writing', key, () => putFile(key, body, wish)),
    get: (key) =>
      guarded('reading', key, async () => {
        const file = await orMissing(open(pathOf(key), 'r'));
        if (!file) return undefined;
        try {
          const stats = await file.stat({ bigint: true });
          return stats.isFile() ? { ...describe(key, stats), body: await file.readFile() } : undefined;
        } finally {
          await file.close();
        }
      }),
    getStream: (key, { start = 0, end } = {}) =>
      guarded('reading', key, async () => {
        const file = await orMissing(open(pathOf(key), 'r'));
        if (!file) return undefined;
        try {
          const stats = await file.stat({ bigint: true });
          // The open file stays the version it was: a put renames another one into its place.
          if (stats.isFile()) {
            if (start > 0 && start >= Number(stats.size)) throw shorter(key);
            return {
              ...describe(key, stats),
              body: file.createReadStream({ start, ...(end !== undefined && { end }) }),
            };
          }
        } catch (error) {
          await file.close();
          throw error;
        }
        await file.close();
        return undefined;
      }),
    head: (key) =>
      guarded('reading', key, async () => {
        const stats = await statOf(pathOf(key));
        return stats && describe(key, stats);
      }),
    async *folders(prefix) {
      checkFolder(prefix);
      try {
        yield* foldersIn(root, prefix);
      } catch (error) {
        throw storageError(error, { doing: 'listing', key: prefix, root });
      }
    },
    async *list(prefix) {
      checkPrefix(prefix);
      try {
        for await (const { key, stats } of walk(root, prefix)) yield describe(key, stats);
      } catch (error) {
        throw storageError(error, { doing: 'listing', key: prefix, root });
      }
    },
    delete: (key) =>
      guarded('deleting', key, async () => {
        const path = pathOf(key);
        if (!(await statOf(path))) return;
        await ready();
        await withLock(lockOf(key), async () => {
          await orMissing(unlink(path));
          await pruneEmpty(root, dirname(path));
        });
      }),
    signedUrl: (key, { expiresInSeconds }) =>
      guarded('signing', key, async () => {
        const file = pathToFileURL(pathOf(key)).href;
        const expiresAt = Date.now() + checkExpiry(expiresInSeconds) * 1000;
        return publicUrl === undefined ? file : signUrl(key, { base: publicUrl, expiresAt, secret: await secret() });
      }),
    verifyUrl: (ask) => guarded('reading', ask.key, async () => verifyUrl({ ...ask, secret: await secret() })),
    async remains(prefixes) {
      for (const prefix of prefixes) await guarded('clearing', prefix, () => clearFolders(root, checkPrefix(prefix)));
      return guarded('listing', drafts, () => brokenOff(drafts));
    },
  };
}

async function writeDraft(path: string, body: Uint8Array | string, durable: boolean): Promise<BigIntStats> {
  const file = await open(path, 'wx');
  try {
    await file.writeFile(body);
    // File systems tick in milliseconds and reuse inodes: a random fraction keeps the etags of two quick writes apart.
    const now = Date.now() / 1000 + Math.random() / 1000;
    await file.utimes(now, now);
    if (durable) await file.sync();
    return await file.stat({ bigint: true });
  } finally {
    await file.close();
  }
}

/** A hard link appears whole and only if the name is free: the one atomic create that needs no lock. */
async function placeIfAbsent(draft: string, path: string, key: string): Promise<void> {
  try {
    await inFolder(path, () => link(draft, path));
  } catch (error) {
    if (codeOf(error) === 'EEXIST') throw conflict(key, 'it exists already');
    throw error;
  }
}

/** Makes the folder and repeats: a delete next door may remove an empty folder in between. */
async function inFolder(path: string, place: () => Promise<void>): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      await place();
      return;
    } catch (error) {
      if (codeOf(error) !== 'ENOENT' || tries === 10) throw error;
      await mkdir(dirname(path), { recursive: true });
    }
  }
}

async function flushFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

async function pruneEmpty(root: string, folder: string): Promise<void> {
  let at = folder;
  while (at !== root && !relative(root, at).startsWith('..' + sep)) {
    try {
      await rmdir(at);
    } catch {
      return;
    }
    at = dirname(at);
  }
}

async function sweep(drafts: string): Promise<void> {
  for (const name of await readdir(drafts)) {
    const path = join(drafts, name);
    const found = await orMissing(stat(path));
    if (found && Date.now() - found.mtimeMs > LEFTOVER_MS) await orMissing(unlink(path));
  }
}

async function statOf(path: string): Promise<BigIntStats | undefined> {
  const found = await orMissing(stat(path, { bigint: true }));
  return found?.isFile() ? found : undefined;
}

async function orMissing<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

const etagOf = (stats: BigIntStats): string => `${stats.ino}-${stats.mtimeNs}-${stats.size}`;

const describe = (key: string, stats: BigIntStats): StoredObject => ({
  key,
  size: Number(stats.size),
  etag: etagOf(stats),
  modifiedAt: Number(stats.mtimeMs),
});

const shorter = (key: string): CullError =>
  new CullError('STORAGE_CONFLICT', `${key} was written anew or deleted while it was read`, { hint: 'read it again' });

const conflict = (key: string, why: string): CullError =>
  new CullError('STORAGE_CONFLICT', `${key} was not written: ${why}`, { hint: 'read it again and decide anew' });
