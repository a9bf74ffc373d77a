import type { Frame, Plane } from '../frame.js';
import { quantile, type Area } from './filters.js';

/** Edge points that are looked at, at most. */
const MAX_EDGES = 256;
/** Fewest edge points that allow an answer. */
const MIN_EDGES = 12;
/** Half length of the profile across an edge, working pixels. */
const REACH = 10;
/** Steps per pixel along the profile. */
const FINE = 2;
/** Half width of the strip that is averaged along the edge, working pixels. */
const STRIP = 2;
/** The two smoothing scales whose responses are compared, working pixels. */
const SIGMA1 = 0.8;
const SIGMA2 = 2;
/** The share of edges that counts: soft shadows and round edges are blurred in a sharp picture too. */
const SHARP_SHARE = 0.25;
/** Variance of what drawing and sampling add to every edge: one pixel's box and linear interpolation. */
const SAMPLING = 1 / 12 + 1 / 6;

export interface EdgeBlur {
  /** Gaussian sigma of the sharpest quarter of strong edges, working pixels; NaN when there are too few edges. */
  sigma: number;
  edges: number;
}

/**
 * How blurred the strongest edges are, as the sigma of a Gaussian in linear light. An ideal edge blurred by sigma and then
 * smoothed by s1 or s2 has peak slopes with the ratio R, R^2 = (sigma^2 + s2^2) / (sigma^2 + s1^2).
 * Source: Zhuo, Sim, "Defocus map estimation from a single image", Pattern Recognition 44 (2011); Elder, Zucker, "Local scale
 * control for edge detection and blur estimation", IEEE PAMI 20 (1998).
 *
 * @example
 * frame.derive(edgeBlur).sigma; // 0.4 for a crisp picture
 */
export const edgeBlur = (frame: Frame): EdgeBlur => blurOf(frame, frame.derive(strongEdges));

/** The same for the strongest edges in and around the subject; NaN where there is no subject. */
export function subjectEdgeBlur(frame: Frame): EdgeBlur {
  const { subject, luma } = frame;
  if (!subject.found) return { sigma: Number.NaN, edges: 0 };
  const { left, top, right, bottom } = subject.box;
  const margin = STRIP + 1;
  const area = { left: left - margin, top: top - margin, right: right + margin, bottom: bottom + margin };
  return blurOf(frame, edgesWithin(luma, { slope: frame.derive(slopes), area, most: MAX_EDGES / 2 }));
}

function blurOf({ light }: Frame, points: readonly EdgePoint[]): EdgeBlur {
  const found: number[] = [];
  for (const point of points) {
    // a lens blurs light, not sRGB levels
    const sigma = edgeSigma(light, point);
    if (sigma !== undefined) found.push(sigma);
  }
  if (found.length < MIN_EDGES) return { sigma: Number.NaN, edges: found.length };
  return { sigma: quantile(Float32Array.from(found), SHARP_SHARE), edges: found.length };
}

export interface EdgePoint {
  x: number;
  y: number;
  /** Unit vector across the edge. */
  nx: number;
  ny: number;
}

const MARGIN = REACH + STRIP + 1;

/** Sobel's slope |gx| + |gy| of the working picture; 0 too near the border for a profile. */
function slopes({ luma: { width, height, data } }: Frame): Float32Array {
  const slope = new Float32Array(data.length);
  for (let y = MARGIN; y < height - MARGIN; y++) {
    const start = y * width + MARGIN;
    const end = (y + 1) * width - MARGIN;
    // Sobel in two steps: sum and difference down each column, then across three columns, two of them known already
    let sumLeft = columnSum(data, start - 1, width);
    let sum = columnSum(data, start, width);
    let stepLeft = (data[start - 1 + width] as number) - (data[start - 1 - width] as number);
    let step = (data[start + width] as number) - (data[start - width] as number);
    for (let i = start; i < end; i++) {
      const above = data[i + 1 - width] as number;
      const below = data[i + 1 + width] as number;
      const sumRight = above + 2 * (data[i + 1] as number) + below;
      const stepRight = below - above;
      const gx = sumRight - sumLeft;
      const gy = stepLeft + 2 * step + stepRight;
      slope[i] = (gx < 0 ? -gx : gx) + (gy < 0 ? -gy : gy);
      sumLeft = sum;
      sum = sumRight;
      stepLeft = step;
      step = stepRight;
    }
  }
  return slope;
}

/** The pixels of strongest slope that are a maximum across their edge, thinned evenly to 256. */
export function strongEdges(frame: Frame): EdgePoint[] {
  const { luma } = frame;
  const area = { left: 0, top: 0, right: luma.width - 1, bottom: luma.height - 1 };
  return edgesWithin(luma, { slope: frame.derive(slopes), area, most: MAX_EDGES });
}

