import type { Frame, Plane } from '../frame.js';
import { LINEAR } from './colour.js';
import { quantile } from './filters.js';

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
export function edgeBlur(frame: Frame): EdgeBlur {
  const light = linearLuminance(frame);
  const points = strongEdges(frame.luma);
  const found: number[] = [];
  for (const point of points) {
    const sigma = edgeSigma(light, point);
    if (sigma !== undefined) found.push(sigma);
  }
  if (found.length < MIN_EDGES) return { sigma: Number.NaN, edges: found.length };
  return { sigma: quantile(Float32Array.from(found), SHARP_SHARE), edges: found.length };
}

/** Linear luminance 0..1 of the working picture: a lens blurs light, not sRGB levels. */
function linearLuminance({ working: { width, height, rgb } }: Frame): Plane {
  const data = new Float32Array(width * height);
  for (let i = 0, p = 0; i < data.length; i++, p += 3)
    data[i] =
      0.2126 * (LINEAR[rgb[p] as number] as number) +
      0.7152 * (LINEAR[rgb[p + 1] as number] as number) +
      0.0722 * (LINEAR[rgb[p + 2] as number] as number);
  return { width, height, data };
}

interface EdgePoint {
  x: number;
  y: number;
  /** Unit vector across the edge. */
  nx: number;
  ny: number;
}

/** The pixels of strongest slope that are a maximum across their edge, thinned evenly. */
function strongEdges({ width, height, data }: Plane): EdgePoint[] {
  const slope = new Float32Array(data.length);
  const margin = REACH + STRIP + 1;
  let strongest = 0;
  for (let y = margin; y < height - margin; y++)
    for (let i = y * width + margin, end = (y + 1) * width - margin; i < end; i++) {
      // no tuples here: this runs once per pixel
      const nw = data[i - width - 1] as number;
      const ne = data[i - width + 1] as number;
      const sw = data[i + width - 1] as number;
      const se = data[i + width + 1] as number;
      const gx = ne - nw + se - sw + 2 * ((data[i + 1] as number) - (data[i - 1] as number));
      const gy = sw - nw + se - ne + 2 * ((data[i + width] as number) - (data[i - width] as number));
      const steep = (gx < 0 ? -gx : gx) + (gy < 0 ? -gy : gy);
      slope[i] = steep;
      if (steep > strongest) strongest = steep;
    }
  if (strongest === 0) return [];
  // half of the strongest slope that is not an outlier; a histogram is enough to find it
  const histogram = new Uint32Array(256);
  for (let i = 0; i < slope.length; i++) {
    const bin = (((slope[i] as number) / strongest) * 255) | 0;
    if (bin > 0) histogram[bin] = (histogram[bin] as number) + 1;
  }
  let level = 255;
  for (let count = 0; level > 0 && count < 200; level--) count += histogram[level] as number;
  const limit = (0.4 * level * strongest) / 255;
  const points: EdgePoint[] = [];
  for (let y = margin; y < height - margin; y++)
    for (let x = margin; x < width - margin; x++) {
      const i = y * width + x;
      const s = slope[i] as number;
      if (s < limit) continue;
      const [gx, gy] = meanGradient(data, width, i);
      const length = Math.hypot(gx, gy);
      if (length === 0) continue;
      const across = Math.abs(gx) > Math.abs(gy) ? 1 : width;
      if (s < (slope[i - across] as number) || s <= (slope[i + across] as number)) continue;
      points.push({ x, y, nx: gx / length, ny: gy / length });
    }
  const step = Math.max(1, points.length / MAX_EDGES);
  return Array.from(
    { length: Math.min(points.length, MAX_EDGES) },
    (_, k) => points[Math.floor(k * step)] as EdgePoint,
  );
}

function sobel(data: Float32Array, width: number, i: number): [number, number] {
  const [nw, n, ne] = [data[i - width - 1] as number, data[i - width] as number, data[i - width + 1] as number];
  const [w, e] = [data[i - 1] as number, data[i + 1] as number];
  const [sw, s, se] = [data[i + width - 1] as number, data[i + width] as number, data[i + width + 1] as number];
  return [ne + 2 * e + se - nw - 2 * w - sw, sw + 2 * s + se - nw - 2 * n - ne];
}

/** Direction over 3 x 3 pixels: one pixel's own direction is noise. */
function meanGradient(data: Float32Array, width: number, i: number): [number, number] {
  let [gx, gy] = [0, 0];
  for (let dy = -1; dy <= 1; dy++)
    for (let dx = -1; dx <= 1; dx++) {
      const [x, y] = sobel(data, width, i + dy * width + dx);
      gx += x;
      gy += y;
    }
  return [gx, gy];
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
