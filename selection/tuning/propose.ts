/** Thresholds that let as many good pictures pass as a limit of defective ones allows. */
import { gateDimensions } from '../dimensions.js';
import { judge } from '../judge.js';
import type { Policy, Scores, ThresholdGate } from '../types.js';
import { showsAtLeast, upperBound } from './binomial.js';
import { Board, triesPassed, type Passing, type Picture } from './board.js';
import type { Example } from './examples.js';
import { boundsToTry, knobsOf, passesWithoutValue, valueOf, withBounds, type Knob, type Step } from './knobs.js';

/** An example whose verdict as a whole is known. */
export type Judged = Example & { good: boolean };

export interface Aim {
  /** Largest share of defective pictures among those that pass, above 0 and below 1. */
  maxDefectRate: number;
  /** Of the statement that is to be made, above 0 and below 1. */
  confidence: number;
}

/** Bounds tried per knob: enough for any curve. */
const MOST_BOUNDS = 60;
const MOST_ROUNDS = 10;
/** How sure it must be that what a tighter bound rejects is worse than the limit: more likely than not. */
const WORSE = 0.5;

/**
 * The policy with thresholds chosen on these examples: among those whose defects stay under the limit with room to spare, the one that lets most good
 * pictures pass; if none does, the one that comes nearest. One bound after the other is moved to its best place until none moves, from the
 * present policy and from its loosest form. A bound is tightened only past pictures of which more are defective than the limit allows: it would else
 * pay with good pictures for the chance that one defective picture lies among them. Where jobs have several pictures, the limit is held against jobs,
 * as the promise is: the pictures of a job are no independent evidence.
 *
 * Nothing is promised by it: a threshold looks better on the labels that chose it than it is. `examine` says what held-out labels show.
 *
 * @param examples at least one; all verdicts are of the picture as a whole
 *
 * @example
 * propose(tuning, { policy, maxDefectRate: 0.05, confidence: 0.95 }).gates[0];
 */
export const propose = (examples: readonly Judged[], options: Aim & { policy: Policy }): Policy =>
  new Proposer(examples, options).propose();

/**
 * What passes a policy, by `judge`. A gate that was not run on a picture, because another one had rejected it, cannot be asked. Where no gate that
 * was run rejects it, it counts at its worst: a defective one passes, a good one does not. To leave such pictures out would flatter every looser
 * bound: of the pictures that it lets in, most were stopped there.
 */
export const passingOf = <T extends Judged>(examples: readonly T[], policy: Policy): T[] =>
  examples.filter(({ scores, request, good }) => {
    const run = policy.gates.filter((gate) => !wasStopped(scores, gateDimensions(gate)));
    if (run.length === policy.gates.length) return judge(scores, policy, request).pass;
    return !good && judge(scores, { ...policy, gates: run }, request).pass;
  });

/** Whether measuring stopped before one of these dimensions: it is there, as `notRun`. */
export const wasStopped = (scores: Scores, dimensions: readonly string[]): boolean =>
  dimensions.some((id) => Object.hasOwn(scores, id) && scores[id]?.status === 'notRun');

/** Chooses on the same examples as often as asked, each time with other jobs drawn from them. */
export class Proposer {
  readonly #policy: Policy;
  readonly #limit: number;
  readonly #confidence: number;
  readonly #knobs: Knob[];
  /** Per knob: the pictures' values, and the pictures that have one, the lowest first. */
  readonly #values: (number | undefined)[][];
  readonly #sorted: number[][];
  /** Per knob and picture: whether it is defective there. What failed at a gate says where its bound belongs; a picture that failed elsewhere does not. */
  readonly #failed: boolean[][];
  /** Pictures that can pass at all: no rule rejects them, and no gate for want of a value. */
  readonly #open: number[];
  readonly #good: boolean[];
  /** Per picture its job, numbered as they first appear. */
  readonly #jobs: number[];
  readonly #aims = new Map<string, number>();

