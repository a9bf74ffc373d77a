/** Numbers in facts: for people and for drawings, so rounded. */
import type { Box } from './image/geometry.js';
import type { Point } from './image/view.js';

/** Tenths of a pixel. */
export const round = (v: number): number => Math.round(v * 10) / 10;

/** Three decimals, for what is no pixel. */
export const brief = (v: number): number => Math.round(v * 1000) / 1000;

export const roundPoint = ([x, y]: Point): [number, number] => [round(x), round(y)];

export function roundBox({ left, top, width, height }: Box): Box {
  return { left: round(left), top: round(top), width: round(width), height: round(height) };
}

/**
 * A box of a smaller picture, both ends inclusive, in pixels of the full-size one.
 *
 * @param scale full-size pixels per pixel of the smaller picture
 * @example
 * scaledBox({ left: 10, top: 20, right: 19, bottom: 39 }, 2); // { left: 20, top: 40, width: 20, height: 40 }
 */
export const scaledBox = (
  { left, top, right, bottom }: { left: number; top: number; right: number; bottom: number },
  scale: number,
): Box =>
  roundBox({
    left: left * scale,
    top: top * scale,
    width: (right - left + 1) * scale,
    height: (bottom - top + 1) * scale,
  });
