/** From the candidates that pass to the K winners, and a reason for every one that was not picked. */
import type { Policy, Scores, Selection, SelectionCandidate, Winner } from './types.js';

interface Ranked {
  candidate: SelectionCandidate;
  quality: number;
  bits: Fingerprint | undefined;
}

/** A 64-bit perceptual hash in two halves: bit operations on numbers are 30 times faster than on BigInt. */
interface Fingerprint {
  high: number;
  low: number;
}

/**
 * What a candidate is ranked by: the weighted mean of its qualities, 0..100. A ranked dimension without a value counts as quality 0: not
 * knowing must never rank above knowing. Without weights, all dimensions with a threshold gate count alike; without those,
 * the result is 0 for everybody and the candidate's index decides.
 *
 * @example
 * rankQuality(scores, policy); // 87.2
 */
export function rankQuality(scores: Scores, policy: Pick<Policy, 'rank' | 'gates'>): number {
  // In name order: a sum of floats depends on its order, and a policy read back from canonical JSON has another one than its file.
  const weights = Object.entries(weightsOf(policy)).sort(([a], [b]) => (a < b ? -1 : 1));
  let sum = 0;
  let total = 0;
  for (const [dimension, weight] of weights) {
    const score = Object.hasOwn(scores, dimension) ? scores[dimension] : undefined;
    total += weight;
    if (score?.status === 'ok' && Number.isFinite(score.quality)) sum += weight * score.quality;
  }
  return total > 0 ? sum / total : 0;
}

function weightsOf({ rank, gates }: Pick<Policy, 'rank' | 'gates'>): Record<string, number> {
  if (Object.keys(rank).length > 0) return rank;
  return Object.fromEntries(gates.flatMap((gate) => (gate.kind === 'threshold' ? [[gate.dimension, 1]] : [])));
}

/**
 * Picks the best `k` that pass, best first, none of them a near-duplicate of a better one. Pure; the order of `candidates` does not matter,
 * ties go to the lower candidate index.
 *
 * Near-duplicates: fewer than `minDistance * 64` differing bits of the perceptual hashes; equal pixels always. A candidate without a
 * fingerprint is compared by its pixels only.
 *
 * @param candidates scored candidates, each index once; those that do not pass are counted per gate
 * @param k winners wanted
 *
 * @example
 * const { winners, notPicked, missing } = select(candidates, policy, 4);
 * winners[0]; // { candidate: 7, rank: 1, quality: 87.2 }
 * notPicked[3]; // 'near-duplicate of 7'
 */
export function select(candidates: readonly SelectionCandidate[], policy: Policy, k: number): Selection {
  const wanted = Math.max(0, Math.floor(k));
  const ranking = candidates.filter(({ verdict }) => verdict.pass).map((candidate) => rank(candidate, policy));
  ranking.sort((a, b) => b.quality - a.quality || a.candidate.candidate - b.candidate.candidate);

  const picked: Ranked[] = [];
  const winners: Winner[] = [];
  const notPicked: Record<number, string> = {};
  for (const [place, one] of ranking.entries()) {
    const { candidate } = one.candidate;
    const twin = picked.find((better) => areNearDuplicates(better, one, policy.diversity.minDistance));
    if (twin) notPicked[candidate] = `near-duplicate of ${twin.candidate.candidate}`;
    else if (picked.length >= wanted) notPicked[candidate] = `ranked ${place + 1} of ${ranking.length}`;
    else {
      picked.push(one);
      winners.push({ candidate, rank: picked.length, quality: Math.round(one.quality * 100) / 100 });
    }
  }
  return { winners, notPicked, missing: wanted - winners.length, gates: countGates(candidates) };
}

/** Gate id -> candidates that do not pass and failed it; most first. */
function countGates(candidates: readonly SelectionCandidate[]): Record<string, number> {
  const counts = new Map<string, number>();
  for (const { verdict } of candidates)
    if (!verdict.pass) for (const { gate } of verdict.failed) counts.set(gate, (counts.get(gate) ?? 0) + 1);
  return Object.fromEntries([...counts].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1)));
}

const rank = (candidate: SelectionCandidate, policy: Policy): Ranked => ({
  candidate,
  quality: rankQuality(candidate.scores, policy),
  bits: parseFingerprint(candidate.fingerprint),
});

function areNearDuplicates(a: Ranked, b: Ranked, minDistance: number): boolean {
  const pixels = a.candidate.pixelSha256;
  if (pixels !== undefined && pixels === b.candidate.pixelSha256) return true;
  return a.bits !== undefined && b.bits !== undefined && distanceOf(a.bits, b.bits) < minDistance;
}

/**
 * The share of bits in which two 64-bit perceptual hashes differ, 0..1; undefined if one of them is not 16 hex digits.
 *
 * @example
 * fingerprintDistance('00000000000000ff', '0000000000000000'); // 0.125
 */
export function fingerprintDistance(a: string, b: string): number | undefined {
  const [x, y] = [parseFingerprint(a), parseFingerprint(b)];
  return x && y && distanceOf(x, y);
}

function parseFingerprint(hex: string | undefined): Fingerprint | undefined {
  if (hex === undefined || !/^[0-9a-f]{16}$/i.test(hex)) return undefined;
  return { high: Number.parseInt(hex.slice(0, 8), 16), low: Number.parseInt(hex.slice(8), 16) };
}

const distanceOf = (a: Fingerprint, b: Fingerprint): number => (ones(a.high ^ b.high) + ones(a.low ^ b.low)) / 64;

/** Set bits of a 32-bit number. */
function ones(value: number): number {
  let bits = value >>> 0;
  let count = 0;
  for (; bits !== 0; bits = (bits & (bits - 1)) >>> 0) count++;
  return count;
}
