/** `replay` and `export` as their users run them, on finished requests in storage; no server. */
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } from 'hyparquet';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { ReplayLine, ReplaySummary } from '../../cli/commands/replay.js';
import { builtInScorers, dimensionsOf } from '../../scorers/registry.js';
import { parsePolicy } from '../../selection/policy-file.js';
import type { Policy, Scores } from '../../selection/types.js';
import { createFsStorage, keys, type Storage } from '../../storage/index.js';
import { runCli } from '../support/cli.js';
import { storeRequest } from '../support/stored-requests.js';

const SHARP = 'sharpness.tileP90';
const scorer = (id: string): string => `${id}@${builtInScorers.find(({ spec }) => spec.id === id)?.spec.version ?? ''}`;
const sharpAtLeast = (min: number): string =>
  `policy: sharp\ngates: { generic: { ${SHARP}: { quality: { min: ${min} } } } }\n`;
const policyOf = (text: string): Policy => parsePolicy(text, { file: 'p', dimensions: dimensionsOf(builtInScorers) });
const sharp = (...qualities: number[]): Scores[] =>
  qualities.map((quality) => ({
    [SHARP]: { status: 'ok', raw: quality / 10, quality, scorer: scorer('sharpness') },
    'noise.sigma': { status: 'unassessable', reason: 'too-small', scorer: scorer('noise') },
  }));
const ago = (days: number): string => new Date(Date.now() - days * 86_400_000).toISOString();

let dir: string;
let storage: Storage;
let env: Record<string, string>;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'cull-replay-'));
  await writeFile(join(dir, 'strict.yaml'), sharpAtLeast(60));
});
afterAll(() => rm(dir, { recursive: true, force: true }));
beforeEach(() => {
  const root = join(dir, crypto.randomUUID());
  storage = createFsStorage({ root });
  env = { CULL_STORAGE: root, CULL_MODELS: join(dir, 'models') };
});

const old = policyOf(sharpAtLeast(40));
const store = (request: string, scores: readonly (Scores | null)[], more: object = {}) =>
  storeRequest(storage, { request, createdAt: ago(1), policy: old, deliver: 2, scores, ...more });
const cli = (...args: string[]) => runCli(args, { env, cwd: dir });
const strictly = (...args: string[]) => cli('replay', '--policy', 'strict.yaml', ...args);

function linesOf(stdout: string): { lines: ReplayLine[]; summary: ReplaySummary } {
  const documents = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as ReplayLine | { summary: ReplaySummary });
  const last = documents.pop() as { summary: ReplaySummary };
  return { lines: documents as ReplayLine[], summary: last.summary };
}