function edgesWithin(
  { width, height, data }: Plane,
  { slope, area, most }: { slope: Float32Array; area: Area; most: number },
): EdgePoint[] {
  const left = Math.max(MARGIN, area.left);
  const right = Math.min(width - MARGIN - 1, area.right);
  const top = Math.max(MARGIN, area.top);
  const bottom = Math.min(height - MARGIN - 1, area.bottom);
  // slopes are at most 2 * 4 * 255; whole levels are enough to find the strongest that is not an outlier
  const histogram = new Uint32Array(2048);
  for (let y = top; y <= bottom; y++)
    for (let i = y * width + left, end = y * width + right; i <= end; i++) {
      const bin = (slope[i] as number) | 0;
      histogram[bin] = (histogram[bin] as number) + 1;
    }
  let level = histogram.length - 1;
  for (let count = 0; level > 0 && count < 200; level--) count += histogram[level] as number;
  const limit = Math.max(1, 0.4 * level);
  const found: number[] = [];
  for (let y = top; y <= bottom; y++)
    for (let i = y * width + left, end = y * width + right; i <= end; i++) {
      const s = slope[i] as number;
      if (s < limit) continue;
      const isPeakX = s >= (slope[i - 1] as number) && s > (slope[i + 1] as number);
      const isPeakY = s >= (slope[i - width] as number) && s > (slope[i + width] as number);
      if (!isPeakX && !isPeakY) continue;
      const gx = meanSlope({ data, at: i, across: 1, along: width });
      const gy = meanSlope({ data, at: i, across: width, along: 1 });
      if (Math.abs(gx) > Math.abs(gy) ? isPeakX : isPeakY && gy !== 0) found.push(i);
    }
  const step = Math.max(1, found.length / most);
  return Array.from({ length: Math.min(found.length, most) }, (_, k) => {
    const i = found[Math.floor(k * step)] as number;
    const gx = meanSlope({ data, at: i, across: 1, along: width });
    const gy = meanSlope({ data, at: i, across: width, along: 1 });
    const length = Math.hypot(gx, gy);
    return { x: i % width, y: Math.floor(i / width), nx: gx / length, ny: gy / length };
  });
}

const columnSum = (data: Float32Array, i: number, width: number): number =>
  (data[i - width] as number) + 2 * (data[i] as number) + (data[i + width] as number);

/**
 * Sobel's slope across one direction, summed over 3 x 3 pixels (one pixel's own direction is noise): the kernels multiply out to
 * [-1 -1 0 1 1] across and [1 3 4 3 1] along.
 */
function meanSlope({
  data,
  at,
  across,
  along,
}: {
  data: Float32Array;
  at: number;
  across: number;
  along: number;
}): number {
  let sum = 0;
  for (let k = -2; k <= 2; k++) {
    const i = at + k * along;
    const step =
      (data[i + across] as number) +
      (data[i + 2 * across] as number) -
      (data[i - across] as number) -
      (data[i - 2 * across] as number);
    sum += (k === 0 ? 4 : k === 1 || k === -1 ? 3 : 1) * step;
  }
  return sum;
}

const SAMPLES = 2 * REACH * FINE + 1;
const weights = (sigma: number): Float64Array =>
  Float64Array.from({ length: SAMPLES }, (_, k) => {
    const t = (k - REACH * FINE) / FINE;
    return Math.exp((-t * t) / (2 * sigma * sigma)) / (sigma * FINE * Math.sqrt(2 * Math.PI));
  });
const WEIGHTS1 = weights(SIGMA1);
const WEIGHTS2 = weights(SIGMA2);
const profile = new Float64Array(SAMPLES + 2);

/** Sigma of one edge, or undefined where its profile is no edge. */
function edgeSigma({ width, data }: Plane, { x, y, nx, ny }: EdgePoint): number | undefined {
  for (let k = 0; k < SAMPLES + 2; k++) {
    const t = (k - 1 - REACH * FINE) / FINE;
    let sum = 0;
    for (let s = -STRIP; s <= STRIP; s++) {
      const px = x + t * nx - s * ny;
      const py = y + t * ny + s * nx;
      const ix = Math.floor(px);
      const iy = Math.floor(py);
      const fx = px - ix;
      const fy = py - iy;
      const i = iy * width + ix;
      const top = (data[i] as number) * (1 - fx) + (data[i + 1] as number) * fx;
      const low = (data[i + width] as number) * (1 - fx) + (data[i + width + 1] as number) * fx;
      sum += top * (1 - fy) + low * fy;
    }
    profile[k] = sum / (2 * STRIP + 1);
  }
  let [best1, best2] = [0, 0];
  for (let shift = -FINE; shift <= FINE; shift++) {
    let g1 = 0;
    let g2 = 0;
    for (let k = 0; k < SAMPLES; k++) {
      const w = k - shift;
      if (w < 0 || w >= SAMPLES) continue;
      const slope = (profile[k + 2] as number) - (profile[k] as number);
      g1 += slope * (WEIGHTS1[w] as number);
      g2 += slope * (WEIGHTS2[w] as number);
    }
    if (Math.abs(g1) > Math.abs(best1)) [best1, best2] = [g1, g2];
  }
  const r2 = (best1 / best2) ** 2;
  if (!(best1 * best2 > 0) || r2 <= 1.0001) return undefined;
  const variance = (SIGMA2 ** 2 - r2 * SIGMA1 ** 2) / (r2 - 1) - SAMPLING;
  return Math.sqrt(Math.max(0, variance));
}
