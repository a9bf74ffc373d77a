/** What candidates that ran every scorer have shown of a release: `_registry/stats/<release>/scorers.json`. */
import { rejectingGates, type CascadeStats } from '../selection/cascade.js';
import type { Policy, RequestFields } from '../selection/types.js';
import { keys } from '../storage/keys.js';
import type { Storage } from '../storage/storage.js';
import { updateJson } from '../storage/update.js';
import type { CandidateRecord, ScorerStatsDoc } from '../workflows/contract.js';
import { readJson } from './documents.js';
import { REMEMBERED, rowId } from './stats.js';

/** Of one request: more say little more, and the document stays small. */
const CANDIDATES = 100;

type Row = ScorerStatsDoc['requests'][number];

/**
 * What the last requests of a release have shown of its scorers; undefined where there are none.
 *
 * @param release `sha256:…`
 */
export async function readScorerStats(storage: Storage, release: string): Promise<CascadeStats | undefined> {
  const doc = await readJson<ScorerStatsDoc>(storage, keys.scorerStats(release.replace('sha256:', '')));
  const requests = doc?.requests ?? [];
  if (requests.length === 0) return undefined;
  const sums: Record<string, { ms: number; candidates: number }> = {};
  for (const { ms, candidates } of requests)
    for (const [scorer, mean] of Object.entries(ms)) {
      const sum = (sums[scorer] ??= { ms: 0, candidates: 0 });
      sum.ms += mean * candidates;
      sum.candidates += candidates;
    }
  return {
    ms: Object.fromEntries(Object.entries(sums).map(([scorer, { ms, candidates }]) => [scorer, ms / candidates])),
    rejected: summed(requests.flatMap(({ rejected }) => rejected)),
  };
}

/**
 * Adds what a finished request has shown, once, however often this is repeated. Only candidates that ran every scorer count: who they are has nothing to do with
 * what they show, while of the others a gate sees only those that all gates before it let through.
 */
export async function rememberScorers(
  storage: Storage,
  of: { tenant: string; request: string; release: string; policy: Policy; fields: RequestFields },
  records: readonly CandidateRecord[],
): Promise<void> {
  const full = records.filter(({ full, verdict }) => full && verdict !== null).slice(0, CANDIDATES);
  if (full.length === 0) return;
  const row: Row = {
    id: rowId(of),
    candidates: full.length,
    ms: meanMs(full),
    rejected: summed(
      full
        .map(({ scores }) => ({ gates: rejectingGates(scores, of.policy, of.fields), candidates: 1 }))
        .filter(({ gates }) => gates.length > 0),
    ),
  };
  await updateJson<ScorerStatsDoc>(storage, keys.scorerStats(of.release.replace('sha256:', '')), (doc) => {
    const others = (doc?.requests ?? []).filter(({ id }) => id !== row.id);
    return { requests: [...others, row].slice(-REMEMBERED) };
  });
}

/** Rounded to a hundredth. */
function meanMs(records: readonly CandidateRecord[]): Record<string, number> {
  const all: Record<string, number[]> = {};
  for (const { timing } of records)
    for (const [scorer, ms] of Object.entries(timing.scorersMs ?? {})) (all[scorer] ??= []).push(ms);
  return Object.fromEntries(
    Object.entries(all).map(([scorer, ms]) => [
      scorer,
      Math.round((100 * ms.reduce((sum, one) => sum + one, 0)) / ms.length) / 100,
    ]),
  );
}

/** Each set of gates once, with all its candidates. */
function summed(rejected: Row['rejected']): Row['rejected'] {
  const sums = new Map<string, Row['rejected'][number]>();
  for (const { gates, candidates } of rejected) {
    const known = sums.get(gates.join(' '));
    sums.set(gates.join(' '), { gates, candidates: candidates + (known?.candidates ?? 0) });
  }
  return [...sums.values()];
}
