/** Strategies on the same requests: ours at three hurries, also with what earlier requests showed, a fixed N, and an oracle that knows the pass rate. */
import { chanceOf, learnedRate, type PassRate } from '../../../selection/pass-rate.js';
import type { StoppingPolicy } from '../../../selection/stopping.js';
import { beta, normal, randomOf } from './random.js';
import { simulate, type Outcome, type Trace } from './simulate.js';

export const HURRIES = { cheap: 0, usual: 0.6, hurried: 1 } as const;
export type Hurry = keyof typeof HURRIES;

export interface Setting {
  deliver: number;
  inFlight: number;
  cap: number;
  /** The pass rate of each request: one number for all, or drawn from a beta distribution. */
  rate: number | { a: number; b: number };
}

/** Means over the requests; GPU-time and time in generations. */
export interface Row {
  strategy: string;
  gpuPerDelivered: number;
  /** From the start to the stop. */
  time: number;
  /** Share of the requests that got K. */
  met: number;
  /** Share of the requests that were given up as futile although the cap would have held K. */
  falselyFutile: number;
}

/** Certain of the rate. */
const known = (p: number): PassRate => ({ passes: p * 1e9, fails: (1 - p) * 1e9 });
/** Earlier requests that a release remembers (activities/stats.ts). */
const REMEMBERED = 50;
/** The deviation of a generation's time, as a share of it: that of a warm GPU. */
const JITTER = 0.1;

/** The smallest N that meets the quota in 95 % of the requests. Beyond 100,000 there is none. */
export function fixedN({ deliver, rate }: Pick<Setting, 'deliver' | 'rate'>): number {
  const belief = typeof rate === 'number' ? known(rate) : { passes: rate.a, fails: rate.b };
  for (let n = deliver; n < 100_000; n++) if (chanceOf(deliver, n, belief) >= 0.95) return n;
  throw new Error('no N is enough');
}

/** All strategies on the same `requests` simulated requests. */
export function compare(setting: Setting, { requests, seed }: { requests: number; seed: number }): Row[] {
  const { deliver, inFlight: window, cap } = setting;
  const quota = { mode: 'quota', candidates: cap, deliver, window } as const;
  const strategies: Record<string, (p: number) => StoppingPolicy> = {
    'fixed N': () => ({ mode: 'best-of', candidates: fixedN(setting), deliver, window }),
  };
  for (const [name, hurry] of Object.entries(HURRIES)) {
    strategies[name] = () => ({ ...quota, hurry });
    strategies[`oracle, ${name}`] = (p) => ({ ...quota, hurry, prior: known(p), futileBelow: 0 });
  }
  const traces = Array.from({ length: requests }, (_, request) => simulated(setting, seed + request));
  const rows = Object.entries(strategies).map(([strategy, policyFor]) =>
    rowOf(
      strategy,
      traces.map(({ p, trace }) => ({ trace, outcome: simulate(trace, policyFor(p)) })),
      setting,
    ),
  );
  const earlier = Array.from({ length: REMEMBERED }, (_, request) => simulated(setting, seed + requests + request));
  const chain = learning([...earlier, ...traces], { ...quota, hurry: HURRIES.usual }).slice(REMEMBERED);
  return [...rows, rowOf('usual, learned', chain, setting)];
}

/** One request after the other, each with what the ones before it showed. */
function learning(requests: readonly { trace: Trace }[], policy: StoppingPolicy): { trace: Trace; outcome: Outcome }[] {
  const seen: { passed: number; ended: number }[] = [];
  return requests.map(({ trace }) => {
    const outcome = simulate(trace, { ...policy, prior: learnedRate(seen) });
    seen.push(outcome);
    if (seen.length > REMEMBERED) seen.shift();
    return { trace, outcome };
  });
}

export function rowOf(strategy: string, runs: { trace: Trace; outcome: Outcome }[], { deliver, cap }: Setting): Row {
  const sum = (of: (run: { trace: Trace; outcome: Outcome }) => number): number =>
    runs.reduce((total, run) => total + of(run), 0);
  return {
    strategy,
    gpuPerDelivered: sum(({ outcome }) => outcome.gpu) / sum(({ outcome }) => Math.min(deliver, outcome.passed)),
    time: sum(({ outcome }) => outcome.time) / runs.length,
    met: sum(({ outcome }) => Number(outcome.passed >= deliver)) / runs.length,
    falselyFutile:
      sum(({ trace, outcome }) => Number(outcome.reason === 'futile' && passesOf(trace, cap) >= deliver)) / runs.length,
  };
}

const passesOf = (trace: Trace, cap: number): number =>
  Array.from({ length: cap }, (_, index) => index).filter((index) => trace.passes(index)).length;

/** Every candidate of a request drawn beforehand: the same for all strategies, whatever order they start them in. */
function simulated({ rate }: Setting, seed: number): { p: number; trace: Trace } {
  const random = randomOf(seed);
  const p = typeof rate === 'number' ? rate : beta(random, rate);
  const drawn: { passes: boolean; duration: number }[] = [];
  const at = (index: number): { passes: boolean; duration: number } => {
    while (drawn.length <= index)
      drawn.push({ passes: random() < p, duration: Math.max(0.2, 1 + JITTER * normal(random)) });
    return drawn[index] as { passes: boolean; duration: number };
  };
  return { p, trace: { passes: (index) => at(index).passes, duration: (index) => at(index).duration } };
}
