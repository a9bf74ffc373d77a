/** One request on a pool of ComfyUIs, in simulated time: what is in flight, when it ends, what a stop throws away. */
import { nextStep, type StoppingPolicy } from '../../../selection/stopping.js';

export interface Outcome {
  /** In generations: what the GPUs ran, cancelled ones by the share that they ran. */
  gpu: number;
  /** In generations: from the start to the stop. */
  time: number;
  passed: number;
  reason: string;
  launched: number;
  /** Drawn to the end. */
  ended: number;
}

/** What the candidates of a request would do: asked by index, so that every strategy meets the same ones. */
export interface Trace {
  passes(index: number): boolean;
  /** In generations: about 1. */
  duration(index: number): number;
}

/** Draws as `nextStep` says, with a GPU for each place in the window. */
export function simulate(trace: Trace, policy: StoppingPolicy): Outcome {
  const running: { index: number; from: number; ends: number }[] = [];
  let [now, launched, passed, gpu, ended, spent] = [0, 0, 0, 0, 0, 0];
  for (;;) {
    const state = { launched, inFlight: running.length, passed, elapsedMs: now * 1000 };
    const step = nextStep({ ...state, drawMs: ended > 0 ? (spent / ended) * 1000 : 1000 }, policy);
    if ('stop' in step) {
      for (const { from, ends } of running) gpu += Math.min(now, ends) - from;
      return { gpu, time: now, passed, reason: step.stop, launched, ended };
    }
    for (let i = 0; i < step.launch; i++, launched++)
      running.push({ index: launched, from: now, ends: now + trace.duration(launched) });
    running.sort((a, b) => b.ends - a.ends || b.index - a.index);
    const next = running.pop();
    if (next === undefined) throw new Error('nothing in flight and no stop');
    now = next.ends;
    gpu += next.ends - next.from;
    spent += next.ends - next.from;
    ended++;
    if (trace.passes(next.index)) passed++;
  }
}
