/** The end of a request in words: what was delivered, why the rest was not, what it cost, where it lies. */
import type { CandidateRecord, ResultDoc } from '../../workflows/contract.js';
import { durationText, moneyText, numberText, printable, wrap } from './format.js';
import { candidatesText, placeOf, reviewableLines, reviewCommand } from './reviewable.js';
import { isModelMissing, missingLines, noteMissing, type MissingModels } from './missing-models.js';

const INDENT = '  ';
const MAX_DIMENSIONS = 3;
/** Letters of a group's name: it can be a whole prompt. */
const MAX_GROUP = 24;

/**
 * A report for a terminal: plain text, aligned, readable at 80 columns, no colour.
 *
 * @param result result.json
 * @param records one per candidate, as in manifest.ndjson
 * @param options `columns`: width to keep to, at least 60. @default 80
 *
 * @example
 * process.stdout.write(resultReport(result, records));
 */
export function resultReport(
  result: ResultDoc,
  records: readonly CandidateRecord[],
  options: { columns?: number } = {},
): string {
  const columns = Math.max(60, options.columns ?? 80);
  const sections = [
    headline(result, records, columns),
    winners(result, records, columns),
    forReview(result, columns),
    unmeasured(records, columns),
    rejections(records, columns),
    passedOver(records, columns),
    losses(records, columns),
    facts(result, columns),
  ];
  return printable(
    sections
      .filter((lines) => lines.length > 0)
      .map((lines) => lines.join('\n'))
      .join('\n\n'),
  );
}

function headline(result: ResultDoc, records: readonly CandidateRecord[], columns: number): string[] {
  const { state, wanted, delivered, counts, error } = result;
  const images = wanted === 1 ? 'image' : 'images';
  const what = {
    delivered: `Delivered ${delivered.length} of ${wanted} ${images}`,
    shortfall: `Shortfall: ${delivered.length} of ${wanted} ${images} delivered, ${wanted - delivered.length} missing`,
    failed: 'Failed: nothing was delivered',
    cancelled: 'Cancelled: nothing was delivered',
    running: 'Still running',
  }[state];
  const { passed, rejected, lost, cancelled } = counts;
  const tally = [
    `${records.filter(({ image }) => image !== null).length} drawn`,
    `${passed} passed`,
    `${rejected} rejected`,
    ...(lost > 0 ? [`${lost} lost`] : []),
    ...(cancelled > 0 ? [cancelledText(cancelled, records)] : []),
  ].join(', ');
  const lines = [what, tally];
  if (error) lines.push(...wrap(`${error.code}: ${error.message}`, columns));
  const lacking = Object.entries(result.shortfall?.missingPerGroup ?? {}).map(([group, lack]) => `${lack} of ${group}`);
  if (lacking.length > 0) lines.push(...wrap(`Missing: ${lacking.join(', ')}`, columns));
  if (state === 'shortfall') lines.push(...wrap(shortfallHint(result, records), columns));
  return lines;
}

/** What those that were given up had cost, as far as that is known: `7 cancelled (1.6 generations)`, `(at least 1.6 generations)`. */
function cancelledText(cancelled: number, records: readonly CandidateRecord[]): string {
  const shares = records.flatMap(({ state, share }) => (state === 'cancelled' && share !== undefined ? [share] : []));
  const spent = shares.reduce((sum, share) => sum + share, 0);
  const least = shares.length < cancelled ? 'at least ' : '';
  return `${cancelled} cancelled${shares.length > 0 ? ` (${least}${spent.toFixed(1)} generations)` : ''}`;
}

/** Of those stops that are not the cap. */
const WHY_SHORT: Partial<Record<NonNullable<ResultDoc['shortfall']>['reason'], string>> = {
  deadline: 'The deadline is too short for that many: give more time (--deadline), more ComfyUIs, or --hurry 1.',
  budget: 'The budget is too small for that many: raise it (--budget), or change what is rejected.',
  futile:
    'It was given up: at this yield the cap, or several of cap, deadline and budget, cannot hold that many. Raise them, or change what is rejected.',
};

