import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { builtInScorers, versionsOf } from '../../scorers/registry.js';
import { runCli } from '../support/cli.js';

const A = `policy: a
gates:
  generic: { noise.sigma: { raw: { max: 8 } } }
  useCase: { eyes.open: { raw: { min: 0.04 }, onUnassessable: review } }
rank: { sharpness.tileP90: 1 }
`;
let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'cull-policy-'));
  await writeFile(join(dir, 'a.yaml'), A);
  await writeFile(join(dir, 'same.yaml'), `# the same\n${A.replace('{ max: 8 }', '{ max: 8.0 }')}`);
  await writeFile(join(dir, 'b.yaml'), A.replace('max: 8', 'max: 6.5'));
  await writeFile(join(dir, 'bad.yaml'), `${A}diversity: { lambda: 2 }\nminPerGroup: 0\n`);
});
afterAll(() => rm(dir, { recursive: true, force: true }));

const cull = (...args: string[]) => runCli(['policy', ...args], { cwd: dir, env: { CULL_DIR: join(dir, '.cull') } });
const json = async (...args: string[]) => JSON.parse((await cull(...args, '--json')).stdout) as Record<string, unknown>;

describe('policy', () => {
  test('check names every mistake of every file with its line and exits with 2', async () => {
    const run = await cull('check', 'a.yaml', 'bad.yaml', 'missing.yaml', '--json');
    expect(run.code).toBe(2);
    const [good, bad, missing] = run.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(good).toMatchObject({ file: 'a.yaml', ok: true, problems: [], notes: [] });
    expect(bad).toMatchObject({
      ok: false,
      code: 'POLICY_INVALID',
      problems: [
        {
          line: 6,
          column: 22,
          message: 'lambda 2 is outside the possible 0 to 1 (1: quality alone, 0: variety alone)',
        },
        { line: 7, column: 14, message: 'minPerGroup must be a whole number of at least 1, not 0' },
      ],
    });
    expect(missing).toMatchObject({ ok: false, problems: [{ line: null }] });

    const words = await cull('check', 'bad.yaml', 'a.yaml');
    expect(words.code).toBe(2);
    expect(words.stderr).toMatch(/bad\.yaml:6:22: lambda[^]*bad\.yaml:7:14: minPerGroup/);
    expect(words.stdout).toMatch(/^a\.yaml: ok, 2 gates, sha256:[0-9a-f]{64}\n$/);
    expect((await cull('check', 'examples/policies/brand.yaml')).code).toBe(0);
  });

  test('show says the gates in words and what the scores depend on', async () => {
    const shown = await json('show', 'a.yaml');
    const labels = Object.fromEntries(builtInScorers.map(({ spec }) => [spec.id, `${spec.id}@${spec.version}`]));
    expect(shown).toMatchObject({
      gates: [
        { id: 'noise.sigma', words: 'generic: at most 8 grey levels; unmeasured: reject' },
        { id: 'eyes.open', words: expect.stringMatching(/^useCase: at least 0\.04 .*; unmeasured: review$/) as string },
      ],
      measures: {
        'noise.sigma': { scorer: labels['noise'], models: {} },
        'sharpness.tileP90': { scorer: labels['sharpness'], models: {} },
        'eyes.open': { scorer: labels['eyes'] },
      },
      policy: { policy: 'a', rank: { 'sharpness.tileP90': 1 } },
    });
    // no models were pulled into this folder
    expect(shown['measures']).not.toHaveProperty(['eyes.open', 'models']);
    expect(shown['sha256']).toBe((await json('show', 'same.yaml'))['sha256']);
    const text = (await cull('show', 'a.yaml')).stdout;
    expect(text).toContain(String(shown['sha256']));
    expect(text).toContain('noise.sigma: generic: at most 8 grey levels');
    expect(text).toContain(`eyes.open: ${labels['eyes'] ?? ''}, with models that are not here`);
  });

  test('check notes a gate that passes all that can be measured', async () => {
    await writeFile(join(dir, 'loose.yaml'), A.replace('max: 8', 'min: 0'));
    const run = await cull('check', 'loose.yaml');
    expect([run.code, run.stdout]).toEqual([
      0,
      expect.stringMatching(/^loose\.yaml: ok, 2 gates, .*\n {2}note: noise\.sigma passes every picture that can/),
    ]);
  });

  test('a model beside the policy ranks; show says it, diff compares it, its mistakes have its own lines', async () => {
    const ranker = (weight: string) => `logistic: { intercept: -2, weights: { sharpness.tileP90: ${weight} } }\n`;
    await mkdir(join(dir, 'rankers'), { recursive: true });
    await writeFile(join(dir, 'rankers/a.yaml'), ranker('0.05'));
    await writeFile(join(dir, 'rankers/bad.yaml'), ranker('-1'));
    const policy = (name: string) =>
      A.replace('rank: { sharpness.tileP90: 1 }', `rank: { model: rankers/${name}.yaml }`);
    await writeFile(join(dir, 'model.yaml'), policy('a'));
    await writeFile(join(dir, 'bad-model.yaml'), policy('bad'));
    // found beside the policy, from wherever it is called
    const shown = await runCli(['policy', 'show', join(dir, 'model.yaml')], { cwd: tmpdir() });
    expect(shown.stdout).toContain('\n  logistic -2 + 0.05 sharpness.tileP90\n');
    expect((await json('show', 'model.yaml'))['policy']).toMatchObject({
      rank: {},
      rankModel: { intercept: -2, weights: { 'sharpness.tileP90': 0.05 } },
    });
    expect((await cull('diff', 'a.yaml', 'model.yaml')).stdout).toBe(
      '- rank sharpness.tileP90: weight 1\n+ rankModel: logistic -2 + 0.05 sharpness.tileP90\n',
    );
    const bad = await cull('check', 'bad-model.yaml');
    expect(bad.code).toBe(2);
    expect(bad.stderr).toMatch(
      /bad-model\.yaml:5:16: rankers\/bad\.yaml:1:\d+: the weight of sharpness\.tileP90 must be above 0/,
    );
  });

  test('pin writes what measures here and leaves the rest; of another version it is refused where images are measured', async () => {
    const pinned = await cull('pin', 'a.yaml', '--out', 'pinned.yaml');
    expect([pinned.code, pinned.stdout]).toEqual([0, '']);
    expect(pinned.stderr).toContain('models that are not on this machine are not pinned: those of eyes.open');
    const text = await readFile(join(dir, 'pinned.yaml'), 'utf8');
    const { eyes = '', noise = '', sharpness = '' } = versionsOf(builtInScorers);
    expect(text).toBe(`${A}pins:\n  scorers:\n    eyes: ${eyes}\n    noise: ${noise}\n    sharpness: ${sharpness}\n`);
    expect((await cull('check', 'pinned.yaml')).code).toBe(0);

    await writeFile(join(dir, 'older.yaml'), text.replace(`noise: ${noise}`, 'noise: 0.0.1'));
    const check = await cull('check', 'older.yaml');
    expect(check.code).toBe(2);
    expect(check.stderr).toContain(`older.yaml:9:12: noise is ${noise} here, and 0.0.1 is pinned`);
    const score = await runCli(['score', 'none.png', '--policy', 'older.yaml'], { cwd: dir });
    expect([score.code, score.stdout]).toEqual([2, '']);
    expect(score.stderr).toContain('SCORER_VERSION');
    // scores that it made can still be looked at
    expect((await json('show', 'older.yaml'))['measures']).toMatchObject({ 'noise.sigma': { scorer: 'noise@0.0.1' } });
    expect((await cull('pin', 'older.yaml')).stdout).toBe(text);
    expect((await cull('diff', 'older.yaml', 'pinned.yaml')).stdout).toBe(
      `~ pin scorer noise: 0.0.1\n    now ${noise}\n`,
    );
  });

  test('diff says what changed, and nothing of files that mean the same', async () => {
    expect((await cull('diff', 'a.yaml', 'b.yaml')).stdout).toBe(
      '~ gate noise.sigma: generic: at most 8 grey levels; unmeasured: reject\n    now generic: at most 6.5 grey levels; unmeasured: reject\n',
    );
    expect(await json('diff', 'a.yaml', 'b.yaml')).toMatchObject({ same: false, changes: [{ name: 'noise.sigma' }] });
    expect(await json('diff', 'a.yaml', 'same.yaml')).toMatchObject({ same: true, changes: [] });
    const bad = await cull('diff', 'a.yaml', 'bad.yaml');
    expect(bad.code).toBe(2);
    expect(bad.stdout).toBe('');
  });
});
