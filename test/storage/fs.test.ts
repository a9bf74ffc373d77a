import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { storageError } from '../../storage/fs-errors.js';
import { createFsStorage, openStorage } from '../../storage/index.js';
import { storageConformance } from './conformance.js';

const made: string[] = [];
const tempRoot = async (): Promise<string> => {
  const root = await mkdtemp(join(tmpdir(), 'cull-storage-'));
  made.push(root);
  return root;
};
afterAll(() => Promise.all(made.map((root) => rm(root, { recursive: true, force: true }))));

storageConformance({ name: 'fs', open: async () => createFsStorage({ root: await tempRoot() }) });
storageConformance({
  name: 'fs, durable',
  open: async () => createFsStorage({ root: await tempRoot(), durable: true }),
});

const contender = fileURLToPath(new URL('contender.ts', import.meta.url));

/** Starts a process that waits for a line, then tries its put; resolves to a function that gives the line and the outcome. */
async function startContender(args: string[]): Promise<() => Promise<string>> {
  const child = spawn(process.execPath, ['--import', 'tsx', contender, ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let said = '';
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  await new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    child.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      if (said.includes('ready')) resolve();
    });
  });
  return async () => {
    child.stdin.end('go\n');
    await ended;
    return said.replace('ready', '').trim();
  };
}

