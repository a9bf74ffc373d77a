import { overlap, type Box } from './geometry.js';

/**
 * Keeps the best of those that overlap by more than `share` (intersection over union), best first.
 *
 * @example
 * strongest([{ box, score: 0.9 }, { box, score: 0.8 }], 0.5).length; // 1
 */
export function strongest<T extends { box: Box; score: number }>(found: readonly T[], share: number): T[] {
  const kept: T[] = [];
  for (const one of [...found].sort((a, b) => b.score - a.score))
    if (kept.every((other) => overlap(one.box, other.box) <= share)) kept.push(one);
  return kept;
}
