/** Candidates as rows of one flat table, for notebooks and DuckDB (docs/replay.md lists the columns). */
import type { BasicType } from 'hyparquet-writer';
import { planFor } from '../activities/varied.js';
import type { FinishedRequest } from '../client/finished.js';
import type { Score } from '../selection/types.js';
import type { CandidateRecord } from '../workflows/contract.js';

type Value = string | number | bigint | boolean | Date | null;

export interface Column {
  name: string;
  type: BasicType;
  of: (request: FinishedRequest, record: CandidateRecord) => Value;
}

const CANDIDATE: readonly Column[] = [
  { name: 'tenant', type: 'STRING', of: ({ asked }) => asked.tenant },
  { name: 'request', type: 'STRING', of: ({ asked }) => asked.request },
  { name: 'createdAt', type: 'TIMESTAMP', of: ({ asked }) => new Date(asked.createdAt) },
  { name: 'release', type: 'STRING', of: ({ asked }) => asked.release },
  { name: 'template', type: 'STRING', of: ({ asked }) => asked.template },
  { name: 'policy', type: 'STRING', of: ({ plan }) => plan?.policy.policy ?? null },
  {
    name: 'prompt',
    type: 'STRING',
    of: ({ plan }, { group }) => (plan && planFor(plan, group).prompt) ?? null,
  },
  { name: 'group', type: 'STRING', of: (_, { group }) => group ?? null },
  { name: 'requestState', type: 'STRING', of: ({ result }) => result.state },
  { name: 'wanted', type: 'INT32', of: ({ asked }) => asked.deliver },
  { name: 'candidate', type: 'INT32', of: (_, { candidate }) => candidate },
  { name: 'seed', type: 'INT64', of: (_, { seed }) => BigInt(seed) },
  { name: 'state', type: 'STRING', of: (_, { state }) => state },
  { name: 'pass', type: 'BOOLEAN', of: (_, { verdict }) => verdict?.pass ?? null },
  { name: 'band', type: 'STRING', of: (_, { verdict }) => verdict?.band ?? null },
  {
    name: 'failed',
    type: 'STRING',
    of: (_, { verdict }) => verdict && verdict.failed.map(({ gate }) => gate).join(','),
  },
  { name: 'notPicked', type: 'STRING', of: (_, { notPicked }) => notPicked },
  { name: 'error', type: 'STRING', of: (_, { error }) => error?.code ?? null },
  { name: 'provider', type: 'STRING', of: (_, { provider }) => provider },
  { name: 'host', type: 'STRING', of: (_, { host }) => host },
  { name: 'image', type: 'STRING', of: (_, { image }) => image?.key ?? null },
  { name: 'sha256', type: 'STRING', of: (_, { image }) => image?.sha256 ?? null },
  { name: 'width', type: 'INT32', of: (_, { image }) => image?.width ?? null },
  { name: 'height', type: 'INT32', of: (_, { image }) => image?.height ?? null },
  { name: 'drawMs', type: 'DOUBLE', of: (_, { timing }) => timing.drawMs },
  { name: 'scoreMs', type: 'DOUBLE', of: (_, { timing }) => timing.scoreMs },
  { name: 'microUsd', type: 'DOUBLE', of: (_, { cost }) => cost?.microUsd ?? null },
];

/** Dimension id -> whether some score of it names models. */
export type DimensionsFound = Map<string, boolean>;

/** Notes what a candidate has scores of: a Parquet file knows its columns before its first row. */
export function noteDimensions({ scores }: CandidateRecord, found: DimensionsFound): void {
  for (const [dimension, { models }] of Object.entries(scores))
    if (!found.get(dimension)) found.set(dimension, models !== undefined);
}

/**
 * The columns of a table: of the candidate, then of each dimension in the order of their names.
 *
 * @example
 * columnsOf(new Map([['noise.sigma', false]])).at(-1)?.name; // 'noise.sigma.scorer'
 */
export function columnsOf(found: DimensionsFound): Column[] {
  return [...CANDIDATE, ...[...found].sort(([a], [b]) => (a < b ? -1 : 1)).flatMap(ofDimension)];
}

function ofDimension([dimension, hasModels]: [string, boolean]): Column[] {
  const column = (field: string, type: BasicType, of: (score: Score) => Value): Column => ({
    name: `${dimension}.${field}`,
    type,
    of: (_, { scores }) => {
      const score = scores[dimension];
      return score ? of(score) : null;
    },
  });
  return [
    column('status', 'STRING', ({ status }) => status),
    column('raw', 'DOUBLE', (score) => (score.status === 'ok' ? score.raw : null)),
    column('quality', 'DOUBLE', (score) => (score.status === 'ok' ? score.quality : null)),
    column('scorer', 'STRING', ({ scorer }) => scorer),
    ...(hasModels ? [column('models', 'STRING', ({ models }) => (models ? JSON.stringify(models) : null))] : []),
  ];
}
