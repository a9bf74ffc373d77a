/** From the candidates that pass to the K winners, and a reason for every one that was not picked. */
import { distanceOf, fingerprintOf, parseFingerprint, type Fingerprint } from './fingerprint.js';
import { rankQuality, type Ranking } from './rank.js';
import type { Diversity, Policy, Scores, Selection, SelectionCandidate, Verdict, Winner } from './types.js';
import { byMarginalRelevance, cosine } from './variety.js';

/** What ranks a passing candidate and tells it from others. */
export interface Passing {
  candidate: number;
  /** `rankQuality` of its scores. */
  quality: number;
  /** 64-bit perceptual hash as 16 hex digits, if there is one. */
  fingerprint?: string;
  /** sha256 of the decoded pixels, or the start of it: equal means the same image. */
  pixelSha256?: string;
  /** What minima are counted by. */
  group?: string;
}

interface Ranked extends Passing {
  /** 0 is best. */
  place: number;
  bits: Fingerprint | undefined;
  embedding?: ArrayLike<number>;
}

interface Limits {
  k: number;
  minDistance: number;
  /** Group -> winners that it must have at least. @default none */
  minima?: ReadonlyMap<string, number>;
}

/** The order in which candidates have their turn; `picked` grows meanwhile. */
type Turns = (open: readonly Ranked[], picked: readonly Ranked[]) => Iterable<Ranked>;

/**
 * Picks the best `k` that pass, best first, none of them a near-duplicate of another. Pure; the order of `candidates` does not matter,
 * ties go to the lower candidate index.
 *
 * Near-duplicates: fewer than `minDistance * 64` differing bits of the perceptual hashes; equal pixels always. A candidate without a
 * fingerprint is compared by its pixels only.
 *
 * With `minPerGroup`, each group's best fill its minimum first; then the rest follows by rank. Places that a group cannot fill stay empty: a set
 * that lacks a look is a shortfall, not another look twice. A minimum for all groups holds for every group among `candidates`, and those of `groups`.
 *
 * With `diversity.lambda`, each next winner is the one with the greatest marginal relevance (variety.ts), among those that quality alone would pick if
 * there were places for all: so variety never costs an image, and a winner that gets better stays one.
 *
 * @param candidates scored candidates, each index once; those that do not pass are counted per gate
 * @param k winners wanted
 *
 * @example
 * const { winners, notPicked, missing } = select(candidates, policy, 4);
 * winners[0]; // { candidate: 7, rank: 1, quality: 87.2 }
 * notPicked[3]; // 'near-duplicate of 7'
 */
export function select(
  candidates: readonly SelectionCandidate[],
  policy: Policy,
  k: number,
  { groups = [] }: { groups?: readonly string[] } = {},
): Selection {
  const wanted = Math.max(0, Math.floor(k));
  const present = candidates.flatMap(({ group }) => group ?? []);
  const { winners, notPicked, missingPerGroup } = pickWinners(passingOf(candidates, policy), policy, {
    k: wanted,
    groups: [...groups, ...present],
  });
  return {
    winners: winners.map(({ candidate, quality }, place): Winner => ({
      candidate,
      rank: place + 1,
      quality: Math.round(quality * 100) / 100,
    })),
    notPicked,
    missing: wanted - winners.length,
    ...(missingPerGroup && { missingPerGroup }),
    gates: countGates(candidates),
  };
}

/**
 * The heart of `select`, for candidates of which only is kept what ranks them and tells them apart: the winners so far of a request that still draws.
 *
 * @param of `groups`: those that a minimum for all groups holds for
 * @example
 * pickWinners(passed, policy, { k: 4, groups: [] }).winners.map(({ candidate }) => candidate); // [7, 3], best first
 */