/** What to change so that the next request succeeds. */
function shortfallHint(
  { wanted, delivered, counts, shortfall }: ResultDoc,
  records: readonly CandidateRecord[],
): string {
  const gate = mostRejecting(shortfall, counts.scored);
  if (records.some(lacksModels)) return 'Models are missing, so gates could not tell; what to type is below.';
  const left = shortfall?.reviewable?.length ?? 0;
  if (left > 0)
    return `${candidatesText(left)} can still be delivered if a person accepts ${left === 1 ? 'it' : 'them'}; see below.`;
  const why = WHY_SHORT[shortfall?.reason ?? 'cap'];
  if (why !== undefined) return `${why}${gate ? ` Most were rejected by ${gate.id}: ${gate.rejected}.` : ''}`;
  const look = gate ? `look at the gate ${gate.id}, which rejected ${gate.rejected}` : '';
  if (delivered.length > 0) {
    // A fifth on top: the yield of the next seeds varies.
    const needed = Math.ceil((wanted / delivered.length) * counts.drawn * 1.2);
    return `At this yield about ${needed} candidates are needed: raise --cap (or --candidates) to ${needed}${gate ? `, or ${look}` : ''}.`;
  }
  if (counts.passed === 0 && gate) return `No candidate passed; ${look}.`;
  return records.length === counts.lost ? 'Every candidate was lost; the reasons are below.' : 'Draw more candidates.';
}

/**
 * The gate that rejects most of those that it judges: one that is asked late sees few, and may reject nearly all of them. Two more are taken to be let
 * through, as one of one says little.
 */
function mostRejecting(
  shortfall: ResultDoc['shortfall'],
  scored: number,
): { id: string; rejected: string } | undefined {
  const { gates = {}, judged = {} } = shortfall ?? {};
  const of = Object.entries(gates).map(([id, count]) => ({ id, count, seen: judged[id] ?? scored }));
  const [most] = of.sort((a, b) => b.count / (b.seen + 2) - a.count / (a.seen + 2));
  if (!most) return undefined;
  const { id, count, seen } = most;
  return { id, rejected: seen < scored ? `${count} of the ${seen} that it judged` : `${count} of ${seen}` };
}

function winners(result: ResultDoc, records: readonly CandidateRecord[], columns: number): string[] {
  if (result.delivered.length === 0) return [];
  const byCandidate = new Map(records.map((record) => [record.candidate, record]));
  const hasGroups = result.delivered.some(({ group }) => group !== undefined);
  const base = ['rank', 'candidate', 'quality', 'seed', ...(hasGroups ? ['group'] : [])];
  const rows = result.delivered.map(({ rank, candidate, quality, seed, group = '' }) => [
    String(rank),
    String(candidate),
    quality.toFixed(1),
    String(seed),
    ...(hasGroups ? [group.length > MAX_GROUP ? `${group.slice(0, MAX_GROUP - 1)}…` : group] : []),
  ]);
  const header = [...base];
  for (const dimension of tellingDimensions(records)) {
    const cells = result.delivered.map(({ candidate }) => {
      const score = byCandidate.get(candidate)?.scores[dimension];
      return score?.status === 'ok' ? numberText(score.raw) : '-';
    });
    const widened = table([[...header, dimension], ...rows.map((row, i) => [...row, cells[i] ?? ''])]);
    if ((widened[0]?.length ?? 0) > columns) continue;
    header.push(dimension);
    rows.forEach((row, i) => row.push(cells[i] ?? ''));
    if (header.length === base.length + MAX_DIMENSIONS) break;
  }
  return ['Winners', ...table([header, ...rows])];
}

