import { brief, roundBox, roundPoint } from '../facts.js';
import type { Box } from '../image/geometry.js';
import type { Face } from './faces.js';

/** Box and named points of a face, for people and for drawings. */
export function faceFacts({ box, score, points }: Face): {
  box: Box & { score: number };
  points: Record<string, [number, number]>;
} {
  return {
    box: { ...roundBox(box), score: brief(score) },
    points: Object.fromEntries(Object.entries(points).map(([name, point]) => [name, roundPoint(point)])),
  };
}
