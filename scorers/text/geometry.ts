import { convexHull } from '../image/geometry.js';
import type { Point } from '../image/view.js';

/** A rectangle at any angle: middle, half sides along the two axes, and the direction of the long side. */
export interface Slanted {
  centre: Point;
  /** Half of the long and of the short side. */
  half: readonly [long: number, short: number];
  /** Unit vector along the long side; x >= 0. */
  along: Point;
}

/**
 * The smallest rectangle around points, by rotating calipers: one of its sides lies on a side of the convex hull.
 *
 * @example
 * smallestRectangle([[0, 0], [4, 0], [4, 1], [0, 1]]).half; // [2, 0.5]
 */
export function smallestRectangle(points: readonly Point[]): Slanted {
  const hull = points.length < 3 ? points : convexHull(points);
  let best: (Slanted & { area: number }) | undefined;
  for (let i = 0; i < hull.length; i++) {
    const [ax, ay] = hull[i] as Point;
    const [bx, by] = hull[(i + 1) % hull.length] as Point;
    const length = Math.hypot(bx - ax, by - ay);
    const [ux, uy] = length === 0 ? [1, 0] : [(bx - ax) / length, (by - ay) / length];
    let [lowU, highU, lowV, highV] = [Infinity, -Infinity, Infinity, -Infinity];
    for (const [x, y] of hull) {
      const [u, v] = [x * ux + y * uy, y * ux - x * uy];
      [lowU, highU, lowV, highV] = [Math.min(lowU, u), Math.max(highU, u), Math.min(lowV, v), Math.max(highV, v)];
    }
    const area = (highU - lowU) * (highV - lowV);
    if (best !== undefined && area >= best.area) continue;
    const [u, v] = [(lowU + highU) / 2, (lowV + highV) / 2];
    const centre = [u * ux - v * uy, u * uy + v * ux] as const;
    const [halfU, halfV] = [(highU - lowU) / 2, (highV - lowV) / 2];
    best =
      halfU >= halfV
        ? { area, centre, half: [halfU, halfV], along: rightward([ux, uy]) }
        : { area, centre, half: [halfV, halfU], along: rightward([-uy, ux]) };
  }
  if (best === undefined) throw new Error('no points');
  return { centre: best.centre, half: best.half, along: best.along };
}

/** Text runs to the right; straight up and down, downwards. */
const rightward = ([x, y]: Point): Point => (x < -1e-9 || (Math.abs(x) <= 1e-9 && y < 0) ? [-x, -y] : [x, y]);

/** Top left, top right, bottom right, bottom left, seen along the text. */
export function corners({ centre: [x, y], half: [a, b], along: [ux, uy] }: Slanted): [Point, Point, Point, Point] {
  const at = (u: number, v: number): Point => [x + u * ux - v * uy, y + u * uy + v * ux];
  return [at(-a, -b), at(a, -b), at(a, b), at(-a, b)];
}
