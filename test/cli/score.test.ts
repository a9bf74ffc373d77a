import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ScoredFile } from '../../cli/commands/score.js';
import { paint } from '../../sandbox/painter/index.js';
import { runCli } from '../support/cli.js';

const POLICY = ['--policy', 'examples/policies/product.yaml'];
/** A scorer that tells what it was given. */
const ECHO = `export const scorer = { spec: { id: 'echo', version: '1.0.0', tier: 'generic', cost: 'cheap', models: [], source: 'test',
  dimensions: { 'echo.value': { direction: 'higher', unit: 'x', range: [0, 1], about: 'A test.' } } },
  assess: async (frame, { references = [], masks = {}, expect = null }) => ({ 'echo.value': { status: 'ok', raw: 1, quality: 1,
    facts: { references: references.map(({ format }) => format), masks: Object.keys(masks), expect } } }) };`;
let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'cull-score-'));
  const clean = await paint({
    prompt: 'product photo of a red mug on a white background',
    seed: 1,
    width: 256,
    height: 256,
  });
  const raw = sharp(clean.data, { raw: { width: 256, height: 256, channels: 3 } });
  await raw.clone().png().toFile(join(dir, 'a.png'));
  await raw.clone().blur(8).jpeg().toFile(join(dir, 'blurred.jpg'));
  await writeFile(join(dir, 'not-an-image.png'), 'hello');
});
afterAll(() => rm(dir, { recursive: true, force: true }));

const parse = (stdout: string) =>
  stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as ScoredFile);

describe('score', () => {
  test('--json gives one line an image, in the order given, and nothing else on stdout', async () => {
    const run = await runCli(['score', 'blurred.jpg', 'a.png', ...POLICY, '--json', '--explain', 'all'], { cwd: dir });
    expect(run.code).toBe(0);
    const lines = parse(run.stdout);
    expect(lines.map(({ file }) => file)).toEqual(['blurred.jpg', 'a.png']);
    const [blurred, clean] = lines;
    expect(blurred?.verdict?.pass).toBe(false);
    expect(Object.values(clean?.scores ?? {}).every(({ scorer }) => /^[a-zA-Z]+@\d+\.\d+\.\d+$/.test(scorer))).toBe(
      true,
    );
  });

  test('--from - reads lines from standard input and gives the labels back', async () => {
    const input = '{"file":"a.png","label":{"good":true}}\n\n{"file":"blurred.jpg","label":"bad"}\n';
    const run = await runCli(['score', '--from', '-', ...POLICY, '--json'], { cwd: dir, input });
    expect(parse(run.stdout).map(({ file, label }) => ({ file, label }))).toEqual([
      { file: 'a.png', label: { good: true } },
      { file: 'blurred.jpg', label: 'bad' },
    ]);
  });

  test('a line can bring the request that rules read; without one the gate decides', async () => {
    const rule = `{ rule: 'request.inputs.style == "studio" && request.deliver <= 4', reason: Not a studio, onUnassessable: review }`;
    await writeFile(join(dir, 'studio.yaml'), `policy: studio\ngates: { business: { studio: ${rule} } }\n`);
    const line = (inputs?: object) =>
      `${JSON.stringify({ file: 'a.png', ...(inputs && { request: { inputs, deliver: 4 } }) })}\n`;
    const input = [line({ style: 'studio' }), line({ style: 'beach' }), line()].join('');
    const run = await runCli(['score', '--from', '-', '--policy', 'studio.yaml', '--json'], { cwd: dir, input });
    expect(parse(run.stdout).map(({ verdict }) => verdict?.band)).toEqual(['accept', 'reject', 'review']);
  });

  test('a file that is no image is said so, the others are scored, and the exit code is 1', async () => {
    const run = await runCli(['score', 'not-an-image.png', 'missing.png', 'a.png', ...POLICY, '--json'], { cwd: dir });
    expect(run.code).toBe(1);
    const [text, missing, clean] = parse(run.stdout);
    expect(text?.error).not.toBeNull();
    expect(missing?.error).toContain('missing.png');
    expect(clean?.error).toBeNull();
  });

  test('without --json it says what was wrong, in words', async () => {
    const run = await runCli(['score', 'blurred.jpg', ...POLICY], { cwd: dir });
    expect(run.stdout).toMatch(/blurred\.jpg: reject\n {2}\w+ [\w.]+: /);
  });

  test('compares with photos of the line and of the command line, masks and expectations', async () => {
    await writeFile(join(dir, 'echo.mjs'), ECHO);
    const line = { file: 'a.png', references: ['blurred.jpg'], masks: { garment: 'a.png' }, expect: { people: 2 } };
    await writeFile(join(dir, 'compared.ndjson'), `${JSON.stringify(line)}\n`);
    const args = ['score', 'blurred.jpg', '--from', 'compared.ndjson', '--reference', 'a.png', ...POLICY];
    const run = await runCli([...args, '--json', '--explain', 'all'], {
      cwd: dir,
      env: { CULL_SCORERS: './echo.mjs' },
    });
    expect(parse(run.stdout).map(({ scores }) => scores['echo.value']?.facts)).toEqual([
      { references: ['png'], masks: [], expect: null },
      { references: ['png', 'jpeg'], masks: ['garment'], expect: { people: 2 } },
    ]);
  });

  test('a photo that cannot be read is said so, and a line with a field of the wrong kind is named', async () => {
    const missing = await runCli(['score', 'a.png', '--reference', 'nobody.png', ...POLICY, '--json'], { cwd: dir });
    expect(parse(missing.stdout)[0]?.error).toContain('nobody.png');
    const wrong = await runCli(['score', '--from', '-', ...POLICY], {
      cwd: dir,
      input: '{"file":"a.png","references":"b.png"}\n',
    });
    expect(wrong.code).toBe(2);
    expect(wrong.stderr).toContain('stdin:1: "references"');
  });

  test('a line of --from that is not JSON is named by file and line', async () => {
    await writeFile(join(dir, 'list.ndjson'), '{"file":"a.png"}\nnot json\n');
    const run = await runCli(['score', '--from', 'list.ndjson', ...POLICY, '--json'], { cwd: dir });
    expect(run.code).toBe(2);
    expect(run.stderr).toContain('list.ndjson:2');
  });
});
