/**
 * Seeded randomness, the same on every machine: 32-bit integer arithmetic only. Every use has a stream of its own, named by
 * a key, so that a new draw in one place never shifts the draws of another.
 */
export interface Random {
  /** An integer in 0..2^32-1. */
  u32(): number;
  /** A number in [0, 1). */
  next(): number;
  /** A number in [low, high). */
  between(low: number, high: number): number;
  chance(probability: number): boolean;
  pick<T>(items: readonly [T, ...T[]]): T;
}

/** 128 bits of hash over a string (cyrb128, public domain): four words of state for the generator. */
function hash128(text: string): [number, number, number, number] {
  let a = 1779033703;
  let b = 3144134277;
  let c = 1013904242;
  let d = 2773480762;
  for (let i = 0; i < text.length; i++) {
    const k = text.charCodeAt(i);
    a = b ^ Math.imul(a ^ k, 597399067);
    b = c ^ Math.imul(b ^ k, 2869860233);
    c = d ^ Math.imul(c ^ k, 951274213);
    d = a ^ Math.imul(d ^ k, 2716044179);
  }
  a = Math.imul(c ^ (a >>> 18), 597399067);
  b = Math.imul(d ^ (b >>> 22), 2869860233);
  c = Math.imul(a ^ (c >>> 17), 951274213);
  d = Math.imul(b ^ (d >>> 19), 2716044179);
  a ^= b ^ c ^ d;
  return [a, b ^ a, c ^ a, d ^ a];
}

/**
 * A stream of random numbers that depends on the key alone (generator: sfc32, from PractRand).
 *
 * @example
 * stream('7|blur').next() === stream('7|blur').next(); // true, today and on every machine
 */
export function stream(key: string): Random {
  let [a, b, c, counter] = hash128(key);
  const u32 = (): number => {
    const t = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + t) | 0;
    return t >>> 0;
  };
  for (let i = 0; i < 12; i++) u32(); // sfc32 needs a few rounds until similar keys have parted
  const next = (): number => u32() / 4294967296;
  return {
    u32,
    next,
    between: (low, high) => low + (high - low) * next(),
    chance: (probability) => next() < probability,
    pick: (items) => items[Math.floor(next() * items.length)] ?? items[0],
  };
}

/** Quantile of the standard normal distribution, for p in (0, 1); relative error below 1.2e-9 (P. J. Acklam's approximation). */
function normalQuantile(p: number): number {
  if (p > 0.5) return -normalQuantile(1 - p);
  if (p < 0.02425) {
    const q = Math.sqrt(-2 * Math.log(p));
    return (
      (((((-7.784894002430293e-3 * q - 3.223964580411365e-1) * q - 2.400758277161838) * q - 2.549732539343734) * q +
        4.374664141464968) *
        q +
        2.938163982698783) /
      ((((7.784695709041462e-3 * q + 3.224671290700398e-1) * q + 2.445134137142996) * q + 3.754408661907416) * q + 1)
    );
  }
  const q = p - 0.5;
  const r = q * q;
  return (
    ((((((-3.969683028665376e1 * r + 2.209460984245205e2) * r - 2.759285104469687e2) * r + 1.38357751867269e2) * r -
      3.066479806614716e1) *
      r +
      2.506628277459239) *
      q) /
    (((((-5.447609879822406e1 * r + 1.615858368580409e2) * r - 1.556989798598866e2) * r + 6.680131188771972e1) * r -
      1.328068155288572e1) *
      r +
      1)
  );
}

const QUANTILES = 65536;
let normals: Float32Array | undefined;

/**
 * A table of 65,536 equally likely values of the standard normal distribution. A 16-bit random number is an index into it:
 * one lookup per sample, where Box-Muller would pay a logarithm and a cosine.
 */
export function normalTable(): Float32Array {
  if (!normals) {
    normals = new Float32Array(QUANTILES);
    for (let i = 0; i < QUANTILES; i++) normals[i] = normalQuantile((i + 0.5) / QUANTILES);
  }
  return normals;
}
