import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readRecords } from '../../client/documents.js';
import { openStorage } from '../../storage/index.js';
import { keys } from '../../storage/keys.js';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'cull-documents-'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

test('records are told from what else lies beside the candidates, and come in their order', async () => {
  const storage = openStorage(dir);
  const ref = { tenant: 'default', request: 'r1' };
  for (const candidate of [10_000, 2, 0])
    await storage.put(keys.record('default', 'r1', candidate), JSON.stringify({ candidate }));
  await storage.put(keys.varied('default', 'r1', 2), JSON.stringify({ vary: 1 }));
  await storage.put(keys.image('default', 'r1', 2), 'png');
  await storage.put(keys.file('default', 'r1', 2, { n: 1, extension: 'json' }), '{"made": "by a node"}');
  expect((await readRecords(storage, ref)).map(({ candidate }) => candidate)).toEqual([0, 2, 10_000]);
  expect(await readRecords(storage, { ...ref, request: 'r2' })).toEqual([]);
});
