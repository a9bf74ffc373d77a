/** The background as a plane per CIELAB channel, fitted to the border ring. */
import type { LabPlanes } from './colour.js';
import { nth } from './filters.js';

/** Side of the border ring that shows the background, as a share of the short side. */
const RING = 0.02;
/** Ring pixels that the background is fitted to. */
const RING_SAMPLES = 2000;
/** A plane `c0 + cx * x + cy * y` with x, y in -1..1 over the picture. */
export type Surface = [c0: number, cx: number, cy: number];

/** Where the border ring is sampled, evenly: position in -1..1 and colour. */
interface Ring {
  x: Float64Array;
  y: Float64Array;
  /** L*, a*, b*. */
  colour: [Float32Array, Float32Array, Float32Array];
}

function ringOf({ width, height, lab }: { width: number; height: number; lab: LabPlanes }): Ring {
  const wide = Math.max(1, Math.round(RING * Math.min(width, height)));
  const between = width - wide > wide ? 2 * wide : width;
  const fullRows = Math.min(height, 2 * wide);
  const total = fullRows * width + (height - fullRows) * between;
  const step = Math.max(1, Math.floor(total / RING_SAMPLES));
  const count = Math.floor(total / step);
  const x = new Float64Array(count);
  const y = new Float64Array(count);
  const colour: Ring['colour'] = [new Float32Array(count), new Float32Array(count), new Float32Array(count)];
  // the k-th pixel of the ring in scan order: rows above, then two ends per row, then rows below
  const above = Math.min(height, wide) * width;
  const sides = above + (height - fullRows) * between;
  for (let n = 0; n < count; n++) {
    const k = n * step;
    let [row, column] = [Math.floor(k / width), k % width];
    if (k >= sides) {
      row = Math.min(height, wide) + (height - fullRows) + Math.floor((k - sides) / width);
      column = (k - sides) % width;
    } else if (k >= above) {
      row = wide + Math.floor((k - above) / between);
      column = (k - above) % between;
      if (between < width && column >= wide) column += width - 2 * wide;
    }
    const i = row * width + column;
    x[n] = (2 * column) / width - 1;
    y[n] = (2 * row) / height - 1;
    colour[0][n] = lab.l[i] as number;
    colour[1][n] = lab.a[i] as number;
    colour[2][n] = lab.b[i] as number;
  }
  return { x, y, colour };
}

const median = (values: Float32Array): number => nth(values.slice(), values.length >> 1);

/** Fits a plane per CIELAB channel to the ring, starting from its median and leaving out what does not fit. */
export function fitBackground(of: { width: number; height: number; lab: LabPlanes }): {
  surfaces: [Surface, Surface, Surface];
  /** How far the ring lies from the fit, dE76: median, and spread around that as a standard deviation. */
  scatter: number;
  spread: number;
} {
  const ring = ringOf(of);
  const [l, a, b] = ring.colour;
  const n = l.length;
  let surfaces: [Surface, Surface, Surface] = [
    [median(l), 0, 0],
    [median(a), 0, 0],
    [median(b), 0, 0],
  ];
  const residual = new Float32Array(n);
  const deviation = new Float32Array(n);
  for (let round = 0; ; round++) {
    const [[l0, lx, ly], [a0, ax, ay], [b0, bx, by]] = surfaces;
    for (let k = 0; k < n; k++) {
      const [x, y] = [ring.x[k] as number, ring.y[k] as number];
      const dl = (l[k] as number) - l0 - lx * x - ly * y;
      const da = (a[k] as number) - a0 - ax * x - ay * y;
      const db = (b[k] as number) - b0 - bx * x - by * y;
      residual[k] = Math.sqrt(dl * dl + da * da + db * db);
    }
    const scatter = median(residual);
    for (let k = 0; k < n; k++) deviation[k] = Math.abs((residual[k] as number) - scatter);
    const spread = 1.4826 * nth(deviation, n >> 1);
    if (round === 3) return { surfaces, scatter, spread };
    const limit = Math.max(4, scatter + 3 * spread);
    const inside = new Uint8Array(n);
    let count = 0;
    for (let k = 0; k < n; k++)
      if ((residual[k] as number) <= limit) {
        inside[k] = 1;
        count++;
      }
    if (count < n / 4) return { surfaces, scatter, spread };
    surfaces = fitPlanes(ring, inside);
  }
}

/** Least squares of a plane per channel over some ring pixels, by the normal equations (Cramer's rule). */
function fitPlanes({ x: xs, y: ys, colour }: Ring, inside: Uint8Array): [Surface, Surface, Surface] {
  let [n, sx, sy, sxx, sxy, syy] = [0, 0, 0, 0, 0, 0];
  for (let k = 0; k < inside.length; k++) {
    if (inside[k] === 0) continue;
    const x = xs[k] as number;
    const y = ys[k] as number;
    n++;
    sx += x;
    sy += y;
    sxx += x * x;
    sxy += x * y;
    syy += y * y;
  }
  const det = n * (sxx * syy - sxy * sxy) - sx * (sx * syy - sxy * sy) + sy * (sx * sxy - sxx * sy);
  const fit = (channel: Float32Array): Surface => {
    let [sv, svx, svy] = [0, 0, 0];
    for (let k = 0; k < inside.length; k++) {
      if (inside[k] === 0) continue;
      const v = channel[k] as number;
      sv += v;
      svx += v * (xs[k] as number);
      svy += v * (ys[k] as number);
    }
    if (Math.abs(det) < 1e-6 * n ** 3) return [sv / n, 0, 0];
    const c0 = (sv * (sxx * syy - sxy * sxy) - sx * (svx * syy - sxy * svy) + sy * (svx * sxy - sxx * svy)) / det;
    const cx = (n * (svx * syy - sxy * svy) - sv * (sx * syy - sxy * sy) + sy * (sx * svy - svx * sy)) / det;
    const cy = (n * (sxx * svy - svx * sxy) - sx * (sx * svy - svx * sy) + sv * (sx * sxy - sxx * sy)) / det;
    return [c0, cx, cy];
  };
  return [fit(colour[0]), fit(colour[1]), fit(colour[2])];
}

/** Distance of every pixel from the background's surface, dE76, and 1 where it is above the threshold. */
export function backgroundDistance({
  width,
  height,
  lab,
  surfaces,
  threshold = Infinity,
}: {
  width: number;
  height: number;
  lab: LabPlanes;
  surfaces: [Surface, Surface, Surface];
  /** @default Infinity */
  threshold?: number;
}): { distance: Float32Array; beyond: Uint8Array } {
  const [[l0, lx, ly], [a0, ax, ay], [b0, bx, by]] = surfaces;
  const { l, a, b } = lab;
  const distance = new Float32Array(width * height);
  const beyond = new Uint8Array(width * height);
  for (let y = 0, i = 0; y < height; y++) {
    const v = (2 * y) / height - 1;
    const lRow = l0 + ly * v;
    const aRow = a0 + ay * v;
    const bRow = b0 + by * v;
    for (let x = 0; x < width; x++, i++) {
      const u = (2 * x) / width - 1;
      const dl = (l[i] as number) - lRow - lx * u;
      const da = (a[i] as number) - aRow - ax * u;
      const db = (b[i] as number) - bRow - bx * u;
      const far = Math.sqrt(dl * dl + da * da + db * db);
      distance[i] = far;
      if (far > threshold) beyond[i] = 1;
    }
  }
  return { distance, beyond };
}
