import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { embeddedTarget } from '../../client/temporal.js';
import { Queues } from '../../fleet/queues.js';
import { openStorage } from '../../storage/index.js';
import { keys } from '../../storage/keys.js';
import { createLog } from '../../telemetry/log.js';
import type { QueueDoc } from '../../workflows/contract.js';
import { temporalAddress } from '../support/temporal-address.js';

test('a queue that another worker announced is found, and counts until its first candidate begins', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'cull-queues-'));
  const storage = openStorage(dir);
  const target = embeddedTarget(temporalAddress);
  const log = createLog({ level: 'silent', name: 'test' });
  const queues = new Queues({ storage, target, log, coldAfterMs: 1_000 });
  const over = new AbortController();
  const looking = queues.run(over.signal);
  const fact = { slots: 2, queue: null, loaded: null, pool: 'facts', isIdle: true };
  queues.tell('own', { host: 'own', ...fact });
  const seen = new Promise<void>((resolve) => {
    queues.watch(() => {
      if (queues.facts('facts').queues.some(({ announced }) => announced === 24)) resolve();
    });
  });
  const queue = 'cull-gpu-facts.0123456789ab';
  const at = new Date().toISOString();
  const doc: QueueDoc = { queue, pool: 'facts', models: ['a'], warmUp: null, candidates: 24, at };
  await storage.put(keys.queue(queue), JSON.stringify(doc));
  const other = { host: 'other', url: 'http://o', pool: 'facts', state: 'serving', reason: null, queue, slots: 3, at };
  await storage.put(keys.host('other'), JSON.stringify(other));
  await seen;
  queues.began(queue);
  expect(queues.facts('facts').queues.map(({ announced }) => announced)).toEqual([0, 0]);
  expect(queues.facts('elsewhere')).toMatchObject({ hosts: [], queues: [] });
  await new Promise<void>((resolve) => {
    queues.watch(() => {
      if (queues.facts('facts').hosts.length === 2) resolve();
    });
  });
  expect(queues.facts('facts').hosts).toContainEqual({ host: 'other', queue, loaded: null, slots: 3 });
  over.abort();
  await looking;
  await rm(dir, { recursive: true });
});
