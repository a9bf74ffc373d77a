/** Thresholds that let as many good pictures pass as a limit of defective ones allows. */
import { gateDimensions } from '../dimensions.js';
import { judge } from '../judge.js';
import type { Policy, Scores, ThresholdGate } from '../types.js';
import { lowerBound, upperBound } from './binomial.js';
import type { Example } from './examples.js';
import { boundsToTry, knobsOf, passesWithoutValue, valueOf, withBounds, type Knob } from './knobs.js';

/** An example whose verdict as a whole is known. */
export type Judged = Example & { good: boolean };

export interface Aim {
  /** Largest share of defective pictures among those that pass, above 0 and below 1. */
  maxDefectRate: number;
  /** Of the statement that is to be made, above 0 and below 1. */
  confidence: number;
}

/** What a policy lets pass. */
export interface Passing {
  pictures: number;
  defective: number;
  /** Jobs that it lets something pass of, and the sum of their shares of defects: what is evidence. Pictures, where each is a job of its own. */
  jobs: number;
  failures: number;
}

/** Bounds tried per knob: enough for any curve, few enough that 2,000 labels take a second. */
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
export function propose(examples: readonly Judged[], { policy, ...aim }: Aim & { policy: Policy }): Policy {
  const board = new Board(examples, policy, aim);
  const [first, second] = [board.climb(board.knobs.map((knob) => knob.present)), board.climb(board.loosest())];
  const { bounds } = board.isBetter(second.passing, first.passing) ? second : first;
  return withBounds(policy, new Map(board.knobs.map((knob, k) => [knob, bounds[k] ?? knob.present])));
}

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

/** A bound per knob; undefined lets everything pass. */
type Bounds = readonly (number | undefined)[];

/** The examples as numbers: which knob lets which picture pass. */
class Board {
  readonly knobs: Knob[];
  /** Per knob: the pictures' values, and the bounds to try. */
  readonly #values: (number | undefined)[][];
  readonly #tries: number[][];
  /** Pictures that can pass at all: no rule rejects them, and no gate for want of a value. */
  readonly #open: number[];
  readonly #aims = new Map<string, number>();
  /** Per picture: its job. Undefined where each picture is a job of its own. */
  readonly #jobs: number[] | undefined;
  readonly #jobCount: number;

  constructor(
    readonly examples: readonly Judged[],
    policy: Policy,
    readonly aim: Aim,
  ) {
    this.knobs = knobsOf(policy);
    const names = new Map([...new Set(examples.map(({ job }) => job))].map((job, j) => [job, j]));
    this.#jobCount = names.size;
    this.#jobs = names.size === examples.length ? undefined : examples.map(({ job }) => names.get(job) ?? 0);
    this.#values = this.knobs.map(({ gate }) => examples.map(({ scores }) => valueOf(scores, gate)));
    this.#tries = this.knobs.map((knob, k) =>
      boundsToTry(
        knob,
        // What failed at this gate says where its bound belongs; a picture that failed elsewhere does not.
        examples.map(({ good, gates }, i) => ({ good: gates[knob.gate.id] ?? good, value: this.#values[k]?.[i] })),
        MOST_BOUNDS,
      ),
    );
    const rules = { ...policy, gates: policy.gates.filter(({ kind }) => kind === 'rule') };
    const byRules = new Set(passingOf(examples, rules));
    const opens = ({ scores, good }: Judged, gate: ThresholdGate): boolean =>
      wasStopped(scores, [gate.dimension]) ? !good : passesWithoutValue(gate, policy.deliverReview);
    this.#open = [...examples.keys()].filter((i) => {
      const example = examples[i] as Judged;
      return (
        byRules.has(example) &&
        this.knobs.every(({ gate }, k) => this.#values[k]?.[i] !== undefined || opens(example, gate))
      );
    });
  }

  /** Moves one bound after the other until none gets better. */
  climb(start: Bounds): { bounds: Bounds; passing: Passing } {
    const bounds = [...start];
    let passing = this.#count(this.#passingAll(bounds));
    for (let round = 0, moved = true; moved && round < MOST_ROUNDS; round++) {
      moved = false;
      for (const k of this.knobs.keys()) {
        const found = this.#best(k, bounds, passing);
        if (!found) continue;
        bounds[k] = found.bound;
        passing = found.passing;
        moved = true;
      }
    }
    return { bounds, passing };
  }

  /** The loosest bound of each knob that is tried. */
  loosest(): number[] {
    return this.knobs.map(({ present }, k) => this.#tries[k]?.[0] ?? present);
  }

  /** The best bound of one knob while the others stay; undefined if none is better than what passes now. */
  #best(k: number, bounds: Bounds, now: Passing): { bound: number; passing: Passing } | undefined {
    const others = this.#passingAll(bounds.map((bound, other) => (other === k ? undefined : bound)));
    let best: { bound: number; passing: Passing } | undefined;
    let looser: Passing | undefined;
    for (const bound of this.#tries[k] ?? []) {
      const passing = this.#count(others.filter((i) => this.#passes(i, k, bound)));
      if (looser && !this.#isWorthIt(looser, passing)) continue;
      looser = passing;
      if (this.isBetter(passing, best?.passing ?? now)) best = { bound, passing };
    }
    return best;
  }

  /** Whether what a tighter bound rejects besides is worse than the limit. */
  #isWorthIt(looser: Passing, tighter: Passing): boolean {
    const [rejected, defective] = [looser.pictures - tighter.pictures, looser.defective - tighter.defective];
    return rejected === 0 || lowerBound(defective, rejected, WORSE) >= this.aim.maxDefectRate;
  }

  /** Whether `a` is to be preferred: strictly, so that nothing moves without a reason. */
  isBetter(a: Passing, b: Passing): boolean {
    const [aimA, aimB] = [this.#aimed(a), this.#aimed(b)];
    const { maxDefectRate } = this.aim;
    if (aimA > maxDefectRate || aimB > maxDefectRate) return aimA < aimB;
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
    const aimed = upperBound(failures + 1 + Math.sqrt(failures), jobs, this.aim.confidence);
    this.#aims.set(key, aimed);
    return aimed;
  }

  #count(passing: readonly number[]): Passing {
    const pictures = passing.length;
    const bad = passing.filter((i) => !this.examples[i]?.good);
    const defective = bad.length;
    const ofJob = this.#jobs;
    if (!ofJob) return { pictures, defective, jobs: pictures, failures: defective };
    const sizes = new Uint32Array(this.#jobCount);
    for (const i of passing) sizes[ofJob[i] ?? 0] = (sizes[ofJob[i] ?? 0] ?? 0) + 1;
    const failures = bad.reduce((sum, i) => sum + 1 / (sizes[ofJob[i] ?? 0] ?? 1), 0);
    return { pictures, defective, jobs: sizes.reduce((sum, size) => sum + Number(size > 0), 0), failures };
  }

  #passingAll(bounds: Bounds): number[] {
    return this.#open.filter((i) => bounds.every((bound, k) => bound === undefined || this.#passes(i, k, bound)));
  }

  #passes(i: number, k: number, bound: number): boolean {
    const value = this.#values[k]?.[i];
    return value === undefined || (this.knobs[k]?.side === 'min' ? value >= bound : value <= bound);
  }
}
