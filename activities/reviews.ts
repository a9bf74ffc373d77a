/** What people said of a request's candidates, and whom they could still be asked about. */
import { reviewable, reviewed, waitsForReview, type Decision } from '../selection/review.js';
import type { Policy, Selection, SelectionCandidate } from '../selection/types.js';
import { keys } from '../storage/keys.js';
import type { Storage } from '../storage/storage.js';
import type { CandidateRecord, Reviewable, ReviewsDoc } from '../workflows/contract.js';
import { readJson } from './documents.js';

interface RequestRef {
  tenant: string;
  request: string;
}

/** The records, those that were decided on as they are after that. */
export async function withReviews(
  storage: Storage,
  { tenant, request }: RequestRef,
  records: readonly CandidateRecord[],
): Promise<CandidateRecord[]> {
  const doc = await readJson<ReviewsDoc>(storage, keys.reviews(tenant, request));
  return records.map((record): CandidateRecord => {
    const review = doc?.decisions[record.candidate];
    if (review === undefined || record.verdict === null || !waitsForReview(record.verdict)) return record;
    const verdict = reviewed(record.verdict, review);
    return { ...record, state: verdict.pass ? 'passed' : 'rejected', verdict, review };
  });
}

/** The decisions of a request that runs again; nothing where there are none. */
export async function readDecisions(
  storage: Storage,
  { tenant, request }: RequestRef,
): Promise<{ decisions?: Record<number, Decision> }> {
  const doc = await readJson<ReviewsDoc>(storage, keys.reviews(tenant, request));
  if (!doc) return {};
  return {
    decisions: Object.fromEntries(
      Object.entries(doc.decisions).map(([candidate, { decision }]) => [candidate, decision]),
    ),
  };
}

/** Whom a person could still accept, with what it takes to look at them. */
export async function reviewableOf(
  records: readonly CandidateRecord[],
  of: {
    candidates: readonly SelectionCandidate[];
    selection: Selection;
    policy: Policy;
    urlOf: (key: string) => Promise<string>;
  },
): Promise<Reviewable[]> {
  const byCandidate = new Map(records.map((record) => [record.candidate, record]));
  const open = of.candidates.filter(({ candidate }) => byCandidate.get(candidate)?.review === undefined);
  const beside = new Set(of.selection.winners.map(({ candidate }) => candidate));
  // an accepted one has its review and stands among the winners all the same
  const winners = of.candidates.filter((one) => beside.has(one.candidate) && !open.includes(one));
  const listed = reviewable([...winners, ...open], { policy: of.policy, beside });
  return Promise.all(
    listed.map(async ({ candidate, quality }) => {
      const record = byCandidate.get(candidate);
      const key = record?.image?.key ?? '';
      const failed = record?.verdict?.failed.map(({ gate, reason }) => ({ gate, reason })) ?? [];
      return { candidate, seed: record?.seed ?? 0, quality, key, url: await of.urlOf(key), failed };
    }),
  );
}
