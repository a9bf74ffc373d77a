/** `drift` as its users run it, on finished requests in storage; no server. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, beforeAll, describe, expect, test } from 'vitest';
import type { DriftDocument } from '../../cli/commands/drift.js';
import { createFsStorage, type Storage } from '../../storage/index.js';
import { policyOf, threshold } from '../selection/samples.js';
import { runCli } from '../support/cli.js';
import { storeRequest } from '../support/stored-requests.js';

const policy = policyOf([threshold({ dimension: 'noise.sigma', on: 'raw', accept: { max: 8 } })]);
const ago = (days: number): string => new Date(Date.now() - days * 86_400_000).toISOString();
let dir: string;
let storage: Storage;
let env: Record<string, string>;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'cull-drift-'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));
beforeEach(() => {
  const root = join(dir, crypto.randomUUID());
  storage = createFsStorage({ root });
  env = { CULL_STORAGE: root };
});

/** Twenty requests of two candidates, whose noise goes from `from` up by 0.1 a candidate. */
async function store(name: string, days: number, from: number): Promise<void> {
  for (let i = 0; i < 20; i++) {
    const scores = [0, 1].map((n) => ({
      // of one request and yet not alike
      'noise.sigma': {
        status: 'ok' as const,
        raw: from + (n === 0 ? i : 19 - i) * 0.1,
        quality: 50,
        scorer: 'noise@1.0.0',
      },
    }));
    await storeRequest(storage, { request: `${name}-${i}`, createdAt: ago(days), policy, deliver: 1, scores });
  }
}
const drift = (...args: string[]) => runCli(['drift', ...args], { env, cwd: dir });

describe('drift', () => {
  test('says what is not as it was, in words and as JSON, and exits with 3', async () => {
    await store('old', 20, 6.5);
    await store('new', 1, 7.5);
    await store('older', 60, 100);
    const run = await drift('--json');
    expect(run.code).toBe(3);
    const document = JSON.parse(run.stdout) as DriftDocument;
    expect(document).toMatchObject({ drifted: true, level: 0.05, unreadable: 0 });
    expect(document.releases).toMatchObject([{ requests: { reference: 20, recent: 20 } }]);
    expect(document.releases[0]?.tests.filter((one) => one.drifted).map(({ what }) => what)).toEqual([
      'pass',
      'gate',
      'score',
    ]);
    const words = await drift();
    expect(words.code).toBe(3);
    expect(words.stdout).toContain('3 of 4 have drifted');
    expect(words.stdout).toMatch(/rejected by noise\.sigma: 20 % -> 70 % \(corrected p /);
    expect(words.stdout).toMatch(/noise\.sigma: median 7\.45 -> median 8\.45, distance 0\.5/);
  });

  test('is quiet where nothing has changed', async () => {
    await store('old', 20, 6.5);
    await store('new', 1, 6.5);
    const run = await drift();
    expect([run.code, run.stderr]).toEqual([0, '']);
    expect(run.stdout).toContain('nothing of 4 has drifted');
  });

  test('says so where there is nothing to compare, and refuses periods that overlap', async () => {
    await store('new', 1, 6.5);
    const nothing = await drift();
    expect([nothing.code, nothing.stdout]).toEqual([1, '']);
    expect(nothing.stderr).toMatch(/REQUEST_NOT_FOUND/);
    const overlap = await drift('--since', '7d', '--reference', '30d..2d');
    expect(overlap.code).toBe(2);
    expect(overlap.stderr).toMatch(/USAGE: the reference ends/);
    for (const wrong of ['7d', '7d..30d', '30d..7d..1d', 'then..now'])
      expect((await drift('--reference', wrong)).code).toBe(2);
  });
});