export function pickWinners(
  passing: readonly (Passing & { embedding?: ArrayLike<number> })[],
  policy: Pick<Policy, 'diversity' | 'minPerGroup'>,
  { k, groups }: { k: number; groups: readonly string[] },
): { winners: readonly Passing[] } & Pick<Selection, 'notPicked' | 'missingPerGroup'> {
  const ranking = rankingOf(passing);
  const limits: Limits = { k, minDistance: policy.diversity.minDistance, minima: minimaOf(groups, policy) };
  const winners = pick(ranking, limits, policy.diversity);
  return {
    winners,
    notPicked: reasonsOf(ranking, winners, limits),
    ...(policy.minPerGroup !== undefined && { missingPerGroup: lacking(limits.minima, winners) }),
  };
}

/** Those that pass, with what they are ranked by. */
export const passingOf = (
  candidates: readonly SelectionCandidate[],
  policy: Ranking,
): (Omit<SelectionCandidate, 'scores'> & { quality: number })[] =>
  candidates
    .filter(({ verdict }) => verdict.pass)
    .map(({ scores, ...one }) => ({ ...one, quality: rankQuality(scores, policy) }));

/**
 * How many of these `select` would deliver at least, up to `k`: near-duplicates of one another count once, and a place that a group's minimum keeps
 * free does not count. The workflow counts its way to K with it, so that a request never stops with fewer than its selection then finds.
 *
 * @example
 * countPicked([{ candidate: 0, quality: 80 }, { candidate: 3, quality: 60 }], { k: 4, minDistance: 0.05 }); // 2
 */
export const countPicked = (passing: readonly Passing[], limits: Limits): number =>
  fill(rankingOf(passing), limits, (open) => open).length;

/** Those that pass, best first, of near-duplicates only the best. */
export const pickDistinct = (passing: readonly Passing[], minDistance: number): readonly Passing[] =>
  fill(rankingOf(passing), { k: Infinity, minDistance }, (open) => open);

/** Whether a candidate would count beside others: it is a near-duplicate of none of them. */
export function apartFrom(others: readonly Passing[], minDistance: number): (one: Passing) => boolean {
  const ranked = rankingOf(others);
  return (one) => rankingOf([one]).every((own) => !ranked.some((other) => areNearDuplicates(other, own, minDistance)));
}

function rankingOf(passing: readonly (Passing & { embedding?: ArrayLike<number> })[]): Ranked[] {
  return passing
    .toSorted((a, b) => b.quality - a.quality || a.candidate - b.candidate)
    .map((one, place) => ({ ...one, place, bits: parseFingerprint(one.fingerprint) }));
}

/** The winners, best first. */
function pick(ranking: readonly Ranked[], limits: Limits, { lambda, by }: Diversity): Ranked[] {
  const byQuality: Turns = (open) => open;
  const similarity = (a: Ranked, b: Ranked): number => similarityOf(a, b, by);
  const winners =
    lambda === undefined
      ? fill(ranking, limits, byQuality)
      : // of near-duplicates the better one: variety chooses among images that can all win beside one another
        fill(bestFirst(fill(ranking, { ...limits, k: Infinity }, byQuality)), limits, (open, picked) =>
          byMarginalRelevance(open, picked, { lambda, similarity }),
        );
  return bestFirst(winners);
}

const bestFirst = (picked: readonly Ranked[]): Ranked[] => picked.toSorted((a, b) => a.place - b.place);

function fill(ranking: readonly Ranked[], { k, minDistance, minima = new Map() }: Limits, turns: Turns): Ranked[] {
  const picked: Ranked[] = [];
  const lacks = new Map(minima);
  const lackOf = ({ group }: Ranked): number => (group === undefined ? 0 : (lacks.get(group) ?? 0));
  const isApart = (one: Ranked): boolean => !picked.some((other) => areNearDuplicates(other, one, minDistance));
  if (lacks.size > 0) {
    const needed = ranking.filter((one) => lackOf(one) > 0);
    for (const one of turns(needed, picked)) {
      if (picked.length >= k) break;
      const lack = lackOf(one);
      if (lack === 0 || one.group === undefined || !isApart(one)) continue;
      picked.push(one);
      lacks.set(one.group, lack - 1);
    }
  }
  const kept = [...lacks.values()].reduce((sum, lack) => sum + lack, 0);
  const first = new Set(picked);
  const rest = first.size === 0 ? ranking : ranking.filter((one) => !first.has(one));
  for (const one of turns(rest, picked)) {
    if (picked.length >= k - kept) break;
    if (isApart(one)) picked.push(one);
  }
  return picked;
}

