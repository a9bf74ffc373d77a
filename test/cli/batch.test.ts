/** `comfy-cull batch`, run as its users run it. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { BatchResult, BatchRow } from '../../workflows/batch-contract.js';
import { runCli } from '../support/cli.js';
import { openPipeline, PROMPT, type Pipeline } from '../support/pipeline.js';
import { startSandbox, type TestSandbox } from '../support/sandbox.js';
import { temporalAddress } from '../support/temporal-address.js';

let sandbox: TestSandbox;
let pipeline: Pipeline;
beforeAll(async () => {
  sandbox = await startSandbox();
  pipeline = await openPipeline({ address: temporalAddress, comfyUrls: [sandbox.url] });
});
afterAll(async () => {
  await pipeline.close();
  await sandbox.close();
});

const cli = (...args: string[]) => runCli(args, { env: pipeline.env, cwd: pipeline.dir });
const PRODUCT = ['-t', 'examples/templates/product.json', '-p', 'examples/policies/generic.yaml'];

test('runs a file, writes results and table, and lists the batch', async () => {
  const inputs = { prompt: PROMPT, width: 128, height: 128 };
  const lines = [
    { inputs, candidates: 2, seed: 1, key: '=sum' },
    { inputs, candidates: 2, seed: 1, key: 'mug' },
    { inputs: { ...inputs, width: 'wide' }, key: 'bad' },
    { inputs, candidates: 2, seed: 2, key: 'vase' },
  ];
  await writeFile(join(pipeline.dir, 'requests.ndjson'), lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  const run = await cli('batch', 'requests.ndjson', ...PRODUCT, '--key', 'night', '--json');
  const result = JSON.parse(run.stdout) as BatchResult;
  expect(result).toMatchObject({ batch: 'night', state: 'done', lines: 4, counts: { invalid: 2, started: 2 } });
  expect(run.stderr).toMatch(/line 3: TEMPLATE_INPUT_INVALID/);
  expect(run.code).toBe(3);

  const folder = join(pipeline.dir, 'out/night');
  const rows = (await readFile(join(folder, 'results.ndjson'), 'utf8')).trim().split('\n');
  expect(rows.map((line) => (JSON.parse(line) as BatchRow).state === 'invalid')).toEqual([true, false, true, false]);
  const csv = await readFile(join(folder, 'results.csv'), 'utf8');
  const table = parse<Record<string, string>>(csv, { columns: true });
  expect(table.map(({ line }) => line)).toEqual(['1', '2', '3', '4']);
  expect(table[1]?.['request']).toBe('night.mug');
  expect(table[2]?.['error']).toMatch(/TEMPLATE_INPUT_INVALID/);

  expect((await cli('batch', 'list')).stdout).toMatch(/^night +done +4 lines/);
  expect((await cli('batch', 'cancel', 'night')).stdout).toMatch(/had ended before: done/);
  const nothing = await cli('batch', 'watch', 'day');
  expect([nothing.code, nothing.stderr]).toEqual([1, expect.stringMatching(/BATCH_NOT_FOUND/)]);
});

test('a file that is not there, or empty, starts nothing', async () => {
  const missing = await cli('batch', 'none.ndjson', ...PRODUCT);
  expect([missing.code, missing.stderr]).toEqual([2, expect.stringMatching(/none\.ndjson/)]);
  await writeFile(join(pipeline.dir, 'empty.ndjson'), '\n');
  const empty = await cli('batch', 'empty.ndjson', ...PRODUCT);
  expect([empty.code, empty.stderr]).toEqual([2, expect.stringMatching(/no line/)]);
});
