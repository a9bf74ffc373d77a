import { rename, rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { fileWriter, parquetWriteRows } from 'hyparquet-writer';
import { readConfig } from '../../config.js';
import { CullError, messageOf } from '../../errors.js';
import { lookBack, withLookBack, type LookBackOptions } from '../look-back.js';
import { wholeNumber } from '../options.js';
import { createOutput } from '../output.js';
import { columnsOf, noteDimensions, type Column, type DimensionsFound } from '../table.js';

interface ExportCommand extends LookBackOptions {
  parquet: string;
  rowGroup: number;
  json?: true;
}

/** `comfy-cull export`: finished requests as one table; no server. */
export function addExport(program: Command): void {
  const command = program
    .command('export')
    .description('the candidates of finished requests as one Parquet table, for notebooks and DuckDB')
    .requiredOption('--parquet <file>', 'where the table goes; what is there is replaced');
  withLookBack(command)
    .option('--row-group <rows>', 'rows that are in memory at once', wholeNumber, 10_000)
    .option('--json', 'one JSON document: { file, rows, requests, columns, unreadable }')
    .action(async (options: ExportCommand) => {
      const output = createOutput({ json: options.json === true });
      const back = lookBack(options, { config: readConfig(process.env), output });
      const found: DimensionsFound = new Map();
      const requests: string[] = [];
      for await (const { asked, records } of back.read(await back.requests())) {
        requests.push(asked.request);
        for (const record of records) noteDimensions(record, found);
      }
      if (requests.length === 0)
        throw new CullError(
          'REQUEST_NOT_FOUND',
          `no request of tenant ${back.tenant} has ended since ${options.since}`,
          {
            hint: 'reach further back with --since, or check --release and --tenant; `comfy-cull list` shows the newest',
          },
        );

      const columns = columnsOf(found);
      let count = 0;
      const rows = async function* () {
        for await (const finished of back.read(requests))
          for (const record of finished.records) {
            count++;
            yield Object.fromEntries(columns.map(({ name, of }) => [name, of(finished, record)]));
          }
      };
      const file = resolve(options.parquet);
      await writeTable(file, { columns, rows: rows(), rowGroupSize: options.rowGroup });
      const unreadable = back.unreadable();
      output.document({ file, rows: count, requests: requests.length, columns: columns.length, unreadable });
      output.text(
        `${count} candidates of ${requests.length} request${requests.length === 1 ? '' : 's'} in ${file}, ${columns.length} columns`,
      );
      process.exitCode = unreadable === 0 ? 0 : 1;
    });
}

/** The file appears whole or not at all. */
async function writeTable(
  file: string,
  table: { columns: readonly Column[]; rows: AsyncIterable<Record<string, unknown>>; rowGroupSize: number },
): Promise<void> {
  const draft = `${file}.${process.pid}.part`;
  try {
    await parquetWriteRows({
      writer: fileWriter(draft),
      rows: table.rows,
      rowGroupSize: table.rowGroupSize,
      columns: table.columns.map(({ name, type }) => ({ name, type })),
      createdBy: 'comfy-cull',
    });
    await rename(draft, file);
  } catch (error) {
    await rm(draft, { force: true });
    if (error instanceof CullError) throw error;
    const isFull = (error as NodeJS.ErrnoException).code === 'ENOSPC';
    throw new CullError(isFull ? 'STORAGE_FULL' : 'STORAGE_UNWRITABLE', `cannot write ${file}: ${messageOf(error)}`, {
      hint: isFull ? 'free some space, or choose another place with --parquet' : 'choose another place with --parquet',
      cause: error,
    });
  }
}
