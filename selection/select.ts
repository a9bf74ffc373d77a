/** From the candidates that pass to the K winners, and a reason for every one that was not picked. */
import type { Policy, Scores, Selection, SelectionCandidate, Winner } from './types.js';

/** What ranks a passing candidate and tells it from others. */
export interface Passing {
  candidate: number;
  /** `rankQuality` of its scores. */
  quality: number;
  /** 64-bit perceptual hash as 16 hex digits, if there is one. */
  fingerprint?: string;
  /** sha256 of the decoded pixels, or the start of it: equal means the same image. */
  pixelSha256?: string;
}

interface Ranked extends Passing {
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
  const passing = candidates
    .filter(({ verdict }) => verdict.pass)
    .map(({ scores, ...one }) => ({ ...one, quality: rankQuality(scores, policy) }));
  const { picked, notPicked } = pick(passing, { k: wanted, minDistance: policy.diversity.minDistance });
  const winners = picked.map(({ candidate, quality }, place): Winner => ({
    candidate,
    rank: place + 1,
    quality: Math.round(quality * 100) / 100,
  }));
  return { winners, notPicked, missing: wanted - winners.length, gates: countGates(candidates) };
}

/**
 * How many of these `select` would deliver, up to `k`: near-duplicates of one another count once. The workflow counts its way to K with it, so that
 * a request never stops with fewer than its selection then finds.
 *
 * @example
 * countPicked([{ candidate: 0, quality: 80 }, { candidate: 3, quality: 60 }], { k: 4, minDistance: 0.05 }); // 2
 */
export const countPicked = (passing: readonly Passing[], of: { k: number; minDistance: number }): number =>
  pick(passing, of).picked.length;

function pick(
  passing: readonly Passing[],
  { k, minDistance }: { k: number; minDistance: number },
): { picked: Ranked[]; notPicked: Record<number, string> } {
  const ranking = passing.map((one): Ranked => ({ ...one, bits: parseFingerprint(one.fingerprint) }));
  ranking.sort((a, b) => b.quality - a.quality || a.candidate - b.candidate);
  const picked: Ranked[] = [];
  const notPicked: Record<number, string> = {};
  for (const [place, one] of ranking.entries()) {
    const twin = picked.find((better) => areNearDuplicates(better, one, minDistance));
    if (twin) notPicked[one.candidate] = `near-duplicate of ${twin.candidate}`;
    else if (picked.length >= k) notPicked[one.candidate] = `ranked ${place + 1} of ${ranking.length}`;
    else picked.push(one);
  }
  return { picked, notPicked };
}

/** Gate id -> candidates that do not pass and failed it; most first. */
function countGates(candidates: readonly SelectionCandidate[]): Record<string, number> {
  const counts = new Map<string, number>();
  for (const { verdict } of candidates)
    if (!verdict.pass) for (const { gate } of verdict.failed) counts.set(gate, (counts.get(gate) ?? 0) + 1);
  return Object.fromEntries([...counts].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1)));
}

function areNearDuplicates(a: Ranked, b: Ranked, minDistance: number): boolean {
  if (a.pixelSha256 !== undefined && a.pixelSha256 === b.pixelSha256) return true;
  return a.bits !== undefined && b.bits !== undefined && distanceOf(a.bits, b.bits) < minDistance;
}

/** The perceptual hash among a candidate's scores, 16 hex digits; undefined where it was not measured. */
export function fingerprintOf(scores: Scores): string | undefined {
  const score = scores['fingerprint.phash'];
  const hex = score?.status === 'ok' ? score.facts?.['hex'] : undefined;
  return typeof hex === 'string' ? hex : undefined;
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
