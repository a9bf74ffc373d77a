/** The background as a plane per CIELAB channel, fitted to the border ring. */
import type { LabPlanes } from './colour.js';

/** Side of the border ring that shows the background, as a share of the short side. */
const RING = 0.02;
/** Ring pixels that the background is fitted to. */
const RING_SAMPLES = 2000;
/** A plane `c0 + cx * x + cy * y` with x, y in -1..1 over the picture. */
export type Surface = [c0: number, cx: number, cy: number];

/** Indices of the border ring, thinned evenly. */
function ringPixels(width: number, height: number): Int32Array {
  const wide = Math.max(1, Math.round(RING * Math.min(width, height)));
  const ring: number[] = [];
  for (let y = 0; y < height; y++) {
    const edgeRow = y < wide || y >= height - wide;
    for (let x = 0; x < width; x++) {
      if (!edgeRow && x === wide && width - wide > wide) x = width - wide;
      ring.push(y * width + x);
    }
  }
  const step = Math.max(1, Math.floor(ring.length / RING_SAMPLES));
  return Int32Array.from({ length: Math.floor(ring.length / step) }, (_, k) => ring[k * step] as number);
}

function median(values: Float32Array): number {
  const sorted = Float32Array.from(values).sort();
  return sorted[sorted.length >> 1] ?? 0;
}

/** Fits a plane per CIELAB channel to the ring, starting from its median and leaving out what does not fit. */
export function fitBackground({ width, height, lab }: { width: number; height: number; lab: LabPlanes }): {
  surfaces: [Surface, Surface, Surface];
  scatter: number;
  spread: number;
} {
  const ring = ringPixels(width, height);
  const channels = [lab.l, lab.a, lab.b] as const;
  const at = (channel: Float32Array): Surface => [median(Float32Array.from(ring, (i) => channel[i] as number)), 0, 0];
  let surfaces: [Surface, Surface, Surface] = [at(lab.l), at(lab.a), at(lab.b)];
  const residual = new Float32Array(ring.length);
  for (let round = 0; ; round++) {
    for (let k = 0; k < ring.length; k++) {
      const i = ring[k] as number;
      const x = (2 * (i % width)) / width - 1;
      const y = (2 * Math.floor(i / width)) / height - 1;
      let d = 0;
      for (let c = 0; c < 3; c++) {
        const [c0, cx, cy] = surfaces[c] as Surface;
        d += (((channels[c] as Float32Array)[i] as number) - c0 - cx * x - cy * y) ** 2;
      }
      residual[k] = Math.sqrt(d);
    }
    const scatter = median(residual);
    const spread = 1.4826 * median(residual.map((d) => Math.abs(d - scatter)));
    if (round === 3) return { surfaces, scatter, spread };
    const limit = Math.max(4, scatter + 3 * spread);
    const inside = ring.filter((_, k) => (residual[k] as number) <= limit);
    if (inside.length < ring.length / 4) return { surfaces, scatter, spread };
    const fit = (channel: Float32Array): Surface => fitPlane({ width, height, channel, pixels: inside });
    surfaces = [fit(lab.l), fit(lab.a), fit(lab.b)];
  }
}

/** Least squares of a plane over some pixels, by the normal equations (Cramer's rule). */
function fitPlane({
  width,
  height,
  channel,
  pixels,
}: {
  width: number;
  height: number;
  channel: Float32Array;
  pixels: Int32Array;
}): Surface {
  let [n, sx, sy, sxx, sxy, syy, sv, svx, svy] = [0, 0, 0, 0, 0, 0, 0, 0, 0];
  for (const i of pixels) {
    const x = (2 * (i % width)) / width - 1;
    const y = (2 * Math.floor(i / width)) / height - 1;
    const v = channel[i] as number;
    n++;
    sx += x;
    sy += y;
    sxx += x * x;
    sxy += x * y;
    syy += y * y;
    sv += v;
    svx += v * x;
    svy += v * y;
  }
  const det = n * (sxx * syy - sxy * sxy) - sx * (sx * syy - sxy * sy) + sy * (sx * sxy - sxx * sy);
  if (Math.abs(det) < 1e-6 * n ** 3) return [sv / n, 0, 0];
  const c0 = (sv * (sxx * syy - sxy * sxy) - sx * (svx * syy - sxy * svy) + sy * (svx * sxy - sxx * svy)) / det;
  const cx = (n * (svx * syy - sxy * svy) - sv * (sx * syy - sxy * sy) + sy * (sx * svy - svx * sy)) / det;
  const cy = (n * (sxx * svy - svx * sxy) - sx * (sx * svy - svx * sy) + sv * (sx * sxy - sxx * sy)) / det;
  return [c0, cx, cy];
}

/** Distance of every pixel from the background's surface, dE76. */
export function backgroundDistance({
  width,
  height,
  lab,
  surfaces,
}: {
  width: number;
  height: number;
  lab: LabPlanes;
  surfaces: [Surface, Surface, Surface];
}): Float32Array {
  const [[l0, lx, ly], [a0, ax, ay], [b0, bx, by]] = surfaces;
  const distance = new Float32Array(width * height);
  for (let y = 0, i = 0; y < height; y++) {
    const v = (2 * y) / height - 1;
    const [lRow, aRow, bRow] = [l0 + ly * v, a0 + ay * v, b0 + by * v];
    for (let x = 0; x < width; x++, i++) {
      const u = (2 * x) / width - 1;
      const dl = (lab.l[i] as number) - lRow - lx * u;
      const da = (lab.a[i] as number) - aRow - ax * u;
      const db = (lab.b[i] as number) - bRow - bx * u;
      distance[i] = Math.sqrt(dl * dl + da * da + db * db);
    }
  }
  return distance;
}
