import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openStorage } from '../../storage/index.js';
import type { Storage } from '../../storage/storage.js';
import { updateJson } from '../../storage/update.js';

let dir: string;
let storage: Storage;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'cull-update-'));
  storage = openStorage(dir);
});
afterAll(() => rm(dir, { recursive: true, force: true }));

const countUp = (doc: { count: number } | undefined) => ({ count: (doc?.count ?? 0) + 1 });
const read = async (key: string): Promise<unknown> => JSON.parse(String((await storage.get(key))?.body));

test('makes the document, then changes it', async () => {
  await updateJson(storage, '_registry/a.json', countUp);
  await updateJson(storage, '_registry/a.json', countUp);
  expect(await read('_registry/a.json')).toEqual({ count: 2 });
});

test('loses nothing when several change it at once', async () => {
  await Promise.all(Array.from({ length: 8 }, () => updateJson(storage, '_registry/b.json', countUp)));
  expect(await read('_registry/b.json')).toEqual({ count: 8 });
});

test('leaves it where there is nothing to change', async () => {
  await updateJson(storage, '_registry/c.json', () => undefined);
  expect(await storage.get('_registry/c.json')).toBeUndefined();
});
