/** Candidates for a person to look at, in words: which, why, where, and what to type. */
import { fileURLToPath } from 'node:url';
import type { Reviewed } from '../../client/review.js';
import type { Reviewable } from '../../workflows/contract.js';
import { numberText, wrap } from './format.js';

const INDENT = '  ';
const LEAST_WIDTH = 30;

export const DECIDED = { accept: 'accepted', reject: 'rejected' } as const;

/** `1 candidate`, `3 candidates`. */
export const candidatesText = (count: number): string => `${count} candidate${count === 1 ? '' : 's'}`;

/** One candidate a paragraph: number and quality, the reasons, the picture. */
export const reviewableLines = (list: readonly Reviewable[], columns: number): string[] =>
  list.flatMap(({ candidate, quality, failed, key, url }) =>
    paragraph(`candidate ${candidate}, quality ${numberText(quality)}`, {
      columns,
      reasons: failed.map(({ reason }) => reason),
      place: placeOf({ key, url }),
    }),
  );

/** A headline, and under it reasons and where the picture lies. */
export function paragraph(
  head: string,
  { reasons, place, columns }: { reasons: readonly string[]; place: string; columns: number },
): string[] {
  const margin = INDENT.repeat(2);
  const width = Math.max(LEAST_WIDTH, columns - margin.length);
  return [
    INDENT + head,
    ...reasons.flatMap((reason) => wrap(reason, width)).map((line) => margin + line),
    margin + place,
  ];
}

/** What to type to accept all of them; every other choice is a part of it. */
export const reviewCommand = (request: string, candidates: readonly number[]): string =>
  `comfy-cull review ${request} accept ${candidates.join(' ')}`;

/** Where a picture lies: a path for files, the key for anything else (signed URLs are too long to read). */
export function placeOf({ key, url }: { key: string; url: string }): string {
  if (!url.startsWith('file:')) return key;
  try {
    return fileURLToPath(url);
  } catch {
    return key;
  }
}

/** What became of decisions. */
export function reviewedText({ request, state, wanted, counted, waiting, decisions, labels }: Reviewed): string {
  const lines = decisions.map(({ candidate, decision, by, at, known, asked }) => {
    return `candidate ${candidate}: ${DECIDED[decision]}${known ? ` before, by ${by} at ${at}` : ''}${asked === 'audit' ? ' (audit: a label)' : ''}`;
  });
  const left = waiting > 0 ? `; ${waiting} more can be reviewed` : '';
  const standing =
    state !== 'running'
      ? `${request} has ended: ${state}, ${counted} of ${wanted} delivered${left}\nIts files, as they are now: comfy-cull watch ${request}`
      : counted >= wanted
        ? `${request}: ${counted} of ${wanted} count; they are being delivered: comfy-cull watch ${request}`
        : `${request}: ${counted} of ${wanted} count so far${left}`;
  return [...lines, `${labels} labels stored`, standing].join('\n');
}
