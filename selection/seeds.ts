/** Seeds: one for the request, one derived from it for each candidate. Pure, so that any candidate can be drawn again. */
import { CullError } from '../errors.js';

/** Largest seed: the largest whole number that JSON and JavaScript carry exactly. */
export const MAX_SEED = Number.MAX_SAFE_INTEGER;

const MASK = (1n << 64n) - 1n;
const GOLDEN_GAMMA = 0x9e3779b97f4a7c15n;

/**
 * Passes a seed through unchanged.
 *
 * @param seed a whole number from 0 to 2^53-1
 * @throws CullError SEED_OUT_OF_RANGE for anything else, fractions and NaN included
 *
 * @example
 * checkSeed(42); // 42
 */
export function checkSeed(seed: number): number {
  if (Number.isSafeInteger(seed) && seed >= 0) return seed;
  throw new CullError('SEED_OUT_OF_RANGE', `the seed ${String(seed)} is not a whole number from 0 to 2^53-1`, {
    hint: `choose a seed from 0 to ${MAX_SEED}`,
  });
}

/**
 * The seed of one candidate: the upper 53 bits of output `index` of a splitmix64 generator started at the mixed request seed.
 * Two candidates of the largest request (2,000) share a seed with a probability of 2e-10.
 *
 * Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators" (OOPSLA 2014); constants of Vigna's public
 * domain splitmix64.c, https://prng.di.unimi.it/splitmix64.c
 *
 * @param requestSeed 0 to 2^53-1
 * @param index the candidate's index, a whole number from 0
 * @returns 0 to 2^53-1
 * @throws CullError SEED_OUT_OF_RANGE if `requestSeed` is no seed
 *
 * @example
 * deriveSeed(42, 0) === deriveSeed(42, 0); // true
 * deriveSeed(42, 0) === deriveSeed(42, 1); // false
 */
export function deriveSeed(requestSeed: number, index: number): number {
  // Mixed first: request seeds are often neighbours (1, 2, 3), and their streams must not be shifted copies of one another.
  const start = mix(BigInt(checkSeed(requestSeed)) + GOLDEN_GAMMA);
  return Number(mix(start + BigInt(index + 1) * GOLDEN_GAMMA) >> 11n);
}

function mix(value: bigint): bigint {
  let z = value & MASK;
  z = ((z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n) & MASK;
  z = ((z ^ (z >> 27n)) * 0x94d049bb133111ebn) & MASK;
  return z ^ (z >> 31n);
}
