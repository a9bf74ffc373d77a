/** In which order the scorers of a candidate run, when the rest need not run, and which candidates run everything all the same. */
import { dimensionsRead, gateDimensions } from './dimensions.js';
import { judge } from './judge.js';
import { grouped } from './tuning/groups.js';
import { chanceFrom, lotOf, shuffled } from './tuning/random.js';
import type { Gate, Policy, RequestFields, Scores } from './types.js';

/** Candidates that run everything although a gate rejects them, where the policy does not say: its `fullShare`. */
export const FULL_SHARE = 0.05;
const LOTS = 2 ** 32;

/** What a cascade must know of a scorer; its spec fits. */
export interface CascadeScorer {
  id: string;
  cost: 'cheap' | 'model';
  dimensions: Readonly<Record<string, unknown>>;
}

/** What candidates that ran everything have shown. */
export interface CascadeStats {
  /** Scorer id -> mean milliseconds. What scorers share is paid by the first that wants it: see `cascadeRun`. */
  ms: Readonly<Record<string, number>>;
  /** How many candidates exactly these gates rejected; those that none rejected need not be there. */
  rejected: readonly { gates: readonly string[]; candidates: number }[];
}

/** How the candidates of one request are measured: part of its plan. */
export interface Cascade {
  /** Ids of the scorers of the threads, first to last. */
  order: string[];
  /** The first so many of them are read by gates; what comes after can stop nothing. */
  gated: number;
  /** Share of the candidates that run everything, 0..1. */
  fullShare: number;
}

/** Milliseconds of a scorer that nothing is known of: the means of bench:scoring. */
const NOMINAL_MS = { cheap: 3, model: 30 } as const;
/** Counts as half a candidate: what never rejected yet goes by its cost. */
const PRIOR = 0.5;

/**
 * The order of the scorers that rejects bad candidates at the least cost. Whatever the order, the same candidates pass: one that passes runs
 * everything, and one that a gate rejects would be rejected by it after all others too. Only which gates are named for a rejected one differs.
 *
 * Scorers that gates read come first: next is always what rejects most of the candidates that all before it let through, per millisecond. That is the
 * greedy order of pipelined filters; for filters that are independent it is the best one (ascending cost / share rejected: Hellerstein & Stonebraker, SIGMOD 1993),
 * for others it costs at most four times the best (Munagala, Babu, Motwani, Widom, "The pipelined set cover problem", ICDT 2005). A gate that
 * reads several scorers counts with all that it still lacks. Then come scorers that ranks and near-duplicates need, then the rest. Without
 * statistics cheap scorers come before those with models.
 *
 * A gate that reads something that is measured elsewhere (a scorer on another machine, a vision model) stops nothing here.
 *
 * @param options `scorers`: those of the threads; their order decides ties
 *
 * @example
 * cascadeOrder(policy, { scorers }); // { order: ['exposure', 'sharpness', 'alignment', …], gated: 3 }
 */
export function cascadeOrder(
  policy: Pick<Policy, 'gates' | 'rank' | 'rankModel'>,
  {
    scorers,
    stats = { ms: {}, rejected: [] },
  }: { scorers: readonly CascadeScorer[]; stats?: CascadeStats | undefined },
): Pick<Cascade, 'order' | 'gated'> {
  const measuredBy = new Map(
    scorers.flatMap(({ id, dimensions }) => Object.keys(dimensions).map((name) => [name, id] as const)),
  );
  const msOf = costs(scorers, stats);
  const byCost = (ids: Iterable<string>): string[] => {
    const some = new Set(ids);
    return scorers.flatMap(({ id }) => (some.has(id) ? id : [])).toSorted((a, b) => msOf(a) - msOf(b));
  };
  const scorersOf = (dimensions: readonly string[]): (string | undefined)[] =>
    dimensions.map((dimension) => measuredBy.get(dimension));
  const decidable = policy.gates.flatMap((gate): Wanting[] => {
    const ids = scorersOf(gateDimensions(gate));
    return ids.every((id) => id !== undefined) ? [{ gate: gate.id, scorers: new Set(ids) }] : [];
  });

  const gated = greedy(decidable, { stats, msOf, byCost });
  const needed = scorersOf([...dimensionsRead(policy), 'fingerprint.phash']);
  const rest = (ids: Iterable<string | undefined>, before: readonly string[]): string[] => {
    const left = new Set([...ids].filter((id) => id !== undefined && !before.includes(id)));
    return (['cheap', 'model'] as const).flatMap((cost) =>
      scorers.flatMap((scorer) => (scorer.cost === cost && left.has(scorer.id) ? scorer.id : [])),
    );
  };
  const useful = [...gated, ...rest(needed, gated)];
  return { order: [...useful, ...rest(measuredBy.values(), useful)], gated: gated.length };
}

/** A gate and the scorers that it reads. */
interface Wanting {
  gate: string;
  scorers: ReadonlySet<string>;
}

