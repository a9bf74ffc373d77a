/** Bad input on the command line: exit 2, words that name the thing, and nothing started. */
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runCli } from '../support/cli.js';

const root = resolve(import.meta.dirname, '../..');
let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'cull-cli-'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

const TEMPLATE = 'examples/templates/txt2img.json';
const PROMPT = ['-i', 'prompt=a red mug'];

/** Runs in an empty folder; a stack would leave `.cull` behind. */
async function refused(...args: string[]) {
  const run = await runCli(args, { cwd: dir });
  expect(run.code).toBe(2);
  expect(run.stdout).toBe('');
  expect(existsSync(join(dir, '.cull'))).toBe(false);
  return run.stderr;
}

async function file(name: string, content: unknown): Promise<string> {
  const path = join(dir, name);
  await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

describe('generate refuses', () => {
  test('a canvas in the editor format, and says how to export the API format', async () => {
    const canvas = await file('canvas.json', { last_node_id: 9, nodes: [{ id: 3, type: 'KSampler' }], links: [] });
    expect(await refused('generate', canvas)).toMatch(/TEMPLATE_UI_FORMAT[^]*Export \(API\)/);
  });

  test('a file that is no JSON', async () => {
    expect(await refused('generate', await file('broken.json', '{ "3": '))).toContain('TEMPLATE_INVALID');
  });

  test('an unknown input, naming the closest', async () => {
    expect(await refused('generate', TEMPLATE, '-i', 'promt=a red mug')).toMatch(/promt[^]*prompt/);
  });

  test('a missing input', async () => {
    expect(await refused('generate', TEMPLATE)).toMatch(/TEMPLATE_INPUT_MISSING[^]*prompt/);
  });

  test('a node class that is not allowed, by node id and title', async () => {
    const graph = JSON.parse(await readFile(join(root, TEMPLATE), 'utf8')) as Record<string, unknown>;
    graph['77'] = { class_type: 'RunShellCommand', inputs: {}, _meta: { title: 'Tidy up' } };
    const stderr = await refused('generate', await file('evil.json', graph), ...PROMPT);
    expect(stderr).toMatch(/NODE_NOT_ALLOWED/);
    for (const part of ['77', 'Tidy up', 'RunShellCommand', 'CULL_ALLOW_NODES']) expect(stderr).toContain(part);
  });

  test('a seed beyond 2^53-1', async () => {
    expect(await refused('generate', TEMPLATE, ...PROMPT, '--seed', '9007199254740992')).toContain('SEED_OUT_OF_RANGE');
  });

  test('more images than candidates', async () => {
    expect(await refused('generate', TEMPLATE, ...PROMPT, '-k', '5', '-n', '4')).toMatch(/REQUEST_INVALID.*5.*4/);
  });

  test('a policy that wants several looks of one request', async () => {
    const looks = await file('looks.yaml', 'policy: looks\nminPerGroup: 15\n');
    const stderr = await refused('generate', TEMPLATE, ...PROMPT, '--policy', looks);
    expect(stderr).toMatch(/REQUEST_INVALID.*looks.*minPerGroup[^]*--vary/);
    const short = await refused('generate', TEMPLATE, '--vary', 'prompt=a,b', '--policy', looks, '-k', '20');
    expect(short).toMatch(/REQUEST_INVALID.*at least 30 images, of 2 groups, and 20/);
    const named = await file('named.yaml', 'policy: named\nminPerGroup: { studio: 1 }\n');
    const other = await refused('generate', TEMPLATE, '--vary', 'prompt=studios,b', '--policy', named, '-k', '20');
    expect(other).toMatch(/REQUEST_INVALID.*"studio".*did you mean studios/);
  });

  test.each([
    ['no list', ['prompt'], /USAGE.*input=value/],
    ['an empty value', ['prompt=a,,b'], /USAGE.*input=value/],
    ['no JSON list', ['prompt=["a"'], /USAGE.*JSON list/],
    ['an input that is not there', ['promt=a,b'], /TEMPLATE_INPUT_UNKNOWN.*promt[^]*did you mean "prompt"/],
    ['a value twice', ['steps=4,8,4.0'], /TEMPLATE_INPUT_INVALID.*steps.*4 is there twice/],
    ['a value that does not fit', ['steps=4,many'], /TEMPLATE_INPUT_INVALID.*steps.*"many"/],
    ['an input that is given as well', ['prompt=a,b', '-i', 'prompt=c'], /REQUEST_INVALID.*prompt.*given and varied/],
    ['two inputs', ['prompt=a,b', '--vary', 'steps=4,8'], /USAGE.*one input/],
  ])('--vary with %s', async (_, vary, message) => {
    expect(await refused('generate', TEMPLATE, '--vary', ...vary)).toMatch(message);
  });

  test('a rule over an input that the template does not have', async () => {
    const rule = `gates: { business: { r: { rule: 'request.inputs.promt == "x"', reason: r } } }`;
    const stderr = await refused(
      'generate',
      TEMPLATE,
      ...PROMPT,
      '--policy',
      await file('rule.yaml', `policy: p\n${rule}\n`),
    );
    expect(stderr).toMatch(/POLICY_INVALID.*request\.inputs\.promt.*did you mean prompt/);
  });

  test('more than 2,000 candidates', async () => {
    expect(await refused('generate', TEMPLATE, ...PROMPT, '-n', '2001')).toContain('2000');
  });

  test.each([
    [['-n', '9', '--cap', '9'], /REQUEST_INVALID.*has no cap/],
    [['--mode', 'quota', '-n', '9'], /REQUEST_INVALID.*draws until K pass/],
    [['-k', '5', '--cap', '4'], /REQUEST_INVALID.*5.*4/],
    [['--hurry', '2'], /REQUEST_INVALID.*hurry is 2/],
    [['--points-each', '2'], /REQUEST_INVALID.*mode quota weighs no candidate[^]*mode value/],
    [['--mode', 'value', '--points-each', '-1'], /REQUEST_INVALID.*-1 points.*at least 0/],
    [['--mode', 'value', '--points-each', 'few'], /REQUEST_INVALID.*NaN points/],
    [['--budget', '-1'], /REQUEST_INVALID.*above 0/],
    [['--hurry', ''], /REQUEST_INVALID.*hurry is NaN/],
    [['--hurry', '1', '-n', '9'], /REQUEST_INVALID.*has no hurry[^]*leave the hurry out/],
    [['--deadline', '366d'], /REQUEST_INVALID.*at most 365 days/],
    [['--deadline', 'soon'], /such as 90s/],
    [['--mode', 'some'], /quota, best-of, value/],
    [['--explain', 'some'], /all, gates/],
  ])('%s, which contradicts itself or is out of range', async (args, message) => {
    expect(await refused('generate', TEMPLATE, ...PROMPT, ...args)).toMatch(message);
  });

  test('an unknown dimension in a policy, with the line and the closest', async () => {
    const policy = await file(
      'policy.yaml',
      'policy: mine\ngates:\n  generic:\n    sharpnes.tileP90: { quality: { min: 40 } }\n',
    );
    expect(await refused('generate', TEMPLATE, ...PROMPT, '-p', policy)).toMatch(
      /policy\.yaml:4[^]*did you mean[^]*sharpness\.tileP90/,
    );
  });

  test('an output folder that cannot be written, before anything is drawn', async () => {
    const inTheWay = await file('in-the-way', 'a file');
    const run = await runCli(['generate', TEMPLATE, ...PROMPT, '-o', join(inTheWay, 'out')], { cwd: dir });
    expect(run.code).toBe(1);
    expect(run.stderr).toContain('STORAGE_UNWRITABLE');
    expect(existsSync(join(dir, '.cull'))).toBe(false);
  });
});

test('an unknown command and an unknown option are usage errors', async () => {
  await refused('generat');
  await refused('generate', TEMPLATE, '--delivr', '4');
});

test('a variable that is wrong is named', async () => {
  const run = await runCli(['doctor'], { cwd: dir, env: { CULL_COMFYUI_URLS: 'localhost:8188' } });
  expect(run.code).toBe(2);
  expect(run.stderr).toMatch(/CULL_COMFYUI_URLS.*localhost:8188.*http/);
});

test('a scorer from outside that cannot be loaded is named', async () => {
  const run = await runCli(['score', 'a.png'], { cwd: dir, env: { CULL_SCORERS: './nothing.js' } });
  expect(run.code).toBe(2);
  expect(run.stderr).toMatch(/SCORER_INVALID[^]*nothing\.js/);
});

test('status of a request without any server says what to do', async () => {
  const run = await runCli(['worker'], { cwd: dir });
  expect(run.code).toBe(1);
  expect(run.stderr).toMatch(/TEMPORAL_UNREACHABLE[^]*TEMPORAL_ADDRESS/);
});