describe('replay', () => {
  test('--json gives a line a request, the newest first, and the sum of them', async () => {
    await store('older', sharp(90, 50, 61), { createdAt: ago(3), cap: 10 });
    await store('newer', [...sharp(90, 59), null]);
    await store('failed', sharp(90), { state: 'failed' });
    const run = await strictly('--json');
    expect([run.code, run.stderr]).toEqual([0, '']);
    const { lines, summary } = linesOf(run.stdout);
    expect(lines).toMatchObject([
      { request: 'newer', wanted: 2, before: { delivered: [0, 1] }, after: { delivered: [0], missing: 1 }, left: [1] },
      { request: 'older', before: { delivered: [0, 2] }, after: { delivered: [0, 2], missing: 0 }, flips: 1 },
    ]);
    expect(summary).toMatchObject({
      policy: 'sharp',
      requests: { replayed: 2, changed: 1, refused: 0 },
      candidates: 5,
      delivered: { before: 4, after: 3, entered: 0, left: 1 },
      shortfalls: { before: 0, after: 1, wouldDrawOn: 0 },
      gates: { [SHARP]: { before: 0, after: 2 } },
      notTaken: { candidates: 0 },
      judgedBy: { sharp: 2 },
      leftOut: 1,
      disagreements: {
        count: 2,
        nearest: [
          { request: 'newer', candidate: 1 },
          { request: 'older', candidate: 1 },
        ],
      },
    });
  });

  test('says who would have drawn on: who stopped as enough passed, and neither all N nor at deadline or cap', async () => {
    const quota = { mode: 'quota' as const };
    const drawsOn = async (request: string, more: object, scores = sharp(90, 59)): Promise<number> => {
      await store(request, scores, { stopping: quota, cap: 8, ...more });
      const { lines, summary } = linesOf((await strictly('--json', '--tenant', 'default')).stdout);
      expect(lines.at(-1)).toMatchObject({ after: { missing: 1 } });
      await storage.delete(keys.index('default', ago(1).slice(0, 10), request));
      return summary.shortfalls.wouldDrawOn;
    };
    expect(await drawsOn('enough', {})).toBe(1);
    expect(await drawsOn('all-n', { stopping: undefined })).toBe(0);
    expect(await drawsOn('at-cap', { cap: 2 })).toBe(0);
    expect(await drawsOn('deadline', { reason: 'deadline' }, sharp(90, 30))).toBe(0);

    // after the K-th a bound may have stopped it, and nothing was missing; it took 1 s, and two candidates cost 1,800
    const value = (bounds: object) => ({ stopping: { mode: 'value', ...bounds } });
    const cost = { microUsd: 1_800, perDeliveredMicroUsd: 900 };
    expect(await drawsOn('worth-no-more', value({ deadlineMs: 5_000 }))).toBe(1);
    expect(await drawsOn('value-deadline', value({ deadlineMs: 1_000 }))).toBe(0);
    expect(await drawsOn('value-paid', { ...value({ budgetMicroUsd: 2_700 }), cost })).toBe(1);
    expect(await drawsOn('value-budget', { ...value({ budgetMicroUsd: 2_600 }), cost })).toBe(0);

    await store('cancelled', [...sharp(90, 59), null], { stopping: quota });
    const key = keys.manifest('default', 'cancelled');
    const text = (await storage.get(key))?.body.toString('utf8') ?? '';
    await storage.put(key, text.replace('"state":"lost"', '"state":"cancelled"'));
    expect(linesOf((await strictly('--json')).stdout).summary.shortfalls.wouldDrawOn).toBe(1);
  });

  test('in words: a table, and what to look at first', async () => {
    await store('r1', sharp(90, 59, 30));
    const { stdout } = await strictly();
    expect(stdout).toMatch(/delivered +2 +1 +-1\n/);
    expect(stdout).toMatch(new RegExp(`rejected by +before +after\n +${SHARP} +1 +2 +\\+1\n`));
    expect(stdout).toMatch(/1 verdict turns[^]*r1\/1 {2}passed, would be rejected, 1\.0 % from the threshold\n +.*59/);
    expect(stdout).toContain('Every score that the policy reads was taken');
  });

  test('says how much rests on scores that were not taken', async () => {
    await writeFile(
      join(dir, 'noise.yaml'),
      'policy: noise\ngates: { generic: { exposure.blackShare: { raw: { max: 0.5 } } } }\n',
    );
    await store('r1', sharp(90, 59));
    const run = await cli('replay', '--policy', 'noise.yaml');
    expect(run.stdout).toMatch(/2 candidates lack scores that the policy reads[^]*exposure\.blackShare +2\n/);
    expect(run.stdout).toMatch(/2 verdicts \(100\.0 %\) rest on them; delivered are 0 to 2, here counted as 0/);
  });

  test('counts minima by the groups of a request that varied an input, and judges each by its own value', async () => {
    const vary = { input: 'style', at: [], values: [{ value: 'studio' }, { value: 'office' }] };
    // studio, office, studio, office
    await store('looks', sharp(90, 80, 70, 60), { vary });
    await store('plain', sharp(90, 80));
    await writeFile(join(dir, 'looks.yaml'), `${sharpAtLeast(40)}minPerGroup: 1\n`);
    const both = linesOf((await cli('replay', '--policy', 'looks.yaml', '--json')).stdout);
    expect(both.lines).toMatchObject([{ request: 'looks', after: { delivered: [0, 1] } }]);
    expect(both.summary).toMatchObject({ requests: { replayed: 1 }, otherGroups: 1 });

    const rule = `{ rule: 'request.inputs.style != "office"', reason: no offices }`;
    const noOffice = `policy: sharp\ngates: { business: { studio: ${rule} } }\nrank: { ${SHARP}: 1 }\n`;
    await writeFile(join(dir, 'studio.yaml'), noOffice);
    const { lines } = linesOf((await cli('replay', '--policy', 'studio.yaml', '--json')).stdout);
    expect(lines.find(({ request }) => request === 'looks')).toMatchObject({ after: { passed: 2, delivered: [0, 2] } });
    await writeFile(join(dir, 'one-studio.yaml'), `${noOffice}minPerGroup: { studio: 1, office: 1 }\n`);
    const short = linesOf((await cli('replay', '--policy', 'one-studio.yaml', '--json')).stdout);
    expect(short.lines).toMatchObject([{ request: 'looks', after: { delivered: [0], missing: 1 } }]);

    const beach = await writeFile(join(dir, 'beach.yaml'), `${sharpAtLeast(40)}minPerGroup: { beach: 1 }\n`).then(() =>
      cli('replay', '--policy', 'beach.yaml'),
    );
    expect(beach.code).toBe(2);
    expect(beach.stderr).toMatch(/beach/);
  });

  test('tells from candidates that ran everything how many of those left out would pass', async () => {
    const both = policyOf(
      `policy: both\ngates: { generic: { ${SHARP}: { quality: { min: 60 } }, noise.sigma: { raw: { max: 5 } } } }\n`,
    );
    await writeFile(
      join(dir, 'looser.yaml'),
      `policy: looser\ngates: { generic: { ${SHARP}: { quality: { min: 40 } }, noise.sigma: { raw: { max: 5 } } } }\n`,
    );
    // all are of quality 50, and of four one is noisy
    const scores = Array.from({ length: 400 }, (_, i): Scores => ({
      [SHARP]: { status: 'ok', raw: 5, quality: 50, scorer: scorer('sharpness') },
      'noise.sigma': { status: 'ok', raw: i % 4 === 0 ? 9 : 1, quality: 50, scorer: scorer('noise') },
    }));
    const cascade = { order: ['sharpness', 'noise'], gated: 2, fullShare: 0.1 };
    await store('r1', scores, { policy: both, cascade });
    const looser = (...args: string[]) => cli('replay', '--policy', 'looser.yaml', ...args);
    const { summary } = linesOf((await looser('--json')).stdout);
    const { leftOut, estimate, gates } = summary.notTaken;
    const full = 400 - leftOut;
    expect(full).toBeGreaterThan(20);
    expect(gates).toEqual({ 'noise.sigma': leftOut });
    expect(estimate).toMatchObject({ candidates: full, confidence: 0.95 });
    expect(summary.passed.after).toBe(estimate?.passed);
    const truth = 300 - summary.passed.after;
    expect(truth).toBeGreaterThan((estimate?.low ?? 1) * leftOut);
    expect(truth).toBeLessThan((estimate?.high ?? 0) * leftOut);
    const { stdout } = await looser();
    expect(stdout).toMatch(new RegExp(`not asked:\\n +noise\\.sigma +${leftOut}\\n`));
    expect(stdout).toMatch(
      new RegExp(
        `Of ${full} candidates that ran everything[^]*So of the ${leftOut} that were left out about \\d+ would pass`,
      ),
    );
  });

  test('counts none of those left out twice where a gate lets pass what it cannot measure', async () => {
    const gates = (sharpness: number, onUnassessable: string): string =>
      `gates: { generic: { ${SHARP}: { quality: { min: ${sharpness} } }, noise.sigma: { raw: { max: 5 }, onUnassessable: ${onUnassessable} } } }`;
    await writeFile(join(dir, 'ignoring.yaml'), `policy: ignoring\n${gates(40, 'ignore')}\n`);
    const scores = Array.from({ length: 200 }, (_, i): Scores => ({
      [SHARP]: { status: 'ok', raw: 5, quality: 50, scorer: scorer('sharpness') },
      'noise.sigma': { status: 'ok', raw: i % 4 === 0 ? 9 : 1, quality: 50, scorer: scorer('noise') },
    }));
    const cascade = { order: ['sharpness', 'noise'], gated: 2, fullShare: 0.1 };
    await store('r1', scores, { policy: policyOf(`policy: both\n${gates(60, 'reject')}\n`), cascade });
    const { stdout } = await cli('replay', '--policy', 'ignoring.yaml');
    const [, about = '', low = '', high = '', counted = ''] =
      /candidates that pass would be about (\d+) \((\d+) to (\d+)\), not (\d+)/.exec(stdout) ?? [];
    // 150 of the 200 are not noisy, and nobody can have more than there are
    expect(Number(counted)).toBeGreaterThan(180);
    expect([150 - Number(low), Number(high) - 150, Number(high) - Number(about)].every((n) => n >= 0)).toBe(true);
    expect(Number(high)).toBeLessThanOrEqual(200);
  });

  test('refuses scores of another version by name, and compares the rest; none left is an error', async () => {
    const stale = sharp(90, 80).map((scores): Scores => ({
      [SHARP]: { status: 'ok', raw: 1, quality: 90, scorer: 'sharpness@0.0.1' },
      'noise.sigma': scores['noise.sigma'] ?? { status: 'notRun', scorer: '' },
    }));
    await store('stale', stale);
    const none = await strictly();
    expect(none.code).toBe(2);
    expect(none.stderr).toMatch(/SCORES_INCOMPARABLE.*sharpness\.tileP90.*sharpness@0\.0\.1/);
    await store('fresh', sharp(90, 80));
    const { lines, summary } = linesOf((await strictly('--json')).stdout);
    expect(lines.find(({ request }) => request === 'stale')?.refused).toMatchObject([{ was: 'sharpness@0.0.1' }]);
    expect(summary).toMatchObject({
      requests: { replayed: 1, refused: 1 },
      refused: [{ dimension: SHARP, is: scorer('sharpness'), requests: 1, candidates: 2 }],
    });
  });

  test('a broken line is named by its place, the rest goes on, and the exit code is 1', async () => {
    await store('r1', sharp(90, 59, 80));
    const key = keys.manifest('default', 'r1');
    const lines = (await storage.get(key))?.body.toString('utf8').split('\n') ?? [];
    lines[1] = lines[1]?.slice(0, 40) ?? '';
    await storage.put(key, [...lines.slice(0, 3), '{"candidate": 3}'].join('\n'));
    const run = await strictly('--json');
    expect(run.code).toBe(1);
    expect(run.stderr).toMatch(
      /manifest\.ndjson:2 cannot be read[^]*manifest\.ndjson:4 cannot be read: it is no record/,
    );
    expect(linesOf(run.stdout).summary).toMatchObject({ candidates: 2, unreadable: 2 });
  });

  test('--since, --release and --tenant choose; nothing left is an error that says what to try', async () => {
    await store('old', sharp(90), { createdAt: ago(9), release: `sha256:${'1'.repeat(64)}` });
    await store('other', sharp(90), { tenant: 'acme', release: `sha256:${'2'.repeat(64)}` });
    for (const args of [[], ['--since', '30d', '--release', '22'], ['--tenant', 'nobody']]) {
      const run = await strictly(...args);
      expect(run.code).toBe(1);
      expect(run.stderr).toMatch(/REQUEST_NOT_FOUND[^]*--since/);
    }
    for (const args of [
      ['--since', '30d', '--release', '11'],
      ['--tenant', 'acme', '--release', 'sha256:2222'],
    ])
      expect((await strictly(...args)).code).toBe(0);
  });

  test.each([
    [['--policy', 'missing.yaml'], /POLICY_INVALID.*missing\.yaml/],
    [['--policy', 'unknown.yaml'], /POLICY_UNKNOWN_DIMENSION[^]*sharpnes\.tileP90/],
    [['--policy', 'outside.yaml'], /outside\.yaml:2:\d+: min 140 is outside the possible 0 to 100 \(quality\)/],
    [['--policy', 'strict.yaml', '--since', 'yesterday'], /12h, 7d, 2w/],
    [['--policy', 'strict.yaml', '--since', '99999999999d'], /12h, 7d, 2w/],
    [['--policy', 'strict.yaml', '--since', '5'], /12h, 7d, 2w/],
    [['--policy', 'strict.yaml', '--since', '+012345-01-01'], /12h, 7d, 2w/],
    [['--policy', 'strict.yaml', '--release', 'main'], /sha256/],
    [['--policy', 'strict.yaml', '--tenant', '../x'], /REQUEST_INVALID.*tenant/],
    [[], /--policy/],
  ])('refuses %j', async (args, message) => {
    await writeFile(join(dir, 'unknown.yaml'), sharpAtLeast(40).replace('sharpness', 'sharpnes'));
    await writeFile(join(dir, 'outside.yaml'), sharpAtLeast(140));
    const run = await cli('replay', ...args);
    expect([run.code, run.stdout]).toEqual([2, '']);
    expect(run.stderr).toMatch(message);
  });
});