function greedy(
  gates: readonly Wanting[],
  {
    stats,
    msOf,
    byCost,
  }: { stats: CascadeStats; msOf: (id: string) => number; byCost: (ids: Iterable<string>) => string[] },
): string[] {
  const order: string[] = [];
  let candidates = stats.rejected;
  let open = gates;
  for (;;) {
    open = open.filter(({ scorers }) => [...scorers].some((id) => !order.includes(id)));
    if (open.length === 0) return order;
    const choices = open.map(({ scorers }) => {
      const next = byCost([...scorers].filter((id) => !order.includes(id)));
      const then = new Set([...order, ...next]);
      const asked = new Set(open.flatMap((one) => ([...one.scorers].every((id) => then.has(id)) ? one.gate : [])));
      const rejected = candidates.filter((one) => one.gates.some((gate) => asked.has(gate)));
      const ms = next.reduce((sum, id) => sum + msOf(id), 0);
      const power = PRIOR + rejected.reduce((sum, one) => sum + one.candidates, 0);
      return { next, rejected: new Set(rejected), ms, worth: power / ms };
    });
    const best = choices.reduce((a, b) => (b.worth > a.worth || (b.worth === a.worth && b.ms < a.ms) ? b : a));
    order.push(...best.next);
    candidates = candidates.filter((one) => !best.rejected.has(one));
  }
}

/** Milliseconds of each scorer, above 0; of one that was not measured yet, the mean of those of its kind. */
function costs(scorers: readonly CascadeScorer[], { ms }: CascadeStats): (id: string) => number {
  const known = (id: string): number | undefined => (Object.hasOwn(ms, id) ? ms[id] : undefined);
  const usual = (kind: CascadeScorer['cost']): number => {
    const some = scorers.flatMap(({ id, cost }) => (cost === kind ? (known(id) ?? []) : []));
    return some.length === 0 ? NOMINAL_MS[kind] : some.reduce((sum, one) => sum + one, 0) / some.length;
  };
  const nominal = { cheap: usual('cheap'), model: usual('model') };
  const all = new Map(scorers.map(({ id, cost }) => [id, Math.max(0.01, known(id) ?? nominal[cost])]));
  return (id) => all.get(id) ?? nominal.model;
}

/**
 * How one candidate is measured. Which ones run everything is drawn from the name of the request and the index, so that it has nothing to do with what
 * is in the picture. Those run the scorers that gates read in an order of their own: what several share (the face, the subject) is then paid by each as often as by
 * any other, and the mean time of each is its fair part (Shapley 1953). Were they timed in one order, the first would look costly, the others free, and
 * the next order would be the other way round.
 *
 * @example
 * cascadeRun(plan.cascade, { request, candidate: 7 }); // { full: false, order: […] }
 */
export function cascadeRun(
  { order, gated, fullShare }: Cascade,
  of: { request: string; candidate: number },
): { full: boolean; order: string[] } {
  if (!isFull(of, fullShare)) return { full: false, order };
  const chance = chanceFrom(lotOf(`${of.request}/${of.candidate}`, 1));
  return { full: true, order: [...shuffled(order.slice(0, gated), chance), ...order.slice(gated)] };
}

/** Whether a candidate is one of the share that runs everything. */
export const isFull = (
  { request, candidate }: { request: string; candidate: number },
  share: number = FULL_SHARE,
): boolean => lotOf(`${request}/${candidate}`, 0) < share * LOTS;

/**
 * Judges while a candidate is measured: each gate once, as soon as all that it reads is there.
 *
 * @returns called with all scores so far: whether one of the gates that can be asked now rejects. Review is no rejection.
 *
 * @example
 * const rejects = gateWatch(policy, request);
 * rejects({ 'noise.sigma': score }); // true: the rest need not be measured
 */
export function gateWatch(policy: Policy, request?: RequestFields): (scores: Scores) => boolean {
  let open: readonly Gate[] = policy.gates;
  return (scores) => {
    const known = (gate: Gate): boolean => gateDimensions(gate).every((dimension) => Object.hasOwn(scores, dimension));
    const gates = open.filter(known);
    if (gates.length === 0) return false;
    open = open.filter((gate) => !gates.includes(gate));
    return judge(scores, { ...policy, gates }, request).band === 'reject';
  };
}

/** Ids of all gates that reject, each by itself. */
export const rejectingGates = (scores: Scores, policy: Policy, request?: RequestFields): string[] =>
  policy.gates.flatMap((gate) =>
    judge(scores, { ...policy, gates: [gate] }, request).band === 'reject' ? gate.id : [],
  );

/**
 * What would be left of the scores of a candidate that ran everything, had it stopped at the first hard failure as the others do: the rest is `notRun`.
 *
 * @param options `policy`: the one that it was drawn under; `order`: of its plan
 */
export function asStopped(
  scores: Scores,
  { policy, order, request }: { policy: Policy; order: readonly string[]; request?: RequestFields },
): Scores {
  const rejects = gateWatch(policy, request);
  let stopped = rejects({});
  const left: Scores = {};
  const byScorer = grouped(Object.entries(scores), ([, { scorer }]) => scorer.split('@')[0] ?? '');
  const inside = order.filter((id) => byScorer.has(id));
  // scorers on other machines are asked last, all at once
  const outside = [...byScorer.keys()].filter((id) => !order.includes(id));
  for (const stage of [...inside.map((id) => [id]), outside]) {
    for (const [dimension, score] of stage.flatMap((id) => byScorer.get(id) ?? []))
      left[dimension] = stopped ? { status: 'notRun', scorer: score.scorer } : score;
    stopped ||= rejects(left);
  }
  return left;
}
