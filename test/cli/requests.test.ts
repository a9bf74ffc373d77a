/** The commands around a request, run as their users run them, on a real server with a real worker. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { ResultDoc } from '../../workflows/contract.js';
import { runCli, startCli } from '../support/cli.js';
import { openPipeline, PROMPT, type Pipeline } from '../support/pipeline.js';
import { startSandbox, type TestSandbox } from '../support/sandbox.js';
import { temporalAddress } from '../support/temporal-address.js';

const GENERATE = [
  'generate',
  'examples/templates/product.json',
  '-i',
  `prompt=${PROMPT}`,
  '-i',
  'width=128',
  '-i',
  'height=128',
];
const GENERIC = ['-p', 'examples/policies/generic.yaml'];

let sandbox: TestSandbox;
let pipeline: Pipeline;
let env: Record<string, string>;
beforeAll(async () => {
  sandbox = await startSandbox({ secondsPerImage: 0.05 });
  pipeline = await openPipeline({ address: temporalAddress, comfyUrls: [sandbox.url] });
  env = { ...pipeline.env, CULL_COMFYUI_USD_PER_HOUR: '' };
});
afterAll(async () => {
  await pipeline.close();
  await sandbox.close();
});
beforeEach(() => sandbox.config({ secondsPerImage: 0.05 }));

const cli = (...args: string[]) => runCli(args, { env, cwd: pipeline.dir });

describe('generate', () => {
  test('--json prints the result and nothing else, exits 0, and leaves winners, manifest, result and contact sheet', async () => {
    const run = await cli(...GENERATE, ...GENERIC, '-k', '2', '-n', '5', '--seed', '7', '--key', 'json', '--json');
    const result = JSON.parse(run.stdout) as ResultDoc;
    expect(run.code).toBe(0);
    expect(result).toMatchObject({ request: 'json', state: 'delivered', wanted: 2, counts: { drawn: 5, scored: 5 } });
    const folder = join(pipeline.dir, 'out/json');
    const files = await readdir(folder);
    expect(files.filter((name) => /^0[12]-candidate-\d{4}\.png$/.test(name))).toHaveLength(2);
    expect(files).toEqual(expect.arrayContaining(['contact-sheet.html', 'manifest.ndjson', 'result.json']));
    expect(JSON.parse(await readFile(join(folder, 'result.json'), 'utf8'))).toEqual(result);
    expect((await readFile(join(folder, 'manifest.ndjson'), 'utf8')).trim().split('\n')).toHaveLength(5);
    const sheet = await readFile(join(folder, 'contact-sheet.html'), 'utf8');
    expect(sheet.match(/data:image\/jpeg;base64,/g)?.length).toBeGreaterThanOrEqual(5);
    expect(sheet).not.toMatch(/(src|href)="https?:/);
  });

  test('a shortfall exits 3 and says which gates rejected the rest', async () => {
    const run = await cli(
      ...GENERATE,
      '-p',
      'examples/policies/product.yaml',
      '-k',
      '4',
      '-n',
      '4',
      '--seed',
      '3',
      '--json',
    );
    const result = JSON.parse(run.stdout) as ResultDoc;
    expect(run.code).toBe(3);
    expect(result.state).toBe('shortfall');
    expect(result.shortfall?.missing).toBe(4 - result.delivered.length);
    expect(Object.keys(result.shortfall?.gates ?? {}).length).toBeGreaterThan(0);
  });

  test('a graph that ComfyUI refuses exits 1 and shows the node', async () => {
    const run = await cli(...GENERATE, ...GENERIC, '-i', 'checkpoint=missing.safetensors');
    expect(run.code).toBe(1);
    expect(run.stdout + run.stderr).toMatch(/COMFY_INVALID_GRAPH/);
    expect(run.stdout + run.stderr).toMatch(/Load Checkpoint/);
  });

  test('Ctrl-C: the request goes on, and the way to watch and to cancel it is printed', async () => {
    await sandbox.config({ secondsPerImage: 1 });
    const running = startCli([...GENERATE, ...GENERIC, '-n', '3', '--key', 'ctrl-c'], { env, cwd: pipeline.dir });
    await running.saw('request ctrl-c');
    await running.saw('drawn');
    running.child.kill('SIGINT');
    const { code, stderr } = await running.ended;
    expect(code).toBe(130);
    expect(stderr).toContain('comfy-cull watch ctrl-c');
    expect(stderr).toContain('comfy-cull cancel ctrl-c');
    const watched = await cli('watch', 'ctrl-c', '--json');
    expect(JSON.parse(watched.stdout)).toMatchObject({ request: 'ctrl-c', state: 'delivered', counts: { drawn: 3 } });
  });

  test('--detach prints the id; status, list and cancel know it', async () => {
    await sandbox.config({ secondsPerImage: 60 });
    const detached = await cli(...GENERATE, ...GENERIC, '-n', '3', '--key', 'detached', '--detach', '--json');
    expect(JSON.parse(detached.stdout)).toEqual({ request: 'detached' });
    const status = await cli('status', 'detached', '--json');
    const open = JSON.parse(status.stdout) as { drawing: { handle?: { host: string } }[] };
    expect(open).toMatchObject({ request: 'detached', state: 'running', wanted: 1, candidates: 3 });
    expect(open.drawing.map(({ handle }) => handle?.host)).toContain(new URL(sandbox.url).host.replace(':', '-'));
    const list = await cli('list', '--json');
    const rows = list.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { request: string; state: string });
    expect(rows.find(({ request }) => request === 'detached')).toMatchObject({ state: 'running', template: 'product' });
    expect(JSON.parse((await cli('cancel', 'detached', '--json')).stdout)).toEqual({
      request: 'detached',
      state: 'cancelling',
    });
    const { result } = await pipeline.end('detached');
    expect(result.state).toBe('cancelled');
    const after = await cli('status', 'detached', '--json');
    expect(after.code).toBe(4);
    expect(JSON.parse(after.stdout)).toMatchObject({ state: 'cancelled' });
  });
});

test('a request that does not exist is named', async () => {
  const run = await cli('status', 'nobody');
  expect(run.code).toBe(1);
  expect(run.stderr).toMatch(/REQUEST_NOT_FOUND.*nobody/);
});

test('doctor tells what works and what is missing', async () => {
  const run = await cli('doctor', '--json');
  const { checks } = JSON.parse(run.stdout) as { checks: { part: string; state: string }[] };
  const state = Object.fromEntries(checks.map((check) => [check.part, check.state]));
  expect(state).toMatchObject({
    node: 'ok',
    temporal: 'ok',
    worker: 'ok',
    comfyui: 'ok',
    storage: 'ok',
    scorers: 'ok',
  });
  expect(run.code).toBe(0);

  const broken = await runCli(['doctor'], {
    env: { ...env, CULL_COMFYUI_URLS: 'http://127.0.0.1:9' },
    cwd: pipeline.dir,
  });
  expect(broken.code).toBe(1);
  expect(broken.stdout).toMatch(/broken +comfyui +127\.0\.0\.1-9 at http:\/\/127\.0\.0\.1:9/);
});
