/** Human verdicts: rows of an NDJSON or CSV file to typed labels, every bad row with its line. */
import { CullError } from '../../errors.js';
import { didYouMean } from '../closest.js';
import { utcTime } from '../utc-time.js';
import { grouped } from './groups.js';

/** A row as a file has it: a record of fields, and where it stands. */
export interface LabelRow {
  /** From 1. */
  line: number;
  value: unknown;
}

/** What somebody said of a picture. */
export interface Label {
  /** `<request>/<candidate>`, or what `image` said: a file, a storage key or a sha256. */
  picture: string;
  /** The gate that was judged; null: the picture as a whole. */
  gate: string | null;
  pass: boolean;
  who: string;
  /** What was drawn together and shares its fate: a request, a customer. Absent: the candidate's request, else the picture alone. */
  job?: string;
  /** Of whom or what gaps are reported: a skin tone, a product line. */
  subgroup?: string;
  /** ISO 8601 in UTC. The later of two verdicts of one person counts. */
  at?: string;
  /** Why the picture was looked at, where Cull asked: the band review, or the audit sample. Absent: whoever labelled it picked it. */
  from?: LabelSource;
}

export type LabelSource = 'review' | 'audit';

export const LABEL_FIELDS = [
  'request',
  'candidate',
  'image',
  'gate',
  'verdict',
  'who',
  'job',
  'subgroup',
  'at',
] as const;
type Field = (typeof LABEL_FIELDS)[number];
const MOST_SHOWN = 20;

/** Why a row is no label. */
class BadRow extends Error {}

/**
 * Rows to labels. A row names its picture (`request` and `candidate`, or `candidate` as `request/7`, or `image`: a file, storage key or sha256),
 * a `verdict` (`pass` or `fail`), `who` said it, and may have `gate` (without: the whole picture), `job`, `subgroup`, `at`. Values may be texts, as CSV
 * has them; empty ones are absent.
 *
 * @param rows in the order of the file
 * @param options `file`: the name that mistakes are reported under
 * @throws CullError LABELS_INVALID naming every bad row as `file:line: why`; nothing is taken from a file with a bad row
 *
 * @example
 * readLabels([{ line: 1, value: { image: 'a.png', verdict: 'fail', who: 'ann', gate: 'sharpness.tileP90' } }], { file: 'labels.ndjson' });
 */
export function readLabels(rows: readonly LabelRow[], options: { file: string }): Label[] {
  const problems: { line: number; message: string }[] = [];
  const labels = rows.flatMap(({ line, value }): Label[] => {
    try {
      return [readRow(value)];
    } catch (error) {
      if (!(error instanceof BadRow)) throw error;
      problems.push({ line, message: error.message });
      return [];
    }
  });
  if (problems.length > 0) {
    const lines = problems.map(({ line, message }) => `${options.file}:${line}: ${message}`);
    throw new CullError('LABELS_INVALID', listed(lines), {
      hint: 'write picture, verdict and who: request,candidate,gate,verdict,who (docs/tuning.md)',
      details: { file: options.file, problems },
    });
  }
  if (labels.length === 0)
    throw new CullError('LABELS_INVALID', `${options.file} has no label in it`, { hint: 'see docs/tuning.md' });
  return labels;
}

/** Many lines for people: the first ones, and how many more there are. */
export const listed = (lines: readonly string[]): string =>
  [
    ...lines.slice(0, MOST_SHOWN),
    ...(lines.length > MOST_SHOWN ? [`… and ${lines.length - MOST_SHOWN} more`] : []),
  ].join('\n');

function readRow(value: unknown): Label {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new BadRow('this is no record of fields');
  const row = value as Record<string, unknown>;
  for (const name of Object.keys(row))
    if (!LABEL_FIELDS.some((field) => field === name))
      throw new BadRow(
        `a label has no "${name}"${didYouMean(name, LABEL_FIELDS) || `; it has ${LABEL_FIELDS.join(', ')}`}`,
      );
  const text = (field: Field): string | undefined => {
    const given = Object.hasOwn(row, field) ? row[field] : undefined;
    if (given === undefined || given === null || given === '') return undefined;
    if (typeof given !== 'string' && typeof given !== 'number') throw new BadRow(`"${field}" must be a text`);
    const trimmed = String(given).trim();
    return trimmed === '' ? undefined : trimmed;
  };
  const picture = pictureOf({ request: text('request'), candidate: text('candidate'), image: text('image') });
  const who = text('who');
  if (who === undefined) throw new BadRow('"who" is missing: whoever judged it');
  const pass = verdictOf(text('verdict'));
  const [subgroup, at] = [text('subgroup'), timeOf(text('at'))];
  // A file does not say what it was drawn with, the row may.
  const job = text('job') ?? (text('image') === undefined ? undefined : text('request'));
  return {
    picture,
    gate: text('gate') ?? null,
    pass,
    who,
    ...(job !== undefined && { job }),
    ...(subgroup !== undefined && { subgroup }),
    ...(at !== undefined && { at }),
  };
}

/** In one form, as later ones are told by their text. */
function timeOf(at: string | undefined): string | undefined {
  const time = at === undefined ? undefined : utcTime(at);
  if (at !== undefined && time === undefined) throw new BadRow(`"at" is no time: ${at}; write 2026-11-24T10:00:00Z`);
  return time;
}

function pictureOf(named: Record<'request' | 'candidate' | 'image', string | undefined>): string {
  const { request, candidate, image } = named;
  if (image !== undefined) {
    if (candidate === undefined) return image;
    throw new BadRow('"candidate" and "image" are both given: name the picture once');
  }
  if (candidate === undefined) throw new BadRow('no picture is named: give "request" and "candidate", or "image"');
  const [, within, index = candidate] = /^(.+)\/(\d+)$/.exec(candidate) ?? [];
  if (!/^\d+$/.test(index)) throw new BadRow(`"candidate" must be a number, or request/number, not "${candidate}"`);
  if (request !== undefined && within !== undefined && request !== within)
    throw new BadRow(`"candidate" is of ${within}, and "request" says ${request}: name the request once`);
  const of = request ?? within;
  if (of === undefined) throw new BadRow('"candidate" needs its "request"');
  return pictureName(of, Number(index));
}

/** What a label calls a candidate of a request. */
export const pictureName = (request: string, candidate: number): string => `${request}/${candidate}`;

function verdictOf(verdict: string | undefined): boolean {
  if (verdict === undefined) throw new BadRow('"verdict" is missing: pass or fail');
  const said = verdict.toLowerCase();
  if (said === 'pass' || said === 'fail') return said === 'pass';
  throw new BadRow(`"verdict" must be pass or fail, not "${verdict}"`);
}

/**
 * Refuses labels in which one person says both of one picture and gate, without a time that says what came last.
 *
 * @throws CullError LABELS_CONTRADICT naming each
 */
export function checkOwnWords(labels: readonly Label[]): void {
  const words = grouped(labels, ({ picture, gate, who, at }) => JSON.stringify([picture, gate, who, at]));
  const twice = [...words.values()].filter((said) => new Set(said.map(({ pass }) => pass)).size > 1);
  if (twice.length === 0) return;
  const lines = twice.map(
    ([one]) => `${one?.picture ?? ''}, ${one?.gate ?? 'as a whole'}: ${one?.who ?? ''} says pass and fail`,
  );
  throw new CullError('LABELS_CONTRADICT', listed(lines), {
    hint: 'keep one of them, or give each its time in "at"',
    details: lines,
  });
}
