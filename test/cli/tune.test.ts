/** `label` and `tune` as their users run them: no server, verdicts in, a policy and a statement out. */
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RankDoc } from '../../cli/rank-tuning.js';
import type { TuningDoc } from '../../cli/views/tuning-report.js';
import { openStorage } from '../../storage/index.js';
import { keys } from '../../storage/keys.js';
import { runCli } from '../support/cli.js';

const root = resolve(import.meta.dirname, '../..');
const example = (name: string) => join(root, 'examples/tuning', name);
const EXAMPLE = ['-p', example('policy.yaml'), '-l', example('labels.csv'), '-s', example('scores.ndjson')];
let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'cull-tune-'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

const tenant = (name: string) => ({ cwd: dir, env: { CULL_TENANT: name, CULL_STORAGE: join(dir, 'storage') } });

async function refused(args: string[], options: Parameters<typeof runCli>[1] = { cwd: dir }): Promise<string> {
  const run = await runCli([...args, '-o', 'nothing'], options);
  expect(run.code).toBe(2);
  expect(run.stdout).toBe('');
  expect(existsSync(join(dir, 'nothing'))).toBe(false);
  return run.stderr;
}

describe('tune', () => {
  test('the worked examples of docs/tuning.md print what stands there', async () => {
    const page = await readFile(join(root, 'docs/tuning.md'), 'utf8');
    const examples = [...page.matchAll(/```console\n\$ comfy-cull ([^]*?)\n\n([^]*?)```/g)];
    expect(examples).toHaveLength(2);
    for (const [, command = '', said = ''] of examples) {
      const args = command.replaceAll('\\\n', ' ').split(/\s+/);
      expect(args[0]).toBe('tune');
      const run = await runCli([...args, '-o', join(dir, 'worked')], { cwd: root });
      expect(run.stdout.trim()).toBe(said.trim());
      expect(run.code).toBe(0);
    }
  });

  test('writes a policy that differs in its bounds only, a report and a page; --json prints the report', async () => {
    const run = await runCli(['tune', ...EXAMPLE, '--max-defect-rate', '0.1', '-o', 'tuned', '--json'], { cwd: dir });
    expect(run.code).toBe(0);
    const folder = join(dir, 'tuned');
    expect((await readdir(folder)).sort()).toEqual(['policy.yaml', 'report.html', 'report.json']);
    const report = JSON.parse(run.stdout) as TuningDoc;
    expect(JSON.parse(await readFile(join(folder, 'report.json'), 'utf8'))).toEqual(report);
    expect(report.heldOut.promise).toMatchObject({ shown: true, counts: 'pictures' });
    expect(report.heldOut.subgroups.map(({ subgroup }) => subgroup)).toEqual(['dark', 'light']);
    const lines = async (file: string) => (await readFile(file, 'utf8')).split('\n');
    const [before, after] = [await lines(example('policy.yaml')), await lines(join(folder, 'policy.yaml'))];
    expect(after).toHaveLength(before.length);
    const changed = after.filter((line, i) => line !== before[i]);
    expect(changed).toHaveLength(report.changes.length);
    for (const line of changed) expect(line).toMatch(/^ +raw: \{ max: [\d.]+ \}( #.*)?$/);
    // and it is a policy
    const again = await runCli(['tune', ...EXAMPLE.with(1, join(folder, 'policy.yaml')), '-o', 'again'], { cwd: dir });
    expect(again.stderr).not.toContain('POLICY_INVALID');
  });

  test('--rank fits what ranks: a policy in which nothing else changes, and how well it ranks beside the weights', async () => {
    const rank = (...args: string[]) => runCli(['tune', ...EXAMPLE, ...args], { cwd: dir });
    const three = 'sharpness.edgeBlur,noise.sigma,background.tint';
    const run = await rank('--rank', three, '-o', 'ranked', '--json');
    expect(run.code).toBe(0);
    const report = JSON.parse(run.stdout) as RankDoc;
    expect((await readdir(join(dir, 'ranked'))).sort()).toEqual(['policy.yaml', 'report.json']);
    expect(Object.keys(report.model.weights).sort()).toEqual(three.split(',').sort());
    expect(report.heldOut.fitted.areaUnderRoc).toBeGreaterThan(report.heldOut.before.areaUnderRoc! + 0.3);
    const [before, after] = [example('policy.yaml'), join(dir, 'ranked/policy.yaml')];
    const diff = await runCli(['policy', 'diff', before, after, '--json'], { cwd: dir });
    const { changes } = JSON.parse(diff.stdout) as { changes: { what: string }[] };
    expect(changes.map(({ what }) => what)).toEqual(['rank', 'rankModel']);
    expect(await readFile(after, 'utf8')).toContain((await readFile(before, 'utf8')).split('\nrank:')[0]);
    // the weights as they were, fitted: no better is no success, and it says so
    const same = await rank('--rank', '-o', 'same');
    expect([same.code, same.stdout]).toEqual([3, expect.stringMatching(/area under the ROC +0\.\d{3} +0\.\d{3}\n/)]);
    expect(await refused(['tune', ...EXAMPLE, '--rank', 'noise.sigmo'])).toMatch(
      /POLICY_UNKNOWN_DIMENSION: nothing measures noise\.sigmo, did you mean noise\.sigma\?/,
    );
  });

  test('the page asks for nothing from elsewhere, has no script, and escapes names', async () => {
    const labels = (await readFile(example('labels.csv'), 'utf8')).replaceAll(',light', ',<script>alert(1)</script>');
    await writeFile(join(dir, 'hostile.csv'), labels);
    await runCli(['tune', ...EXAMPLE.with(3, 'hostile.csv'), '-o', 'hostile'], { cwd: dir });
    const page = await readFile(join(dir, 'hostile/report.html'), 'utf8');
    expect(page).not.toMatch(/<script|(src|href)=|url\(|@import/);
    expect(page).toContain('&lt;script&gt;alert(1)');
    expect(page.match(/<svg/g)?.length).toBeGreaterThan(9);
    expect(page).not.toMatch(/NaN|undefined|Infinity/);
  });

  test('replaces its own results, never a policy of somebody: the one that is tuned least of all', async () => {
    const tune = (policy: string, out: string, ...more: string[]) =>
      runCli(['tune', ...EXAMPLE.with(1, policy), '--max-defect-rate', '0.1', '-o', out, ...more], { cwd: dir });
    const mine = await readFile(example('policy.yaml'), 'utf8');
    await mkdir(join(dir, 'mine'));
    await writeFile(join(dir, 'mine/policy.yaml'), mine);
    for (const [policy, ...more] of [
      ['mine/policy.yaml'],
      [example('policy.yaml'), '--rank', 'noise.sigma'],
    ] as const) {
      const run = await tune(policy, 'mine', ...more);
      expect([run.code, run.stdout]).toEqual([2, '']);
      expect(run.stderr).toContain('mine/policy.yaml would be replaced');
    }
    expect(await readdir(join(dir, 'mine'))).toEqual(['policy.yaml']);
    expect(await readFile(join(dir, 'mine/policy.yaml'), 'utf8')).toBe(mine);
    await tune(example('policy.yaml'), 'twice');
    expect((await tune(example('policy.yaml'), 'twice')).code).toBe(0);
    expect((await tune('twice/policy.yaml', 'twice')).stderr).toContain('the policy that is tuned');
  });

  test('a folder that cannot be written is said before and after, and no half of a result is left', async () => {
    await writeFile(join(dir, 'a-file'), '');
    const tune = (out: string) => runCli(['tune', ...EXAMPLE, '--max-defect-rate', '0.1', '-o', out], { cwd: dir });
    expect((await tune('a-file')).stderr).toMatch(/STORAGE_UNWRITABLE: cannot write to a-file: it is a file/);
    await mkdir(join(dir, 'blocked/report.json'), { recursive: true });
    expect((await tune('blocked')).stderr).toContain('STORAGE_UNWRITABLE: cannot write to blocked');
    expect(await readdir(join(dir, 'blocked'))).toEqual(['report.json']);
  });

  test('labels as spreadsheets write them, and NDJSON with a mark in front, say the same', async () => {
    const csv = await readFile(example('labels.csv'), 'utf8');
    const [head = '', ...rows] = csv.trim().split('\n');
    const names = head.split(',');
    const record = (row: string) =>
      JSON.stringify(Object.fromEntries(row.split(',').map((cell, i) => [names[i], cell])));
    const files: Record<string, string | Buffer> = {
      'excel.csv': `\ufeff${csv.replaceAll('\n', '\r\n').replaceAll(',', ';')}`,
      'tabs.csv': Buffer.from(`\ufeff${csv.replaceAll(',', '\t')}`, 'utf16le'),
      'swapped.csv': Buffer.from(`\ufeff${csv}`, 'utf16le').swap16(),
      'marked.ndjson': `\ufeff${rows.map(record).join('\r\n')}\n`,
    };
    const scores = `\ufeff${await readFile(example('scores.ndjson'), 'utf8')}`;
    await writeFile(join(dir, 'marked-scores.ndjson'), scores);
    for (const [name, content] of Object.entries(files)) {
      await writeFile(join(dir, name), content);
      const args = EXAMPLE.with(3, name).with(5, 'marked-scores.ndjson');
      const run = await runCli(['tune', ...args, '--max-defect-rate', '0.1', '-o', 'spread'], { cwd: dir });
      expect(run.stdout).toMatch(/^At most 6\.8 % /);
    }
    for (const [line, why] of [
      ['null', 'it is no record of a picture'],
      ['{"file":"a.png","scores":{"noise.sigma":null}}', 'noise.sigma is no score'],
    ] as const) {
      await writeFile(join(dir, 'broken-scores.ndjson'), `${line}\n`);
      expect(await refused(['tune', ...EXAMPLE.with(5, 'broken-scores.ndjson')])).toContain(
        `broken-scores.ndjson:1 cannot be read: ${why}`,
      );
    }
  });

  test('exits 3 and states the bound that the labels give, where they do not show what was asked for', async () => {
    const run = await runCli(['tune', ...EXAMPLE, '--max-defect-rate', '0.01', '-o', 'strict'], { cwd: dir });
    expect(run.code).toBe(3);
    expect(run.stdout.replaceAll('\n', ' ')).toMatch(
      /^At most 1 % with 95 % confidence cannot be promised.*What they show is at most [\d.]+ %; 299 pictures without a defect would show 1 %/,
    );
  });

  test('refuses a policy whose thresholds no picture can have, or whose rules cannot work, with the line', async () => {
    const rule = (name: string, words: string) => `  business: { ${name}: { rule: '${words}', reason: no } }\n`;
    const loops = Array.from({ length: 6 }, (_, i) => `[1,2,3,4,5,6,7,8,9,10].all(x${i}, `);
    const bad = `policy: bad
gates:
  generic:
    sharpness.tileP90: { quality: { min: 140 } }
    exposure.clippedShare: { raw: { max: -0.1 } }
${rule('broken', 'scores.noise.(')}`;
    await writeFile(join(dir, 'bad.yaml'), bad);
    const said = await refused(['tune', ...EXAMPLE.with(1, 'bad.yaml')]);
    expect(said).toMatch(/bad\.yaml:4:\d+: min 140 is outside the possible 0 to 100 \(quality\)/);
    expect(said).toMatch(/bad\.yaml:5:\d+: max -0\.1 is outside the possible 0 to 1 \(share\)/);
    expect(said).toMatch(/bad\.yaml:6:\d+: the rule is not CEL/);
    for (const [words, why] of [
      ['scores.exposure.clippedShare.raw > 2.0', 'the rule never holds'],
      [`${loops.join('')}scores.noise.sigma.raw >= 0.0${')'.repeat(6)}`, 'its loops take more than 10,000 turns'],
    ] as const) {
      await writeFile(join(dir, 'bad.yaml'), `policy: bad\ngates:\n${rule('r', words)}`);
      const told = await refused(['tune', ...EXAMPLE.with(1, 'bad.yaml')]);
      expect(told).toMatch(/bad\.yaml:3:\d+: /);
      expect(told).toContain(why);
    }
  });

  test('refuses bad labels, pictures without scores, three labels, one class, and writes nothing', async () => {
    const tune = (labels: string) => ['tune', ...EXAMPLE.with(3, labels)];
    const file = async (name: string, text: string) => {
      await writeFile(join(dir, name), text);
      return name;
    };
    const head = 'image,verdict,who\n';
    const good = (count: number) =>
      Array.from({ length: count }, (_, i) => `${String(i).padStart(4, '0')}.png,pass,ann\n`);
    expect(await refused(tune(await file('bad.csv', `${head}0001.png,perhaps,ann\n0002.png,pass,\n`)))).toMatch(
      /LABELS_INVALID: bad\.csv:2: .*perhaps.*\nbad\.csv:3: "who" is missing/,
    );
    expect(await refused(tune(await file('open.csv', `${head}"0001.png,pass,ann\n`)))).toContain(
      'LABELS_INVALID: open.csv',
    );
    expect(await refused(tune(await file('twice.csv', 'image,verdict,who,verdict\n0001.png,pass,ann,fail\n')))).toMatch(
      /LABELS_INVALID: twice\.csv:1?.*the header names "verdict" twice/,
    );
    expect(
      await refused(tune(await file('array.json', '[{"image":"0001.png","verdict":"pass","who":"ann"}]'))),
    ).toMatch(/LABELS_INVALID: array\.json: this is a JSON array, and labels are NDJSON[^]*jq -c/);
    expect(await refused(tune(await file('broken.ndjson', '{"image":"0001.png"\n')))).toContain(
      'broken.ndjson:1: this is not JSON',
    );
    expect(await refused(tune(await file('unknown.csv', `${head}9999.png,pass,ann\n`)))).toMatch(
      /LABELS_UNKNOWN_CANDIDATE: 9999\.png has a label, but no scores/,
    );
    expect(await refused(tune(await file('differ.csv', `${head}0001.png,pass,ann\n0001.png,fail,bob\n`)))).toMatch(
      /LABELS_CONTRADICT: 0001\.png, as a whole: pass says ann, fail says bob/,
    );
    expect(await refused(tune(await file('three.csv', head + good(3).join(''))))).toMatch(
      /LABELS_INSUFFICIENT: 3 labelled/,
    );
    expect(await refused(tune(await file('one.csv', head + good(100).join(''))))).toContain(
      'every labelled picture is good',
    );
    expect(await refused(tune('missing.csv'))).toContain('missing.csv cannot be read');
    expect(await refused(['tune', ...EXAMPLE, '--max-defect-rate', '5'])).toContain('it must be a share');
    expect(await refused(['tune', ...EXAMPLE.with(5, example('policy.yaml'))])).toMatch(
      /policy\.yaml:1 cannot be read/,
    );
  });
});

describe('label', () => {
  const rows = ['request,candidate,verdict,who', 'r-1,0,pass,ann', 'r-1,1,fail,ann'];

  /** A request in storage, as a worker leaves it: one clean picture, one grainy. */
  async function storeRequest(owner: string, request: string): Promise<void> {
    const storage = openStorage(join(dir, 'storage'));
    const lines = Array.from({ length: 2 }, (_, candidate) => {
      const raw = candidate === 0 ? 1 : 20;
      const score = { status: 'ok', raw, quality: 50, scorer: 'noise@1.1.0' };
      const scores = {
        'noise.sigma': score,
        'sharpness.edgeBlur': { ...score, raw: 0.5 },
        'background.tint': { ...score, raw: 1 },
      };
      const key = keys.image(owner, request, candidate);
      const image = { key, sha256: `${request}-${candidate}`, pixelSha256: null };
      const timing = { queuedMs: 0, drawMs: 1_000, scoreMs: 90 };
      return { candidate, seed: candidate, image, scores, verdict: null, timing };
    });
    for (const line of lines) await storage.put(keys.record(owner, request, line.candidate), JSON.stringify(line));
    await storage.put(keys.manifest(owner, request), lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
    const asked = { request, createdAt: '2026-11-20T10:00:00.000Z', release: `sha256:${'ab'.repeat(32)}` };
    await storage.put(keys.request(owner, request), JSON.stringify(asked));
    await storage.put(keys.result(owner, request), JSON.stringify({ request, state: 'delivered' }));
    await storage.put(keys.index(owner, '2026-11-20', request), '{}');
  }

  const stored = async (owner: string) => {
    const names: string[] = [];
    for await (const { key } of openStorage(join(dir, 'storage')).list(keys.labels(owner))) names.push(key);
    return names;
  };

  test('stores each label once, whatever file it comes in; another word of the same person is stored too', async () => {
    await storeRequest('ann', 'r-1');
    await writeFile(join(dir, 'labels.csv'), rows.join('\n'));
    const label = async (input: string) =>
      JSON.parse((await runCli(['label', '-', '--json'], { ...tenant('ann'), input })).stdout) as unknown;
    const first = await runCli(['label', 'labels.csv'], tenant('ann'));
    expect([first.code, first.stdout]).toEqual([0, '2 labels stored\n']);
    expect(await label(rows.join('\n'))).toEqual({ stored: 0, known: 2 });
    expect(await stored('ann')).toHaveLength(1);
    expect(await label('{"candidate":"r-1/1","verdict":"pass","who":"ann"}\n')).toEqual({ stored: 1, known: 0 });
    expect(await label(rows.slice(0, 2).join('\n'))).toEqual({ stored: 0, known: 1 });
    expect(await stored('ann')).toHaveLength(2);
  });

  test('refuses candidates that are not there, and both verdicts of one person; stores nothing', async () => {
    const run = (input: string) => runCli(['label', '-'], { ...tenant('bob'), input });
    const unknown = await run(rows.join('\n'));
    expect([unknown.code, unknown.stdout]).toEqual([2, '']);
    expect(unknown.stderr).toMatch(
      /LABELS_UNKNOWN_CANDIDATE: there is no candidate r-1\/0\nthere is no candidate r-1\/1/,
    );
    const both = await run('image,verdict,who\na.png,pass,ann\na.png,fail,ann\n');
    expect(both.stderr).toContain('LABELS_CONTRADICT: a.png, as a whole: ann says pass and fail');
    expect(await stored('bob')).toEqual([]);
  });

  test('tune takes the labels and scores of the tenant, by job; --since leaves out what is older', async () => {
    const requests = Array.from({ length: 40 }, (_, i) => `job-${i}`);
    await Promise.all(requests.map((request) => storeRequest('eve', request)));
    const lines = requests.flatMap((request) => [`${request},0,pass,ann`, `${request},1,fail,ann`]);
    await runCli(['label', '-'], { ...tenant('eve'), input: [rows[0], ...lines].join('\n') });
    const tune = (...more: string[]) =>
      runCli(['tune', '-p', example('policy.yaml'), '-o', 'stored', '--json', ...more], tenant('eve'));
    const report = JSON.parse((await tune()).stdout) as TuningDoc;
    expect(report.labels).toMatchObject({ pictures: 80, good: 40, defective: 40, jobs: 40 });
    // one passing picture a job, but two labelled ones: jobs are counted
    expect(report.heldOut.promise).toMatchObject({ counts: 'jobs', delivered: 20, defective: 0, shown: false });
    expect((await tune('--since', '2026-11-21')).stderr).toContain('LABELS_INSUFFICIENT: 0 labelled pictures');
    expect((await tune('--since', '2026-11-20')).stdout).not.toBe('');
    expect((await tune('--since', 'once')).stderr).toContain('it must be a number of hours');
  });
});
