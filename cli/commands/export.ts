import { rename, rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { fileWriter, parquetWriteRows } from 'hyparquet-writer';
import { finishedRequests, requestsSince } from '../../client/finished.js';
import { readConfig } from '../../config.js';
import { CullError, messageOf } from '../../errors.js';
import { openStorage } from '../../storage/index.js';
import { checkName } from '../../storage/keys.js';
import { releaseName, wholeNumber } from '../options.js';
import { createOutput } from '../output.js';
import { columnsOf, noteDimensions, type Column, type DimensionsFound } from '../table.js';
import { sinceOption } from './replay.js';

interface ExportCommand {
  parquet: string;
  since: string;
  release?: string;
  tenant?: string;
  rowGroup: number;
  json?: true;
}

/** `comfy-cull export`: finished requests as one table; no server. */
export function addExport(program: Command): void {
  program
    .command('export')
    .description('the candidates of finished requests as one Parquet table, for notebooks and DuckDB')
    .requiredOption('--parquet <file>', 'where the table goes; what is there is replaced')
    .addOption(sinceOption())
    .option('--release <id>', 'only requests of this release: sha256:…, or how it starts', releaseName)
    .option('--tenant <name>', 'whose requests (default: CULL_TENANT)')
    .option('--row-group <rows>', 'rows that are in memory at once', wholeNumber, 10_000)
    .option('--json', 'one JSON document: { file, rows, requests, columns, unreadable }')
    .action(async (options: ExportCommand) => {
      const output = createOutput({ json: options.json === true });
      const config = readConfig(process.env);
      const tenant = checkName('tenant', options.tenant ?? config.tenant);
      const storage = openStorage(config.storage);
      let unreadable = 0;
      const looking = {
        tenant,
        since: options.since,
        release: options.release,
        onProblem: (problem: string) => {
          unreadable++;
          output.note(problem);
        },
      };
      const names = (await requestsSince(storage, looking)).reverse();
      const found: DimensionsFound = new Map();
      const requests: string[] = [];
      for await (const { asked, records } of finishedRequests(storage, names, looking)) {
        requests.push(asked.request);
        for (const record of records) noteDimensions(record, found);
      }
      if (requests.length === 0)
        throw new CullError('REQUEST_NOT_FOUND', `no request of tenant ${tenant} has ended since ${options.since}`, {
          hint: 'reach further back with --since, or check --release and --tenant; `comfy-cull list` shows the newest',
        });

      const columns = columnsOf(found);
      let count = 0;
      // what cannot be read was said the first time
      const again = finishedRequests(storage, requests, { ...looking, onProblem: () => undefined });
      const rows = async function* () {
        for await (const finished of again)
          for (const record of finished.records) {
            count++;
            yield Object.fromEntries(columns.map(({ name, of }) => [name, of(finished, record)]));
          }
      };
      const file = resolve(options.parquet);
      await writeTable(file, { columns, rows: rows(), rowGroupSize: options.rowGroup });
      output.document({ file, rows: count, requests: requests.length, columns: columns.length, unreadable });
      output.text(`${count} candidates of ${requests.length} requests in ${file}, ${columns.length} columns`);
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
