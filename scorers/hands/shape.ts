import type { Hand } from './hands.js';

/** First joint of each finger, thumb to little finger; its further three follow. */
const FINGERS = [1, 5, 9, 13, 17];
/** From the first joint to the tip, of the mean distance from the wrist to the four knuckles; medians of adult hands seen flat. */
const LENGTHS = [0.85, 0.88, 0.98, 0.92, 0.75];
const KNUCKLES = [5, 9, 13, 17];
/** Tip from first joint over the way along the bones: above, a finger is stretched. */
const STRAIGHT = 0.85;

export interface HandShape {
  /** How many of the five fingers are stretched. */
  extended: number;
  /** The finger whose length is furthest from what the palm calls for, in octaves: 1 is twice or half as long. */
  worstLength: number;
}

/**
 * What the points of a hand say of its build. Lengths are taken in three dimensions, so that a bent finger keeps its own.
 */
export function handShape({ points, depth }: Pick<Hand, 'points' | 'depth'>): HandShape {
  const between = (a: number, b: number): number => {
    const [p, q] = [points[a], points[b]];
    if (p === undefined || q === undefined) throw new Error('a hand has 21 points');
    return Math.hypot(p[0] - q[0], p[1] - q[1], (depth[a] ?? 0) - (depth[b] ?? 0));
  };
  const palm = KNUCKLES.reduce((sum, knuckle) => sum + between(0, knuckle), 0) / KNUCKLES.length;
  const along = FINGERS.map(
    (joint) => between(joint, joint + 1) + between(joint + 1, joint + 2) + between(joint + 2, joint + 3),
  );
  const extended = FINGERS.filter((joint, i) => between(joint, joint + 3) > STRAIGHT * (along[i] as number)).length;
  const off = along.map((length, i) => Math.abs(Math.log2(length / palm / (LENGTHS[i] as number))));
  return { extended, worstLength: Math.max(...off) };
}
