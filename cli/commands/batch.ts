import { mkdir, open, type FileHandle } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';
import { stringify } from 'csv-stringify/sync';
import type { Command } from 'commander';
import { batchDoc, batchProgress, batchResult, batchRows, cancelBatch, listBatches } from '../../client/batch-reads.js';
import { retryBatch, startBatch, type TakenBatch } from '../../client/batch.js';
import type { Cull } from '../../client/cull.js';
import { readConfig } from '../../config.js';
import { CullError, messageOf } from '../../errors.js';
import type { BatchResult } from '../../workflows/batch-contract.js';
import { batchLines } from '../batch-lines.js';
import { EXIT } from '../follow.js';
import { wholeNumber } from '../options.js';
import type { Output } from '../output.js';
import { readRelease } from '../release.js';
import { batchLine, TABLE_COLUMNS, tableRow, type BatchStanding } from '../views/batch.js';
import { createLiveLine } from '../views/live-line.js';
import { withCull } from '../with-cull.js';

interface Shared {
  json?: true;
}
interface Running extends Shared {
  out: string;
  detach?: true;
}
interface Options extends Running {
  template?: string;
  policy?: string;
  window?: number;
  key?: string;
}

const LOOK_EVERY_MS = 500;

/** `comfy-cull batch requests.ndjson --template …`: many requests; and what one does with batches that exist. */
export function addBatch(program: Command): void {
  const batch = program
    .command('batch')
    .description('run a file of requests (NDJSON), so many at once; results line for line')
    .argument(
      '<file>',
      'one request a line: { "inputs": {…}, "deliver": 4, "key": "sku-1" }; images by path, from the file',
    )
    .option('-t, --template <template>', 'wanted: API-format workflow JSON, with its bindings beside it')
    .option('-p, --policy <file>', "policy file (default: the template's)")
    .option('-w, --window <n>', 'requests open at once, 1 to 64 (default: 16)', wholeNumber)
    .option('--key <key>', 'idempotency key: the same key and lines are the same batch')
    .option('-o, --out <folder>', 'where results.ndjson and results.csv go', 'out')
    .option('-d, --detach', 'print the name and return; the batch goes on')
    .option('--json', 'print the result on stdout, all else on stderr')
    .action(async (file: string, options: Options) => {
      const { template, policy: policyPath, window, key } = options;
      // not commander's required option: that one would be required of `batch list`, too
      if (template === undefined)
        throw new CullError('USAGE', 'a batch needs a template', {
          hint: 'comfy-cull batch requests.ndjson --template product.json',
        });
      const config = readConfig(process.env);
      const { scorers, allowNodes } = config;
      const release = await readRelease(template, { policyPath, scorers, allowNodes });
      await withCull(options, async (cull, output) => {
        const input = (await opened(file)).createReadStream();
        const taken = await startBatch(cull, {
          lines: createInterface({ input, crlfDelay: Infinity }),
          optionsOf: batchLines(cull, release, { from: dirname(resolve(file)) }),
          ...(key !== undefined && { key }),
          ...(window !== undefined && { window }),
        });
        return runOn(cull, taken, { output, ...options });
      });
    });

  batch
    .command('watch')
    .description('follow a batch to its end, then write its results')
    .argument('<batch>')
    .option('-o, --out <folder>', 'where the results go', 'out')
    .option('--json', 'print the result on stdout, all else on stderr')
    .action((name: string, options: Running) =>
      withCull(options, (cull, output) => followBatch(cull, name, { output, ...options })),
    );
  batch
    .command('cancel')
    .description('stop a batch: open requests are cancelled, the rest is not started')
    .argument('<batch>')
    .option('--json', 'one JSON document: { batch, state }')
    .action((name: string, options: Shared) =>
      withCull(options, async (cull, output) => {
        const before = await batchResult(cull, name);
        if (!before) await cancelBatch(cull, name);
        output.document({ batch: name, state: before?.state ?? 'cancelling' });
        output.text(before ? `${name} had ended before: ${before.state}` : `${name} is being cancelled`);
        return 0;
      }),
    );
  batch
    .command('retry')
    .description('a new batch of the lines that fell short, failed or never started, with other seeds')
    .argument('<batch>')
    .option('-o, --out <folder>', 'where the results go', 'out')
    .option('-d, --detach', 'print the name and return')
    .option('--json', 'print the result on stdout, all else on stderr')
    .action((name: string, options: Running) =>
      withCull(options, async (cull, output) => runOn(cull, await retryBatch(cull, name), { output, ...options })),
    );
  batch
    .command('list')
    .description('the newest batches')
    .option('-l, --limit <n>', 'how many', wholeNumber, 20)
    .option('--json', 'NDJSON: one batch a line')
    .action((options: Shared & { limit: number }) =>
      withCull(options, async (cull, output) => {
        const { items: all } = await listBatches(cull, { limit: options.limit });
        for (const { doc, result } of all) {
          const state = result?.state ?? 'running';
          output.document({
            batch: doc.batch,
            state,
            lines: doc.lines,
            createdAt: doc.createdAt,
            counts: result?.counts ?? null,
          });
          const images = result ? `${result.counts.delivered} delivered, ${result.counts.images} images` : '';
          output.text(
            `${doc.batch.padEnd(28)} ${state.padEnd(9)} ${String(doc.lines).padStart(7)} lines  ${doc.createdAt}  ${images}`,
          );
        }
        if (all.length === 0) output.note('no batch yet');
        return 0;
      }),
    );
}

