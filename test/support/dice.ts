/** Chance that can be had again: the same seed throws the same numbers. */
import { deriveSeed } from '../../selection/seeds.js';

/** The seed's own sequence of whole numbers below `n`. */
export function dice(seed: number): (n: number) => number {
  let index = 0;
  return (n) => deriveSeed(seed, index++) % n;
}

/** A shuffled copy. */
export function shuffled<T>(items: readonly T[], roll: (n: number) => number): T[] {
  const rest = [...items];
  return items.map(() => rest.splice(roll(rest.length), 1)[0] as T);
}