describe('export', () => {
  const rowsOf = async (path: string) => parquetReadObjects({ file: await asyncBufferFromFile(join(dir, path)) });

  test('--parquet writes one row a candidate, with each dimension that was measured', async () => {
    const models = { clip: 'f'.repeat(64) };
    const [first = {}, second = {}] = sharp(90, 30);
    const clip = { status: 'ok', raw: 1.5, quality: 70, scorer: 'alignment@1.0.0', models } as const;
    await store('r1', [{ ...first, 'alignment.margin': clip }, second, null]);
    await store('broken', sharp(90), { state: 'failed', createdAt: ago(2) });
    await store('long-ago', sharp(90), { createdAt: ago(30) });
    const run = await cli('export', '--parquet', 'out.parquet', '--json');
    expect([run.code, run.stderr]).toEqual([0, '']);
    expect(JSON.parse(run.stdout)).toMatchObject({ rows: 4, requests: 2, unreadable: 0 });
    const [failed, ...rows] = await rowsOf('out.parquet');
    expect(failed).toMatchObject({ request: 'broken', requestState: 'failed' });
    expect(rows).toHaveLength(3);
    expect(rows[0]).toMatchObject({
      request: 'r1',
      policy: 'sharp',
      candidate: 0,
      seed: 7n,
      state: 'delivered',
      pass: true,
      band: 'accept',
      failed: '',
      [`${SHARP}.status`]: 'ok',
      [`${SHARP}.raw`]: 9,
      [`${SHARP}.quality`]: 90,
      [`${SHARP}.scorer`]: scorer('sharpness'),
      'noise.sigma.status': 'unassessable',
      'noise.sigma.raw': null,
      'alignment.margin.models': JSON.stringify(models),
    });
    expect(rows[1]).toMatchObject({ pass: false, band: 'reject', failed: SHARP, 'alignment.margin.status': null });
    expect(rows[2]).toMatchObject({ state: 'lost', pass: null, [`${SHARP}.raw`]: null });
    expect(Object.keys(rows[0] ?? {})).not.toContain(`${SHARP}.models`);
  });

  test('many rows come in row groups, and not one is lost between them', async () => {
    for (const request of ['a', 'b', 'c']) await store(request, sharp(...Array.from({ length: 40 }, (_, i) => i)));
    const run = await cli('export', '--parquet', 'many.parquet', '--row-group', '50');
    expect([run.code, run.stdout]).toEqual([0, expect.stringMatching(/120 candidates of 3 requests/)]);
    const file = await asyncBufferFromFile(join(dir, 'many.parquet'));
    const { row_groups: groups } = await parquetMetadataAsync(file);
    expect(groups.map((group) => Number(group.num_rows))).toEqual([50, 50, 20]);
    const rows = await rowsOf('many.parquet');
    expect(new Set(rows.map(({ request, candidate }) => `${String(request)}/${String(candidate)}`)).size).toBe(120);
  });

  test('nothing to export, a broken line and a folder that is not there are said, and leave no half file', async () => {
    const none = await cli('export', '--parquet', 'none.parquet');
    expect(none.code).toBe(1);
    expect(none.stderr).toContain('REQUEST_NOT_FOUND');
    await store('r1', sharp(90, 30));
    const nowhere = await cli('export', '--parquet', 'no/such/folder/x.parquet');
    expect(nowhere.code).toBe(1);
    expect(nowhere.stderr).toContain('STORAGE_UNWRITABLE');
    await storage.put(keys.manifest('default', 'r1'), 'not a line\n');
    const broken = await cli('export', '--parquet', 'broken.parquet');
    expect(broken.code).toBe(1);
    expect(broken.stderr).toMatch(/manifest\.ndjson:1 cannot be read/);
    expect((await readdir(dir)).filter((name) => name.startsWith('none') || name.includes('.part'))).toEqual([]);
  });
});
