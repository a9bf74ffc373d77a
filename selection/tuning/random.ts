/** Chance from a seed that is handed in: the same seed gives the same order and the same samples everywhere. */
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { checkSeed, deriveSeed } from '../seeds.js';

/** A source of chance. It moves on with every use. */
export interface Chance {
  /** 0 (in) to 1 (out). */
  share(): number;
  /** A whole number from 0 to below `count`. */
  below(count: number): number;
}

/**
 * @param seed 0 to 2^53-1
 * @param stream independent streams of the same seed
 * @throws CullError SEED_OUT_OF_RANGE
 *
 * @example
 * chanceFrom(7).below(6) === chanceFrom(7).below(6); // true
 */
export function chanceFrom(seed: number, stream = 0): Chance {
  // pure-rand takes 32 bits
  const generator = xoroshiro128plus(deriveSeed(checkSeed(seed), stream) | 0);
  return {
    share: () => uniformFloat64(generator),
    // The same numbers as pure-rand's uniformInt, without its slow remainder: 100,000 jobs are drawn 2,000 times. The quotient of two such numbers is
    // never rounded up to a whole one.
    below(count) {
      const end = count > 2 ? Math.floor(2 ** 32 / count) * count : 2 ** 32;
      let drawn = generator.next() + 2 ** 31;
      while (drawn >= end) drawn = generator.next() + 2 ** 31;
      return drawn - Math.floor(drawn / count) * count;
    },
  };
}

/** The same items in another order (Fisher and Yates). */
export function shuffled<T>(items: readonly T[], chance: Chance): T[] {
  const mixed = [...items];
  for (let i = mixed.length - 1; i > 0; i--) {
    const j = chance.below(i + 1);
    [mixed[i], mixed[j]] = [mixed[j] as T, mixed[i] as T];
  }
  return mixed;
}

/**
 * A number of 32 bits for a name: always the same for that name and seed, whatever other names there are. FNV-1a, finished as MurmurHash3
 * does, so that names that differ in one digit lie anywhere.
 */
export function lotOf(name: string, seed: number): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(`${seed}:${name}`)) hash = Math.imul(hash ^ byte, 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
