/** What `erase` found and removed, as a table. */
import type { Erased } from '../../client/erase.js';
import type { Unreached } from '../erase-reach.js';

export interface EraseReport extends Erased {
  tenant: string;
  request: string | null;
  dryRun: boolean;
  /** Nothing that can be listed is left, and every place has answered. */
  complete: boolean;
  kept: Unreached[];
  beyondReach: Unreached[];
}

/** Rows, then what was not reached, what stays, and what no command reaches. */
export function eraseText({ rows, notReached, kept, beyondReach, ...report }: EraseReport): string {
  const of =
    report.request === null ? `tenant ${report.tenant}` : `request ${report.request} of tenant ${report.tenant}`;
  const table = [
    ['place', 'what', 'found', report.dryRun ? '' : 'left'],
    ...rows.map(({ place, kind, found, left }) => [place, kind, String(found), report.dryRun ? '' : String(left)]),
  ];
  const widths = [0, 1, 2, 3].map((i) => Math.max(...table.map((cells) => (cells[i] ?? '').length)));
  const line = (cells: string[]): string =>
    cells
      .map((cell, i) => (i < 2 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
      .join('  ')
      .trimEnd();
  const listed = (title: string, items: readonly Unreached[]): string[] =>
    items.length === 0 ? [] : ['', title, ...items.map(({ what, why }) => `  ${what}: ${why}`)];
  return [
    ...(rows.length === 0 ? [`nothing of ${of} was found; is that the name?`] : table.map(line)),
    ...rows.flatMap(({ place, kind, left, examples }) =>
      left === 0 ? [] : ['', `${left} ${kind} still in ${place}:`, ...examples.map((name) => `  ${name}`)],
    ),
    ...listed(
      'Not reached; run it again once they answer:',
      notReached.map(({ place, why }) => ({ what: place, why })),
    ),
    ...listed('Stays, as it is not theirs:', kept),
    ...listed('No command reaches:', beyondReach),
    '',
    report.dryRun
      ? `${of}: nothing was removed (--dry-run)`
      : report.complete
        ? `${of}: erased; nothing that can be listed is left`
        : `${of}: NOT all erased; run the command again`,
  ].join('\n');
}
