/** The band review: who waits for a person, and what that person's word does to a verdict. */
import { apartFrom, passingOf } from './select.js';
import type { Policy, SelectionCandidate, Verdict } from './types.js';

export type Decision = 'accept' | 'reject';

/** What a person said of a candidate in the band review. */
export interface Review {
  decision: Decision;
  by: string;
  /** ISO 8601. */
  at: string;
}

/** Whether only a person can let it pass. */
export const waitsForReview = ({ pass, band }: Verdict): boolean => band === 'review' && !pass;

/**
 * The verdict after a person's word: one in the band review passes if it was accepted. Band and failed gates stay, so that the record says what was
 * asked. A word on any other candidate changes nothing.
 *
 * @example
 * reviewed({ pass: false, band: 'review', failed }, { decision: 'accept', by: 'ann', at }).pass; // true
 */
export const reviewed = (verdict: Verdict, review: Pick<Review, 'decision'> | undefined): Verdict =>
  review?.decision === 'accept' && waitsForReview(verdict) ? { ...verdict, pass: true } : verdict;

/**
 * Those that only a person can let pass, best first; near-duplicates of what stands already are left out, for they would not count.
 *
 * @param candidates each index once
 * @param options `beside`: what stands already (the winners). @default all that pass
 *
 * @example
 * reviewable(candidates, { policy })[0]; // { candidate: 5, quality: 71.3 }
 */
export function reviewable(
  candidates: readonly SelectionCandidate[],
  { policy, beside }: { policy: Policy; beside?: ReadonlySet<number> },
): { candidate: number; quality: number }[] {
  const passing = passingOf(candidates, policy).filter(({ candidate }) => beside?.has(candidate) ?? true);
  const asked = candidates
    .filter(({ verdict }) => waitsForReview(verdict))
    .map((one) => ({ ...one, verdict: { ...one.verdict, pass: true } }));
  return passingOf(asked, policy)
    .filter(apartFrom(passing, policy.diversity.minDistance))
    .map(({ candidate, quality }) => ({ candidate, quality: Math.round(quality * 100) / 100 }))
    .sort((a, b) => b.quality - a.quality || a.candidate - b.candidate);
}