/** Whom a person could still let pass, and what to type. */
function forReview({ request, shortfall }: ResultDoc, columns: number): string[] {
  const { reviewable = [] } = shortfall ?? {};
  if (reviewable.length === 0) return [];
  const command = reviewCommand(
    request,
    reviewable.map(({ candidate }) => candidate),
  );
  return [
    `For a person to decide: ${candidatesText(reviewable.length)}`,
    ...reviewableLines(reviewable, columns),
    ...wrap('Those that you accept are delivered, and every decision is a label:', columns),
    ...wrap(command, columns - INDENT.length).map((line) => INDENT + line),
  ];
}

/** Dimensions worth a column: those that rejected most, then those that differ most between candidates. */
function tellingDimensions(records: readonly CandidateRecord[]): string[] {
  const weight = new Map<string, number>();
  const qualities = new Map<string, number[]>();
  for (const { scores, verdict } of records) {
    for (const { gate } of verdict?.failed ?? []) weight.set(gate, (weight.get(gate) ?? 0) + 1_000);
    for (const [dimension, score] of Object.entries(scores))
      if (score.status === 'ok') qualities.set(dimension, [...(qualities.get(dimension) ?? []), score.quality]);
  }
  return [...qualities]
    .map(([dimension, values]) => ({
      dimension,
      weight: (weight.get(dimension) ?? 0) + spread(values),
    }))
    .filter((one) => one.weight > 0)
    .sort((a, b) => b.weight - a.weight || (a.dimension < b.dimension ? -1 : 1))
    .map((one) => one.dimension);
}

/** Standard deviation. */
function spread(values: readonly number[]): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
}

/** The scores of the gates that rejected a candidate because a model is missing. */
const withoutModel = ({ state, scores, verdict }: CandidateRecord): CandidateRecord['scores'] =>
  state === 'rejected'
    ? Object.fromEntries(
        (verdict?.failed ?? []).flatMap(({ gate }) => {
          const score = scores[gate];
          return score && isModelMissing(score) ? [[gate, score]] : [];
        }),
      )
    : {};

const lacksModels = (record: CandidateRecord): boolean => Object.keys(withoutModel(record)).length > 0;

/** Which scorers had no model, and what to type. */
function unmeasured(records: readonly CandidateRecord[], columns: number): string[] {
  const missing: MissingModels = new Map();
  for (const record of records) noteMissing(withoutModel(record), missing);
  if (missing.size === 0) return [];
  const lines = [
    ...missingLines(missing),
    'Several models may be wanted. All that scorers use: comfy-cull models pull',
  ];
  return [
    'Not measured, as models are missing',
    ...lines.flatMap((line) => wrap(line, columns - INDENT.length).map((part) => INDENT + part)),
  ];
}

function rejections(records: readonly CandidateRecord[], columns: number): string[] {
  const rejected = records.filter((record) => record.state === 'rejected');
  if (rejected.length === 0) return [];
  const gates = new Map<string, { count: number; reason: string }>();
  for (const { scores, verdict } of rejected)
    for (const { gate, reason } of verdict?.failed ?? []) {
      // "the eyes are not open" is no finding where nobody looked
      if (isModelMissing(scores[gate])) continue;
      gates.set(gate, { count: (gates.get(gate)?.count ?? 0) + 1, reason: gates.get(gate)?.reason ?? reason });
    }
  const blind = rejected.filter(lacksModels).length;
  const sorted = [...gates].sort(([a, x], [b, y]) => y.count - x.count || (a < b ? -1 : 1));
  const many = sorted.reduce((sum, [, { count }]) => sum + count, blind) > rejected.length;
  return [
    `Rejected ${rejected.length}, by gate${many ? ' (one candidate can fail several)' : ''}`,
    ...counted(
      [
        ...(blind > 0 ? [[blind, 'could not be checked without the missing models'] as const] : []),
        ...sorted.map(
          ([gate, { count, reason }]) => [count, reason.includes(gate) ? reason : `${gate}: ${reason}`] as const,
        ),
      ],
      columns,
    ),
  ];
}

