import { randomUUID } from 'node:crypto';
import { link, readFile, rename, stat, unlink, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { setTimeout as wait } from 'node:timers/promises';
import { CullError } from '../errors.js';
import { codeOf } from './fs-errors.js';

/** A lock guards a few system calls, never a transfer: one this old belongs to nobody any more. */
const STALE_MS = 30_000;
const GIVE_UP_MS = 60_000;

interface Owner {
  token: string;
  pid: number;
  host: string;
}

/** Tokens of this process: a lock with our pid that is not among them is from an earlier life with the same pid (containers). */
const mine = new Set<string>();
const queues = new Map<string, Promise<unknown>>();

/**
 * Runs `work` while holding the lock file `path`: first a queue within this process, then a file between processes.
 * `work` gets a function that throws if the lock was lost meanwhile (a suspended machine); call it just before the write.
 *
 * @throws CullError STORAGE_CONFLICT if a living process does not let go for 60 s
 */
export async function withLock<T>(path: string, work: (stillMine: () => Promise<void>) => Promise<T>): Promise<T> {
  const before = queues.get(path) ?? Promise.resolve();
  const turn = before.catch(() => undefined).then(() => holding(path, work));
  queues.set(path, turn);
  try {
    return await turn;
  } finally {
    if (queues.get(path) === turn) queues.delete(path);
  }
}

async function holding<T>(path: string, work: (stillMine: () => Promise<void>) => Promise<T>): Promise<T> {
  const owner: Owner = { token: randomUUID(), pid: process.pid, host: hostname() };
  mine.add(owner.token);
  try {
    await acquire(path, owner);
    try {
      return await work(async () => {
        if ((await readOwner(path))?.token !== owner.token) throw lost(path);
      });
    } finally {
      if ((await readOwner(path))?.token === owner.token) await unlink(path).catch(() => undefined);
    }
  } finally {
    mine.delete(owner.token);
  }
}

async function acquire(path: string, owner: Owner): Promise<void> {
  const giveUpAt = Date.now() + GIVE_UP_MS;
  for (let tries = 0; ; tries++) {
    if (await createWhole(path, JSON.stringify(owner), owner.token)) return;
    if (await isStale(path)) await removeStale(path);
    else if (Date.now() > giveUpAt) {
      throw new CullError('STORAGE_CONFLICT', `the lock ${path} is held by another process`, {
        hint: 'if no other Cull process runs, delete the file',
      });
    } else await wait(Math.min(50, 2 + tries) * (0.5 + Math.random()));
  }
}

/** Creates the lock with its content in one step, so that nobody reads a lock without an owner. */
async function createWhole(path: string, content: string, token: string): Promise<boolean> {
  const draft = `${path}.${token}`;
  await writeFile(draft, content);
  try {
    await link(draft, path);
    return true;
  } catch (error) {
    const code = codeOf(error);
    if (code === 'EEXIST') return false;
    // No hard links on this file system: an exclusive create is nearly as good.
    if (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'ENOSYS' && code !== 'EMLINK') throw error;
    return await writeFile(path, content, { flag: 'wx' }).then(
      () => true,
      (e: unknown) => {
        if (codeOf(e) === 'EEXIST') return false;
        throw e;
      },
    );
  } finally {
    await unlink(draft).catch(() => undefined);
  }
}

async function isStale(path: string): Promise<boolean> {
  const [owner, age] = await Promise.all([readOwner(path), ageOf(path)]);
  if (age === undefined) return false;
  if (age > STALE_MS) return true;
  if (owner === undefined || owner.host !== hostname()) return false;
  if (owner.pid === process.pid) return !mine.has(owner.token);
  return !isAlive(owner.pid);
}

/**
 * Removing needs a lock of its own: without it, two who both saw the stale lock would remove it twice, the second time
 * the new owner's.
 */
async function removeStale(path: string): Promise<void> {
  const broom = `${path}.broom`;
  const token = randomUUID();
  if (await createWhole(broom, token, token)) {
    try {
      if (await isStale(path)) await unlink(path).catch(() => undefined);
    } finally {
      await unlink(broom).catch(() => undefined);
    }
    return;
  }
  // Whoever swept died with the broom in hand.
  if (((await ageOf(broom)) ?? 0) > STALE_MS) {
    await rename(broom, `${broom}.${token}`).catch(() => undefined);
    await unlink(`${broom}.${token}`).catch(() => undefined);
  } else await wait(5);
}

async function readOwner(path: string): Promise<Owner | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Owner;
  } catch {
    return undefined;
  }
}

async function ageOf(path: string): Promise<number | undefined> {
  const found = await stat(path).catch(() => undefined);
  return found && Date.now() - found.mtimeMs;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
}

const lost = (path: string): CullError =>
  new CullError('STORAGE_CONFLICT', `the lock ${path} was taken over while this process stood still`, {
    hint: 'try again',
  });
