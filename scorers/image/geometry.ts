import type { Point } from './view.js';

/** A rectangle in pixels of the full-size upright picture. */
export interface Box {
  left: number;
  top: number;
  width: number;
  height: number;
}

export const distance = (a: Point, b: Point): number => Math.hypot(a[0] - b[0], a[1] - b[1]);

export const middle = (a: Point, b: Point): Point => [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2];

/** Angle of the line from `a` to `b` against the horizontal, radians, clockwise in the picture. */
export const tilt = (a: Point, b: Point): number => Math.atan2(b[1] - a[1], b[0] - a[0]);

export const centreOf = ({ left, top, width, height }: Box): Point => [left + width / 2, top + height / 2];

/** The smallest box around some points. */
export function boxAround(points: readonly Point[]): Box {
  const xs = points.map(([x]) => x);
  const ys = points.map(([, y]) => y);
  const [left, top] = [Math.min(...xs), Math.min(...ys)];
  return { left, top, width: Math.max(...xs) - left, height: Math.max(...ys) - top };
}

/** Shared area over joint area, 0..1. */
export function overlap(a: Box, b: Box): number {
  const w = Math.min(a.left + a.width, b.left + b.width) - Math.max(a.left, b.left);
  const h = Math.min(a.top + a.height, b.top + b.height) - Math.max(a.top, b.top);
  if (w <= 0 || h <= 0) return 0;
  return (w * h) / (a.width * a.height + b.width * b.height - w * h);
}

/**
 * 1 inside a polygon, 0 outside, by the middle of each pixel (even-odd rule).
 *
 * @example
 * fillPolygon([[1, 1], [3, 1], [3, 3], [1, 3]], 4, 4); // 4 pixels are 1
 */
export function fillPolygon(polygon: readonly Point[], width: number, height: number): Uint8Array {
  const mask = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    const cuts: number[] = [];
    polygon.forEach(([x1, y1], i) => {
      const [x2, y2] = polygon[(i + 1) % polygon.length] as Point;
      if (y1 <= y + 0.5 !== y2 <= y + 0.5) cuts.push(x1 + ((y + 0.5 - y1) / (y2 - y1)) * (x2 - x1));
    });
    cuts.sort((a, b) => a - b);
    for (let c = 0; c + 1 < cuts.length; c += 2) {
      const from = Math.max(0, Math.ceil((cuts[c] as number) - 0.5));
      const to = Math.min(width, Math.ceil((cuts[c + 1] as number) - 0.5));
      if (to > from) mask.fill(1, y * width + from, y * width + to);
    }
  }
  return mask;
}

/** Linear least squares: the turn, scale and shift that bring `from` onto `to`, as `x' = a x - b y + tx`, `y' = b x + a y + ty`. */
export interface Similarity {
  a: number;
  b: number;
  tx: number;
  ty: number;
}

/**
 * The similarity that brings points onto others with the least squared error.
 * Source: Umeyama, "Least-squares estimation of transformation parameters between two point patterns", PAMI 13 (1991).
 */
export function fitSimilarity(from: readonly Point[], to: readonly Point[]): Similarity {
  const n = from.length;
  const mean = (points: readonly Point[], axis: 0 | 1): number => points.reduce((sum, p) => sum + p[axis], 0) / n;
  const [fx, fy, tx, ty] = [mean(from, 0), mean(from, 1), mean(to, 0), mean(to, 1)];
  let [a, b, norm] = [0, 0, 0];
  from.forEach(([x, y], i) => {
    const [u, v] = to[i] as Point;
    a += (x - fx) * (u - tx) + (y - fy) * (v - ty);
    b += (x - fx) * (v - ty) - (y - fy) * (u - tx);
    norm += (x - fx) ** 2 + (y - fy) ** 2;
  });
  [a, b] = [a / norm, b / norm];
  return { a, b, tx: tx - a * fx + b * fy, ty: ty - b * fx - a * fy };
}

/** The convex hull, clockwise in the picture. Source: Andrew's monotone chain, Information Processing Letters 9 (1979). */
export function convexHull(points: readonly Point[]): Point[] {
  const sorted = [...points].sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  const chain = (ordered: readonly Point[]): Point[] => {
    const hull: Point[] = [];
    for (const point of ordered) {
      while (hull.length >= 2 && turns(hull.at(-2) as Point, hull.at(-1) as Point, point) <= 0) hull.pop();
      hull.push(point);
    }
    return hull.slice(0, -1);
  };
  return [...chain(sorted), ...chain(sorted.reverse())];
}

const turns = (o: Point, a: Point, b: Point): number => (a[0] - o[0]) * (b[1] - o[1]) - (a[1] - o[1]) * (b[0] - o[0]);