  constructor(examples: readonly Judged[], { policy, maxDefectRate, confidence }: Aim & { policy: Policy }) {
    this.#policy = policy;
    this.#limit = maxDefectRate;
    this.#confidence = confidence;
    this.#knobs = knobsOf(policy);
    this.#good = examples.map(({ good }) => good);
    const names = new Map<string, number>();
    for (const { job } of examples) if (!names.has(job)) names.set(job, names.size);
    this.#jobs = examples.map(({ job }) => names.get(job) ?? 0);
    this.#values = this.#knobs.map(({ gate }) => examples.map(({ scores }) => valueOf(scores, gate)));
    this.#sorted = this.#values.map((values) => {
      const measured = [...values.keys()].filter((i) => values[i] !== undefined);
      return measured.sort((a, b) => (values[a] ?? 0) - (values[b] ?? 0));
    });
    this.#failed = this.#knobs.map(({ gate }) => examples.map(({ good, gates }) => !(gates[gate.id] ?? good)));
    const rules = { ...policy, gates: policy.gates.filter(({ kind }) => kind === 'rule') };
    const byRules = new Set(passingOf(examples, rules));
    const opens = ({ scores, good }: Judged, gate: ThresholdGate): boolean =>
      wasStopped(scores, [gate.dimension]) ? !good : passesWithoutValue(gate, policy.deliverReview);
    this.#open = [...examples.keys()].filter((i) => {
      const example = examples[i] as Judged;
      return (
        byRules.has(example) &&
        this.#knobs.every(({ gate }, k) => this.#values[k]?.[i] !== undefined || opens(example, gate))
      );
    });
  }

  /**
   * @param drawn how often each job is there, in the order in which they first appear; one that is drawn twice counts as two. @default once each
   */
  propose(drawn: ArrayLike<number> = new Uint8Array(this.#jobs.length).fill(1)): Policy {
    if (this.#knobs.length === 0) return this.#policy;
    const tries = this.#knobs.map((knob, k) => boundsToTry(knob, this.#stepsOf(k, drawn), MOST_BOUNDS));
    const board = new Board({
      tries: tries.map(({ length }) => length),
      pictures: this.#open.flatMap((i): Picture[] => {
        const job = this.#jobs[i] ?? 0;
        const times = drawn[job] ?? 0;
        if (times === 0) return [];
        const passes = this.#knobs.map(({ side }, k) => triesPassed(tries[k] ?? [], side, this.#values[k]?.[i]));
        return [{ job, times, bad: this.#good[i] !== true, passes }];
      }),
    });
    const present = this.#knobs.map((knob, k) => tries[k]?.indexOf(knob.present) ?? 0);
    const [first, second] = [
      this.#climb(board, present),
      this.#climb(
        board,
        present.map(() => 0),
      ),
    ];
    const { at } = this.#isBetter(second.passing, first.passing) ? second : first;
    return withBounds(
      this.#policy,
      new Map(this.#knobs.map((knob, k) => [knob, tries[k]?.[at[k] ?? 0] ?? knob.present])),
    );
  }

  /** The distinct values at a knob, the lowest first. */
  #stepsOf(k: number, drawn: ArrayLike<number>): Step[] {
    const steps: Step[] = [];
    for (const i of this.#sorted[k] ?? []) {
      if ((drawn[this.#jobs[i] ?? 0] ?? 0) === 0) continue;
      const [value, defective] = [this.#values[k]?.[i] ?? 0, this.#failed[k]?.[i] ?? false];
      const last = steps.at(-1);
      if (last?.value !== value) steps.push({ value, defective });
      else if (defective) last.defective = true;
    }
    return steps;
  }

  /** Moves one bound after the other until none gets better. */
  #climb(board: Board, start: readonly number[]): { at: number[]; passing: Passing } {
    const at = [...start];
    let passing = board.passing(0, at)[at[0] ?? 0] as Passing;
    for (let round = 0, moved = true; moved && round < MOST_ROUNDS; round++) {
      moved = false;
      for (const k of at.keys()) {
        const found = this.#best(board.passing(k, at), passing);
        if (!found) continue;
        at[k] = found.bound;
        passing = found.passing;
        moved = true;
      }
    }
    return { at, passing };
  }

  /** The best bound of one knob while the others stay; undefined if none is better than what passes now. */
  #best(all: readonly Passing[], now: Passing): { bound: number; passing: Passing } | undefined {
    let best: { bound: number; passing: Passing } | undefined;
    let looser: Passing | undefined;
    for (const [bound, passing] of all.entries()) {
      if (looser && !this.#isWorthIt(looser, passing)) continue;
      looser = passing;
      if (this.#isBetter(passing, best?.passing ?? now)) best = { bound, passing };
    }
    return best;
  }

  /** Whether what a tighter bound rejects besides is worse than the limit. */
  #isWorthIt(looser: Passing, tighter: Passing): boolean {
    const [rejected, defective] = [looser.pictures - tighter.pictures, looser.defective - tighter.defective];
    return rejected === 0 || showsAtLeast(defective, rejected, { rate: this.#limit, confidence: WORSE });
  }

  /** Whether `a` is to be preferred: strictly, so that nothing moves without a reason. */
  #isBetter(a: Passing, b: Passing): boolean {
    const [aimA, aimB] = [this.#aimed(a), this.#aimed(b)];
    if (aimA > this.#limit || aimB > this.#limit) return aimA < aimB;
    const [goodA, goodB] = [a.pictures - a.defective, b.pictures - b.defective];
    return goodA > goodB || (goodA === goodB && a.defective < b.defective);
  }

  /**
   * The bound that other labels would show if chance put one standard deviation and one more defective picture (or job) among them: without that
   * room, every second choice would fail on the held-out part.
   */
  #aimed({ jobs, failures }: Passing): number {
    const key = `${failures}/${jobs}`;
    const known = this.#aims.get(key);
    if (known !== undefined) return known;
    const aimed = upperBound(failures + 1 + Math.sqrt(failures), jobs, this.#confidence);
    this.#aims.set(key, aimed);
    return aimed;
  }
}
