/** A batch on one line, and as a table. */
import type { BatchCounts, BatchRow } from '../../workflows/batch-contract.js';
import { durationText } from './format.js';

export interface BatchStanding {
  lines: number;
  invalid: number;
  open: number;
  counts: BatchCounts;
  /** Milliseconds since the epoch. */
  startedAt: number;
}

const MAX_BAR = 32;

/**
 * Where a batch stands.
 *
 * @example
 * batchLine(standing, { columns: 100, now: Date.now() }); // [####----]  50 %  100/200 ended  90 delivered  8 short  2 failed  16 open  about 4 min left
 */
export function batchLine(standing: BatchStanding, { columns, now }: { columns: number; now: number }): string {
  const { lines, invalid, open, counts, startedAt } = standing;
  const ended = counts.delivered + counts.shortfall + counts.failed + counts.cancelled;
  const all = Math.max(1, lines - invalid);
  const share = ended / all;
  const left =
    ended > 0 && ended < all ? `about ${durationText(((now - startedAt) / ended) * (all - ended))} left` : '';
  const words = [
    `${Math.floor(share * 100)} %`,
    `${ended}/${all} ended`,
    `${counts.delivered} delivered`,
    ...(counts.shortfall > 0 ? [`${counts.shortfall} short`] : []),
    ...(counts.failed > 0 ? [`${counts.failed} failed`] : []),
    ...(counts.cancelled > 0 ? [`${counts.cancelled} cancelled`] : []),
    `${counts.images} images`,
    `${open} open`,
    ...(left === '' ? [] : [left]),
  ];
  if (columns === 0) return words.join(', ');
  const text = words.join('  ');
  const bar = Math.min(MAX_BAR, columns - text.length - 5);
  if (bar < 8) return text.slice(0, columns - 1);
  const filled = Math.round(share * bar);
  return `[${'#'.repeat(filled)}${'-'.repeat(bar - filled)}]  ${text}`;
}

export const TABLE_COLUMNS = [
  'line',
  'request',
  'state',
  'wanted',
  'delivered',
  'missing',
  'gates',
  'images',
  'error',
] as const;

/** A line of the results as a row of a table; images by key, the gates that rejected most first. */
export const tableRow = ({
  line,
  request,
  state,
  wanted,
  delivered,
  shortfall,
  error,
}: BatchRow): (string | number)[] => [
  line,
  request ?? '',
  state,
  wanted ?? '',
  delivered.length,
  shortfall?.missing ?? '',
  Object.entries(shortfall?.gates ?? {})
    .sort(([, a], [, b]) => b - a)
    .map(([gate, count]) => `${gate}:${count}`)
    .join(' '),
  delivered.map(({ key }) => key).join(' '),
  error === null ? '' : `${error.code}: ${error.message}`,
];
