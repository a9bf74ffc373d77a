/** A replay in words: what would have been delivered, by which gates, and how far it can be believed. */
import type { ReplaySummary } from '../commands/replay.js';
import { printable } from './format.js';

const LABEL = 34;
const COLUMN = 11;

/**
 * A report for a terminal: plain text, aligned, no colour.
 *
 * @example
 * process.stdout.write(replayReport(summary));
 */
export function replayReport(summary: ReplaySummary): string {
  const sections = [
    headline(summary),
    deliveries(summary),
    gateTable(summary),
    missing(summary),
    refusals(summary),
    disagreements(summary),
  ];
  return printable(
    sections
      .filter((lines) => lines.length > 0)
      .map((lines) => lines.join('\n'))
      .join('\n\n'),
  );
}

const count = (n: number): string => n.toLocaleString('en-GB');
const some = (n: number, one: string): string => `${count(n)} ${one}${n === 1 ? '' : 's'}`;
const row = (label: string, ...cells: string[]): string =>
  `  ${label.padEnd(LABEL)}${cells.map((cell) => cell.padStart(COLUMN)).join('')}`.trimEnd();
const change = (before: number, after: number): string =>
  before === after ? '' : `${after > before ? '+' : '-'}${count(Math.abs(after - before))}`;
const compared = (label: string, { before, after }: { before: number; after: number }): string =>
  row(label, count(before), count(after), change(before, after));

function headline(summary: ReplaySummary): string[] {
  const { policy, tenant, since, release, requests, candidates, judgedBy, leftOut, otherGroups } = summary;
  const of = release === null ? '' : `, release ${release}`;
  const lines = [
    `The policy ${policy} on ${some(requests.replayed, 'request')} (${some(candidates, 'candidate')}) of ${tenant} since ${since}${of}`,
  ];
  const policies = Object.entries(judgedBy).map(([name, n]) => `${name} (${count(n)})`);
  lines.push(`judged before by ${policies.join(', ')}`);
  if (leftOut > 0) lines.push(`${some(leftOut, 'request')} that failed or were cancelled are left out`);
  if (otherGroups > 0)
    lines.push(
      `${some(otherGroups, 'request')} left out, with other groups than the policy has minima for (minPerGroup)`,
    );
  return lines;
}

function deliveries({ delivered, passed, shortfalls, requests }: ReplaySummary): string[] {
  const lines = [
    row('', 'before', 'after'),
    compared('candidates that pass', passed),
    compared('delivered', delivered),
    compared('requests that are short', shortfalls),
  ];
  if (requests.changed > 0)
    lines.push(
      `Winners are others in ${some(requests.changed, 'request')}: ${count(delivered.entered)} come in, ${count(delivered.left)} go`,
    );
  else lines.push('Every request delivers the same');
  if (shortfalls.wouldDrawOn > 0)
    lines.push(
      `Of those that are short after, ${count(shortfalls.wouldDrawOn)} had stopped before their cap as enough passed: they would have drawn on, at a cost, and need not have been short`,
    );
  return lines;
}

function gateTable({ gates }: ReplaySummary): string[] {
  const rows = Object.entries(gates).map(([gate, sides]) => compared(gate, sides));
  return rows.length === 0 ? [] : [row('rejected by', 'before', 'after'), ...rows];
}

function missing({ candidates, notTaken, delivered, passed }: ReplaySummary): string[] {
  if (notTaken.candidates === 0) return ['Every score that the policy reads was taken'];
  const share = ((100 * notTaken.undecided) / Math.max(1, candidates)).toFixed(1);
  const dimensions = Object.entries(notTaken.dimensions)
    .sort(([, a], [, b]) => b - a)
    .map(([dimension, n]) => row(dimension, count(n)));
  const between =
    notTaken.undecided === 0
      ? 'No verdict rests on them: the gates that could be asked decide'
      : `${some(notTaken.undecided, 'verdict')} (${share} %) ${notTaken.undecided === 1 ? 'rests' : 'rest'} on them; delivered are ${count(notTaken.least)} to ${count(notTaken.most)}, here counted as ${count(delivered.after)}`;
  const gates = Object.entries(notTaken.gates)
    .sort(([, a], [, b]) => b - a)
    .map(([gate, n]) => row(gate, count(n)));
  if (gates.length > 0) gates.unshift('  of the verdicts that rest on them, not asked:');
  return [
    `${some(notTaken.candidates, 'candidate')} ${notTaken.candidates === 1 ? 'lacks' : 'lack'} scores that the policy reads, left out after another gate had rejected or not measured then:`,
    ...dimensions,
    between,
    ...gates,
    ...estimated(notTaken, passed.after),
  ];
}

/** What candidates that ran everything say of those left out. */
function estimated(
  { undecided, leftOut, leftOutPassed, estimate }: ReplaySummary['notTaken'],
  passed: number,
): string[] {
  if (undecided === 0) return [];
  if (estimate === null || leftOut === 0)
    return ['No candidate that ran everything would have lacked the same: how many of them would pass is not known'];
  const { candidates, passed: passing, rate, low, high } = estimate;
  const percent = (share: number): string => (100 * share).toFixed(1);
  const sum = (share: number): string => count(Math.round(passed - leftOutPassed + share * leftOut));
  return [
    `Of ${some(candidates, 'candidate')} that ran everything and would have lacked the same, ${count(passing)} ${passing === 1 ? 'passes' : 'pass'}: ${percent(rate)} % (${percent(low)} to ${percent(high)} %, confidence 95 %)`,
    `So of the ${count(leftOut)} that were left out about ${count(Math.round(estimate.passing))} would pass, and candidates that pass would be about ${sum(rate)} (${sum(low)} to ${sum(high)}), not ${count(passed)}`,
  ];
}

function refusals({ requests, refused, assumed }: ReplaySummary): string[] {
  const lines = refused.map(
    ({ dimension, was, is, ...n }) =>
      `  ${dimension}: stored by ${was}, wanted ${is} (${some(n.requests, 'request')}, ${some(n.candidates, 'candidate')})`,
  );
  const unknown = Object.entries(assumed).map(
    ([dimension, models]) =>
      `The models of ${dimension} are not all on this machine; compared are scores made with ${
        Object.entries(models)
          .map(([id, sha256]) => `${id} ${sha256.slice(0, 12)}`)
          .join(', ') || 'none'
      }`,
  );
  if (lines.length > 0) lines.unshift(`Refused: ${some(requests.refused, 'request')} with scores of another measure`);
  return [...lines, ...unknown];
}

function disagreements({ disagreements: { count: all, nearest } }: ReplaySummary): string[] {
  if (all === 0) return [];
  const lines = nearest.flatMap(({ request, candidate, passes, reason, margin }) => [
    `  ${request}/${candidate}  ${passes ? 'was rejected, would pass' : 'passed, would be rejected'}${margin === null ? '' : `, ${(100 * margin).toFixed(1)} % from the threshold`}`,
    `    ${reason}`,
  ]);
  return [
    `${some(all, 'verdict')} ${all === 1 ? 'turns' : 'turn'}; look at these first, nearest to the threshold`,
    ...lines,
  ];
}
