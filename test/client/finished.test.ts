import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { finishedRequests, type FinishedRequest } from '../../client/finished.js';
import { createFsStorage, keys, type Storage } from '../../storage/index.js';
import { ok, policyOf, threshold } from '../selection/samples.js';
import { storeRequest } from '../support/stored-requests.js';

const SHARP = 'sharpness.tileP90';
const createdAt = '2026-11-29T10:00:00.000Z';
let root: string;
let storage: Storage;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'cull-finished-'));
  storage = createFsStorage({ root });
});
afterEach(() => rm(root, { recursive: true, force: true }));

test.each([
  ['a score that is none', { scores: { [SHARP]: null } }],
  ['a score without a status', { scores: { [SHARP]: {} } }],
  ['a value that is no number', { scores: { [SHARP]: { ...ok(1), raw: '9' } } }],
  ['scores as a list', { scores: [] }],
  ['no seed', { seed: undefined }],
  ['half a candidate', { candidate: 1.5 }],
  ['no times', { timing: undefined }],
  ['a failed gate that is none', { verdict: { pass: false, band: 'reject', failed: [null] } }],
])('a line with %s is named with its place, and the others are read', async (_, damage) => {
  const policy = policyOf([threshold({ dimension: SHARP, accept: { min: 40 } })]);
  const scores = [{ [SHARP]: ok(0, 90) }, null];
  const records = await storeRequest(storage, { request: 'r1', createdAt, policy, deliver: 1, scores });
  const lines = [...records, { ...records[0], ...damage }].map((record) => JSON.stringify(record));
  await storage.put(keys.manifest('default', 'r1'), `${lines.join('\n')}\n`);
  const problems: string[] = [];
  const looking = { tenant: 'default', since: createdAt, onProblem: (problem: string) => problems.push(problem) };
  for await (const read of finishedRequests(storage, ['r1'], looking)) expect(read.records).toEqual(records);
  expect(problems).toEqual([expect.stringMatching(/manifest\.ndjson:3 cannot be read: it is no record/)]);
});

test.each([
  ['request.json', keys.request, 'null', 0],
  ['request.json', keys.request, '[]', 0],
  ['request.json', keys.request, '{"request":"r1","createdAt":7}', 0],
  ['result.json', keys.result, 'null', 0],
  ['result.json', keys.result, '"delivered"', 0],
  // as where it is not there
  ['plan.json', keys.plan, '3', 1],
  ['plan.json', keys.plan, '{"deliver":1,"candidates":2,"policy":{"gates":null}}', 1],
])('%s that is JSON and no such document is named', async (name, keyOf, text, found) => {
  const policy = policyOf([threshold({ dimension: SHARP, accept: { min: 40 } })]);
  await storeRequest(storage, { request: 'r1', createdAt, policy, deliver: 1, scores: [{ [SHARP]: ok(0, 90) }] });
  await storage.put(keyOf('default', 'r1'), text);
  const problems: string[] = [];
  const looking = { tenant: 'default', since: createdAt, onProblem: (problem: string) => problems.push(problem) };
  const read: FinishedRequest[] = [];
  for await (const one of finishedRequests(storage, ['r1'], looking)) read.push(one);
  expect(read.map(({ plan }) => plan)).toEqual(found === 0 ? [] : [undefined]);
  expect(problems).toEqual([expect.stringContaining(`${name} cannot be read: it is JSON, and not what Cull writes`)]);
});

test('a candidate that is there twice counts once, and the second line is named', async () => {
  const policy = policyOf([threshold({ dimension: SHARP, accept: { min: 40 } })]);
  const scores = [{ [SHARP]: ok(0, 90) }, { [SHARP]: ok(0, 10) }];
  const records = await storeRequest(storage, { request: 'r1', createdAt, policy, deliver: 1, scores });
  const lines = [...records, records[0]].map((record) => JSON.stringify(record));
  await storage.put(keys.manifest('default', 'r1'), `${lines.join('\n')}\n`);
  const problems: string[] = [];
  const looking = { tenant: 'default', since: createdAt, onProblem: (problem: string) => problems.push(problem) };
  for await (const read of finishedRequests(storage, ['r1'], looking)) expect(read.records).toEqual(records);
  expect(problems).toEqual([
    expect.stringMatching(/manifest\.ndjson:3 cannot be read: candidate 0 is there already, in line 1$/),
  ]);
});
