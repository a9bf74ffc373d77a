import type { Frame } from '../frame.js';
import { strongEdges } from './edges.js';

/** Lines further off level or upright than this are slanted on purpose, degrees. */
const WIDEST = 15;
/** Half width of the window in which lines count as parallel, degrees. */
const WINDOW = 1.5;
/** Least share of the edges near an axis, and of all edges, that must be parallel. */
const NEAR_SHARE = 0.5;
const ALL_SHARE = 0.25;
const MIN_EDGES = 48;

export interface Tilt {
  /** Clockwise from level or upright, -15..15; NaN where the picture has no main direction. */
  degrees: number;
  /** Share of the strong edges that agree. */
  share: number;
  edges: number;
}

/**
 * The direction on which most of the strongest edges agree, taken from the nearest axis: a horizon, a table, walls. Round and slanted
 * things spread over all directions and give no answer.
 */
export function tiltOf(frame: Frame): Tilt {
  const points = frame.derive(strongEdges);
  // the normal of a level line is upright: both axes are the same modulo 90 degrees
  const near: number[] = [];
  for (const { nx, ny } of points) {
    const angle = (Math.atan2(ny, nx) * 180) / Math.PI;
    const off = angle - 90 * Math.round(angle / 90);
    if (Math.abs(off) <= WIDEST) near.push(off);
  }
  near.sort((a, b) => a - b);
  let [to, best, bestFrom] = [0, 0, 0];
  for (let from = 0; from < near.length; from++) {
    while (to < near.length && (near[to] as number) <= (near[from] as number) + 2 * WINDOW) to++;
    if (to - from > best) [best, bestFrom] = [to - from, from];
  }
  const share = points.length === 0 ? 0 : best / points.length;
  const edges = points.length;
  if (edges < MIN_EDGES || share < ALL_SHARE || best < NEAR_SHARE * near.length)
    return { degrees: Number.NaN, share, edges };
  return { degrees: near[bestFrom + (best >> 1)] as number, share, edges };
}
