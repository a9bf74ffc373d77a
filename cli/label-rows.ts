/** Files of labels, NDJSON or CSV, as rows that know their line. */
import { readFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { CsvError, parse } from 'csv-parse/sync';
import { CullError, messageOf } from '../errors.js';
import { readLabels, type Label, type LabelRow } from '../selection/tuning/labels.js';

/** Spreadsheets write UTF-8 with a mark in front, or UTF-16, the one or the other byte first. */
function textOf(bytes: Buffer): string {
  const [first, second] = bytes;
  if (first === 0xff && second === 0xfe) return new TextDecoder('utf-16le').decode(bytes);
  if (first === 0xfe && second === 0xff) return new TextDecoder('utf-16be').decode(bytes);
  return new TextDecoder().decode(bytes);
}

/** No field has one in its name, so what a header has is what separates. */
const SEPARATORS = [',', ';', '\t'];

/**
 * The labels of a file; `-` is standard input. A file whose first character is `{` is NDJSON, any other is CSV with a header; commas, semicolons or tabs separate.
 *
 * @throws CullError USAGE if it cannot be read, LABELS_INVALID naming every bad row with its line
 */
export async function labelsOf(file: string): Promise<Label[]> {
  let text: string;
  try {
    text = textOf(file === '-' ? await buffer(process.stdin) : await readFile(file));
  } catch (error) {
    throw new CullError('USAGE', `${file} cannot be read: ${messageOf(error)}`, { hint: 'check the path' });
  }
  const name = file === '-' ? 'stdin' : file;
  const first = text.trimStart()[0];
  if (first === '[')
    throw new CullError('LABELS_INVALID', `${name}: this is a JSON array, and labels are NDJSON: one { … } a line`, {
      hint: `write each label on a line of its own: jq -c '.[]' ${name}`,
    });
  const rows = first === '{' ? ndjsonRows(text, name) : csvRows(text, name);
  return readLabels(rows, { file: name });
}

function ndjsonRows(text: string, file: string): LabelRow[] {
  return text.split('\n').flatMap((line, i): LabelRow[] => {
    if (line.trim() === '') return [];
    try {
      return [{ line: i + 1, value: JSON.parse(line) as unknown }];
    } catch (error) {
      throw new CullError('LABELS_INVALID', `${file}:${i + 1}: this is not JSON: ${messageOf(error)}`, {
        hint: 'write one label a line',
      });
    }
  });
}

function csvRows(text: string, file: string): LabelRow[] {
  try {
    const [header = ''] = text.split(/\r?\n/, 1);
    const rows = parse<{ record: unknown; info: { lines: number } }>(text, {
      columns(names: string[]) {
        // the reader would take the last of two and say nothing
        const twice = names.find((name, i) => names.indexOf(name) !== i);
        if (twice !== undefined) throw new Error(`the header names "${twice}" twice`);
        return names;
      },
      delimiter: SEPARATORS.find((separator) => header.includes(separator)) ?? ',',
      info: true,
      skip_empty_lines: true,
      trim: true,
    });
    return rows.map(({ record, info }) => ({ line: info.lines, value: record }));
  } catch (error) {
    const line = error instanceof CsvError && typeof error['lines'] === 'number' ? `:${error['lines']}` : '';
    throw new CullError('LABELS_INVALID', `${file}${line}: this is not CSV with a header: ${messageOf(error)}`, {
      hint: 'the first line names the fields: request,candidate,gate,verdict,who',
    });
  }
}
