/** From a raw value to a quality 0..100. The constants are data: changing one re-measures nothing. */

/**
 * Constants of the sigmoid of OFIQ, the reference implementation of ISO/IEC 29794-5
 * (https://github.com/BSI-OFIQ/OFIQ-Project): `h * (a + s / (1 + exp((x0 - x) / w)))`.
 */
export interface Sigmoid {
  /** Height. @default 100 */
  h?: number;
  /** Offset. @default 0 */
  a?: number;
  /** Scale; negative when less is better. @default 1 */
  s?: number;
  /** Raw value at the middle of the curve. */
  x0: number;
  /** Raw units from the middle to 73 %; > 0. */
  w: number;
}

/**
 * Maps a raw value to a quality, clamped to 0..100 and rounded to 0.1 (100 is best).
 *
 * @example
 * quality(23, { x0: 23, w: 2.6 }); // 50
 */
export function quality(raw: number, { h = 100, a = 0, s = 1, x0, w }: Sigmoid): number {
  const mapped = h * (a + s / (1 + Math.exp((x0 - raw) / w)));
  return Math.round(Math.min(100, Math.max(0, mapped)) * 10) / 10;
}

/** The curve for "more is better": quality 50 at `x0`. */
export const rising = (x0: number, w: number): Sigmoid => ({ x0, w });

/** The curve for "less is better": quality 50 at `x0`. */
export const falling = (x0: number, w: number): Sigmoid => ({ a: 1, s: -1, x0, w });