async function opened(file: string): Promise<FileHandle> {
  return open(file).catch((error: unknown) => {
    throw new CullError('USAGE', `${file} cannot be read: ${messageOf(error)}`, { hint: 'check the path' });
  });
}

async function runOn(cull: Cull, taken: TakenBatch, options: Running & { output: Output }): Promise<number> {
  const { output, detach } = options;
  output.note(
    `batch ${taken.batch}: ${taken.lines} lines${taken.invalid > 0 ? `, ${taken.invalid} of them refused` : ''}`,
  );
  for (const { line, code, message } of taken.refused) output.note(`  line ${line}: ${code}: ${message}`);
  if (detach) {
    output.document({ batch: taken.batch });
    output.text(taken.batch);
    return 0;
  }
  return followBatch(cull, taken.batch, options);
}

/** Watches to the end; Ctrl-C ends only the watching. Writes the results, and says how it went. */
async function followBatch(cull: Cull, batch: string, { output, out }: Running & { output: Output }): Promise<number> {
  const { lines, invalid, createdAt } = await batchDoc(cull, batch);
  const display = createLiveLine<BatchStanding>(
    { text: batchLine, key: ({ counts, open: requests }) => JSON.stringify([counts, requests]) },
    { stream: process.stderr },
  );
  const interrupted = new AbortController();
  const onSignal = (): void => interrupted.abort();
  process.once('SIGINT', onSignal);
  try {
    for (;;) {
      const result = await batchResult(cull, batch);
      if (result) {
        display.done();
        return await finish(cull, result, { output, out });
      }
      const progress = await batchProgress(cull, batch);
      if (progress)
        display.update({
          lines,
          invalid,
          startedAt: Date.parse(createdAt),
          open: progress.open,
          counts: progress.counts,
        });
      await wait(LOOK_EVERY_MS, undefined, { signal: interrupted.signal });
    }
  } catch (error) {
    display.done();
    if (!interrupted.signal.aborted) throw error;
    output.note(
      `\nThe batch goes on. To watch it again: comfy-cull batch watch ${batch}\nTo stop it: comfy-cull batch cancel ${batch}`,
    );
    return EXIT.interrupted;
  } finally {
    process.off('SIGINT', onSignal);
  }
}

async function finish(
  cull: Cull,
  result: BatchResult,
  { output, out }: { output: Output; out: string },
): Promise<number> {
  const { batch, state, lines, counts } = result;
  const folder = join(out, batch);
  await mkdir(folder, { recursive: true });
  const [rows, table] = await Promise.all([
    open(join(folder, 'results.ndjson'), 'w'),
    open(join(folder, 'results.csv'), 'w'),
  ]);
  try {
    await table.write(stringify([[...TABLE_COLUMNS]]));
    for await (const row of batchRows(cull, batch)) {
      await rows.write(`${JSON.stringify(row)}\n`);
      await table.write(stringify([tableRow(row)], { escape_formulas: true }));
    }
  } finally {
    await Promise.all([rows.close(), table.close()]);
  }
  output.document(result);
  output.text(
    `batch ${batch}: ${state}, ${counts.delivered} of ${lines} delivered (${counts.images} images), ${counts.shortfall} short, ` +
      `${counts.failed} failed, ${counts.cancelled} cancelled, ${counts.invalid} refused`,
  );
  output.text(`${join(folder, 'results.ndjson')}, ${join(folder, 'results.csv')}`);
  if (state === 'cancelled') return EXIT.cancelled;
  if (counts.failed > 0) return EXIT.failed;
  return counts.delivered < lines ? EXIT.shortfall : EXIT.delivered;
}
