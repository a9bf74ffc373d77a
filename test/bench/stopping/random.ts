/** Seeded randomness of the simulations: the same seed gives the same table. */

/** mulberry32: 0..1. */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Standard normal (Box and Muller 1958). */
export const normal = (random: () => number): number =>
  Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());

/** Beta(a, b) with whole a and b: the a-th smallest of a + b - 1 uniform numbers. */
export const beta = (random: () => number, { a, b }: { a: number; b: number }): number =>
  Array.from({ length: a + b - 1 }, random).sort((x, y) => x - y)[a - 1] as number;