describe('fs storage', () => {
  it('has one winner between processes, for ifAbsent and for ifMatch', async () => {
    const root = await tempRoot();
    const storage = createFsStorage({ root });
    const { etag } = await storage.put('swap', 'first');
    const starts = await Promise.all(Array.from({ length: 4 }, (_, i) => startContender([root, etag, String(i)])));
    const said = await Promise.all(starts.map((go) => go()));
    const results = said.map((line) => JSON.parse(line) as { absent: string; match: string });
    expect(results.map((one) => one.absent).sort()).toEqual([
      'STORAGE_CONFLICT',
      'STORAGE_CONFLICT',
      'STORAGE_CONFLICT',
      'won',
    ]);
    expect(results.map((one) => one.match).sort()).toEqual([
      'STORAGE_CONFLICT',
      'STORAGE_CONFLICT',
      'STORAGE_CONFLICT',
      'won',
    ]);
  });

  it('takes over the lock of a process that died, and waits for nobody else', async () => {
    const root = await tempRoot();
    const storage = createFsStorage({ root });
    await storage.put('a', '1');
    const locks = join(root, '.cull-storage', 'locks');
    expect(await readdir(locks)).toEqual([]);
    const dead = spawn(process.execPath, ['-e', '']);
    await new Promise((resolve) => dead.once('close', resolve));
    // sha256('a')
    const lock = join(locks, 'ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb'.slice(0, 40));
    for (const owner of [
      { pid: dead.pid, host: hostname(), token: 'x' },
      { pid: process.pid, host: hostname(), token: 'of an earlier life' },
    ]) {
      await writeFile(lock, JSON.stringify(owner));
      await storage.put('a', '2');
      expect(await readdir(locks)).toEqual([]);
    }
    await writeFile(lock, JSON.stringify({ pid: 1, host: 'elsewhere', token: 'x' }));
    await utimes(lock, 1, 1);
    await storage.put('a', '3');
    expect((await storage.get('a'))?.body.toString()).toBe('3');
  });

  it('gives every write an etag of its own, the same content too', async () => {
    const storage = createFsStorage({ root: await tempRoot() });
    const etags = new Set<string>();
    for (let i = 0; i < 50; i++) etags.add((await storage.put('a', 'same')).etag);
    expect(etags.size).toBe(50);
  });

  it('keeps its drafts and locks out of every list and get', async () => {
    const root = await tempRoot();
    const storage = createFsStorage({ root });
    await storage.put('a', '1');
    await writeFile(join(root, '.cull-storage', 'tmp', 'left-over'), 'x');
    for await (const object of storage.list('')) expect(object.key).toBe('a');
    for await (const object of storage.list('.cull')) expect(object.key).toBe('nothing');
    await expect(storage.get('.cull-storage/tmp/left-over')).rejects.toMatchObject({ code: 'STORAGE_KEY_INVALID' });
  });

  it('removes drafts that a crash left long ago', async () => {
    const root = await tempRoot();
    const drafts = join(root, '.cull-storage', 'tmp');
    await mkdir(drafts, { recursive: true });
    await writeFile(join(drafts, 'old'), 'x');
    await utimes(join(drafts, 'old'), 1, 1);
    await writeFile(join(drafts, 'of a put that runs'), 'x');
    await createFsStorage({ root }).put('a', '1');
    expect(await readdir(drafts)).toEqual(['of a put that runs']);
  });

  it('leaves nothing behind when a put fails', async () => {
    const root = await tempRoot();
    const storage = createFsStorage({ root });
    await storage.put('a/b', '1');
    await expect(storage.put('a', '1')).rejects.toMatchObject({ code: 'STORAGE_UNWRITABLE' });
    await expect(storage.put('a/b/c', '1')).rejects.toMatchObject({ code: 'STORAGE_UNWRITABLE' });
    await expect(storage.put('a/b', '1', { ifAbsent: true })).rejects.toMatchObject({ code: 'STORAGE_CONFLICT' });
    expect(await readdir(join(root, '.cull-storage', 'tmp'))).toEqual([]);
    expect(await readdir(join(root, '.cull-storage', 'locks'))).toEqual([]);
  });

  it('says what is wrong with a root that cannot be a folder, and works once it can', async () => {
    const root = join(await tempRoot(), 'root');
    await writeFile(root, 'a file');
    const storage = createFsStorage({ root });
    await expect(storage.put('a', '1')).rejects.toMatchObject({
      code: 'STORAGE_UNWRITABLE',
      hint: expect.stringContaining('file stands where a folder is needed') as string,
    });
    await rm(root);
    await mkdir(root);
    await storage.put('a', '1');
    await rm(root, { recursive: true });
    await storage.put('a', '1');
    expect((await storage.get('a'))?.body.toString()).toBe('1');
  });

  it.each([
    ['ENOSPC', 'STORAGE_FULL', 'free space'],
    ['EDQUOT', 'STORAGE_FULL', 'free space'],
    ['EACCES', 'STORAGE_UNWRITABLE', 'access'],
    ['EROFS', 'STORAGE_UNWRITABLE', 'read-only'],
    ['EIO', 'STORAGE_UNWRITABLE', 'check the disk'],
  ])('%s is %s', (code, expected, hint) => {
    const error = storageError(Object.assign(new Error(code), { code }), { doing: 'writing', key: 'a', root: '/data' });
    expect(error.code).toBe(expected);
    expect(error.hint).toContain(hint);
    expect(error.message).toContain('writing a in /data');
  });
});

describe('openStorage', () => {
  it('opens folders by scheme or by path', async () => {
    const root = await tempRoot();
    await openStorage(`fs:${root}`).put('a', '1');
    expect((await openStorage(root).get('a'))?.body.toString()).toBe('1');
    expect(openStorage(`fs:${root}`).description).toBe(`fs:${root}`);
  });

  it('opens buckets, with and without a prefix', () => {
    for (const where of ['s3://bucket', 's3://bucket/', 's3://bucket/a/b', 's3://bucket/a/b/'])
      expect(openStorage(where).description).toBe(where.replace(/\/$/, ''));
    expect(() => openStorage('s3://bucket/a/../b')).toThrow(
      expect.objectContaining({ code: 'STORAGE_KEY_INVALID' }) as Error,
    );
  });

  it.each([
    ['s3:bucket', 'CONFIG_INVALID'],
    ['s3://', 'CONFIG_INVALID'],
    ['gs://bucket', 'CONFIG_INVALID'],
    ['fs:', 'CONFIG_INVALID'],
    ['', 'CONFIG_INVALID'],
  ])('%s: %s', (spec, code) => {
    expect(() => openStorage(spec)).toThrow(expect.objectContaining({ code }) as Error);
  });
});