/** Why each of those that are not picked is not. */
function reasonsOf(
  ranking: readonly Ranked[],
  picked: readonly Ranked[],
  { k, minDistance, minima = new Map() }: Limits,
): Record<number, string> {
  const winners = new Set(picked);
  const last = picked.length < k ? Infinity : (picked.at(-1)?.place ?? -1);
  const passedOver = minima.size > 0 ? 'places are kept for other groups' : 'others are less alike';
  return Object.fromEntries(
    ranking.flatMap((one): [number, string][] => {
      if (winners.has(one)) return [];
      const twin = picked.find((winner) => areNearDuplicates(winner, one, minDistance));
      if (twin) return [[one.candidate, `near-duplicate of ${twin.candidate}`]];
      const ranked = `ranked ${one.place + 1} of ${ranking.length}`;
      return [[one.candidate, one.place < last ? `${ranked}; ${passedOver}` : ranked]];
    }),
  );
}

/** The minimum of each group; one number holds for all of `groups`. */
export function minimaOf(
  groups: Iterable<string>,
  { minPerGroup = {} }: Pick<Policy, 'minPerGroup'>,
): Map<string, number> {
  if (typeof minPerGroup !== 'number') return new Map(Object.entries(minPerGroup));
  return new Map([...groups].map((group) => [group, minPerGroup] as const));
}

/** What each group lacks of its minimum. */
function lacking(minima: ReadonlyMap<string, number> = new Map(), picked: readonly Ranked[]): Record<string, number> {
  const short = [...minima].map(
    ([group, least]) => [group, least - picked.filter((winner) => winner.group === group).length] as const,
  );
  return Object.fromEntries(short.filter(([, lack]) => lack > 0).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Gate id -> candidates that do not pass and failed it; most first. */
export function countGates(candidates: readonly Pick<SelectionCandidate, 'verdict'>[]): Record<string, number> {
  const counts = new Map<string, number>();
  for (const { verdict } of candidates)
    if (!verdict.pass) for (const { gate } of verdict.failed) counts.set(gate, (counts.get(gate) ?? 0) + 1);
  return Object.fromEntries([...counts].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1)));
}

function areNearDuplicates(a: Ranked, b: Ranked, minDistance: number): boolean {
  if (a.pixelSha256 !== undefined && a.pixelSha256 === b.pixelSha256) return true;
  return a.bits !== undefined && b.bits !== undefined && distanceOf(a.bits, b.bits) < minDistance;
}

/** 0 (unlike, or nothing to compare) to 1 (the same). */
function similarityOf(a: Ranked, b: Ranked, by: Diversity['by']): number {
  const alike = by === 'fingerprint' ? undefined : cosine(a.embedding, b.embedding);
  if (alike !== undefined) return Math.max(0, alike);
  return a.bits && b.bits ? 1 - distanceOf(a.bits, b.bits) : 0;
}

/** Whether `select` compares embeddings under a policy. */
export const comparesEmbeddings = ({ diversity }: Pick<Policy, 'diversity'>): boolean =>
  diversity.lambda !== undefined && diversity.by !== 'fingerprint';

/** The record of a candidate as `select` takes it; nothing where there is no verdict. */
export function toSelectable({
  candidate,
  scores,
  verdict,
  image,
  group,
}: {
  candidate: number;
  scores: Scores;
  verdict: Verdict | null;
  image: { pixelSha256: string | null } | null;
  group?: string | undefined;
}): SelectionCandidate[] {
  if (!verdict) return [];
  const fingerprint = fingerprintOf(scores);
  return [
    {
      candidate,
      verdict,
      scores,
      ...(fingerprint === undefined ? {} : { fingerprint }),
      ...(group === undefined ? {} : { group }),
      ...(image?.pixelSha256 ? { pixelSha256: image.pixelSha256 } : {}),
    },
  ];
}