function passedOver(records: readonly CandidateRecord[], columns: number): string[] {
  const notPicked = records.filter((record) => record.state === 'passed' && record.notPicked !== null);
  if (notPicked.length === 0) return [];
  const twins = notPicked.filter((record) => record.notPicked?.startsWith('near-duplicate'));
  const ranked = notPicked.length - twins.length;
  const named = twins.map(({ candidate, notPicked: why }) => `${candidate} (of ${why?.replace(/^\D+/, '') ?? ''})`);
  const rows: [number, string][] = [];
  if (ranked > 0) rows.push([ranked, 'ranked below the winners']);
  if (twins.length > 0) rows.push([twins.length, `near-duplicates of a winner: ${listed(named)}`]);
  return [`Passed, not picked ${notPicked.length}`, ...counted(rows, columns)];
}

function losses(records: readonly CandidateRecord[], columns: number): string[] {
  const lost = records.filter((record) => record.state === 'lost');
  if (lost.length === 0) return [];
  const reasons = new Map<string, number[]>();
  for (const { candidate, error } of lost) {
    const why = error ? `${error.code}: ${error.message}` : 'no reason was recorded';
    reasons.set(why, [...(reasons.get(why) ?? []), candidate]);
  }
  const rows = [...reasons].map(([why, which]): [number, string] => [
    which.length,
    `${why} (candidate${which.length > 1 ? 's' : ''} ${listed(which.map(String))})`,
  ]);
  return [`Lost ${lost.length}`, ...counted(rows, columns)];
}

function facts({ cost, timing, delivered, request, release }: ResultDoc, columns: number): string[] {
  const first = timing.firstPassMs === null ? '' : `, first passing image after ${durationText(timing.firstPassMs)}`;
  const each =
    cost?.perDeliveredMicroUsd == null ? '' : `, ${moneyText(cost.perDeliveredMicroUsd)} per delivered image`;
  const rows: [string, string][] = [
    ['Time', `${durationText(timing.totalMs)}${first}`],
    [
      'Cost',
      cost
        ? `${moneyText(cost.microUsd)}${each}`
        : 'not known; set CULL_COMFYUI_USD_PER_HOUR to the price of a GPU hour',
    ],
  ];
  const folder = folderOf(delivered);
  if (folder !== undefined) rows.push(['Stored', folder]);
  rows.push(['Request', request], ['Release', release]);
  const width = columns - 9;
  return rows.flatMap(([name, text]) =>
    wrap(text, width).map((line, i) => `${(i === 0 ? name : '').padEnd(9)}${line}`),
  );
}

/** The folder of the delivered images. */
function folderOf([first]: ResultDoc['delivered']): string | undefined {
  if (!first) return undefined;
  const place = placeOf(first);
  return place.slice(0, Math.max(place.lastIndexOf('/'), place.lastIndexOf('\\')) + 1);
}

/** Rows right-aligned under their header. */
function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  return rows.map((row) => INDENT + row.map((cell, column) => cell.padStart(widths[column] ?? 0)).join('  '));
}

/** `  12  text`, long texts wrapped under their beginning. */
function counted(rows: readonly (readonly [number, string])[], columns: number): string[] {
  const digits = Math.max(...rows.map(([count]) => String(count).length), 3);
  const margin = INDENT.length + digits + 2;
  return rows.flatMap(([count, text]) =>
    wrap(text, columns - margin).map((line, i) =>
      i === 0 ? `${INDENT}${String(count).padStart(digits)}  ${line}` : ' '.repeat(margin) + line,
    ),
  );
}

/** The first names, and how many more there are. */
function listed(names: readonly string[], most = 8): string {
  const shown = names.slice(0, most).join(', ');
  return names.length > most ? `${shown} and ${names.length - most} more` : shown;
}
