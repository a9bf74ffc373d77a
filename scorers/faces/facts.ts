import type { Face } from './faces.js';
import type { Box } from './geometry.js';
import type { Point } from './view.js';

/** Facts carry tenths of a pixel. */
export const round = (v: number): number => Math.round(v * 10) / 10;

export const roundPoint = ([x, y]: Point): [number, number] => [round(x), round(y)];

/** A number with three decimals, for facts that are no pixels. */
export const brief = (v: number): number => Math.round(v * 1000) / 1000;

export function roundBox({ left, top, width, height }: Box): Box {
  return { left: round(left), top: round(top), width: round(width), height: round(height) };
}

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
