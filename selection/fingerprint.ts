/** Perceptual hashes of 64 bits: how unlike two pictures look. */
import type { Scores } from './types.js';

/** A 64-bit perceptual hash in two halves: bit operations on numbers are 30 times faster than on BigInt. */
export interface Fingerprint {
  high: number;
  low: number;
}

/** The perceptual hash among a candidate's scores, 16 hex digits; undefined where it was not measured. */
export function fingerprintOf(scores: Scores): string | undefined {
  const score = scores['fingerprint.phash'];
  const hex = score?.status === 'ok' ? score.facts?.['hex'] : undefined;
  return typeof hex === 'string' ? hex : undefined;
}

/**
 * The share of bits in which two 64-bit perceptual hashes differ, 0..1; undefined if one of them is not 16 hex digits.
 *
 * @example
 * fingerprintDistance('00000000000000ff', '0000000000000000'); // 0.125
 */
export function fingerprintDistance(a: string, b: string): number | undefined {
  const [x, y] = [parseFingerprint(a), parseFingerprint(b)];
  return x && y && distanceOf(x, y);
}

/** Undefined unless it is 16 hex digits. */
export function parseFingerprint(hex: string | undefined): Fingerprint | undefined {
  if (hex === undefined || !/^[0-9a-f]{16}$/i.test(hex)) return undefined;
  return { high: Number.parseInt(hex.slice(0, 8), 16), low: Number.parseInt(hex.slice(8), 16) };
}

/** The share of differing bits, 0..1. */
export const distanceOf = (a: Fingerprint, b: Fingerprint): number =>
  (ones(a.high ^ b.high) + ones(a.low ^ b.low)) / 64;

/** Set bits of a 32-bit number. */
function ones(value: number): number {
  let bits = value >>> 0;
  let count = 0;
  for (; bits !== 0; bits = (bits & (bits - 1)) >>> 0) count++;
  return count;
}
