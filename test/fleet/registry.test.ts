import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { addComfy, drainComfy, readFleet, removeComfy } from '../../fleet/registry.js';
import { openStorage } from '../../storage/index.js';
import { keys } from '../../storage/keys.js';
import type { Storage } from '../../storage/storage.js';

let dir: string;
let storage: Storage;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'cull-registry-'));
  storage = openStorage(dir);
});
afterEach(() => rm(dir, { recursive: true }));

const states = async () =>
  Object.fromEntries(Object.entries((await readFleet(storage)).hosts).map(([id, { state }]) => [id, state]));

test('add, drain, add again, remove', async () => {
  expect(await addComfy(storage, { url: 'http://a:1', pool: 'big' })).toMatchObject({ id: 'a-1', pool: 'big' });
  await drainComfy(storage, 'a-1');
  expect(await readFleet(storage)).toMatchObject({ hosts: { 'a-1': { spec: { pool: 'big' }, state: 'drained' } } });
  await addComfy(storage, { url: 'http://a:1' });
  expect(await states()).toEqual({ 'a-1': 'active' });
  await removeComfy(storage, 'a-1');
  expect(await states()).toEqual({ 'a-1': 'removed' });
});

test('many who change it at once all succeed', async () => {
  const ports = Array.from({ length: 12 }, (_, at) => at + 1);
  await Promise.all(ports.map((port) => addComfy(openStorage(dir), { url: `http://a:${port}` })));
  expect(Object.keys(await states())).toHaveLength(12);
});

test('one that only a worker knows can be drained; one that nobody knows cannot, and the error names the known', async () => {
  await storage.put(keys.host('env-1'), JSON.stringify({ host: 'env-1' }));
  await drainComfy(storage, 'env-1');
  expect(await states()).toEqual({ 'env-1': 'drained' });
  const refusal = expect.objectContaining({
    code: 'HOST_NOT_FOUND',
    hint: expect.stringContaining('env-1') as string,
  }) as Error;
  await expect(drainComfy(storage, 'env-2')).rejects.toThrow(refusal);
  await expect(removeComfy(storage, 'env-2')).rejects.toThrow(refusal);
});
