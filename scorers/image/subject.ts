import type { Lab, LabPlanes } from './colour.js';
import { components, type Component } from './components.js';

/** Side of the border ring that shows the background, as a share of the short side. */
const RING = 0.02;
/** Ring pixels that the background is fitted to. */
const RING_SAMPLES = 2000;
/** Nothing closer than this to the background counts as something, in CIELAB units (dE76). */
const MIN_DISTANCE = 10;
/** Smallest subject, as a share of the picture. */
const MIN_SUBJECT = 0.004;
/**
 * A further component belongs to the subject ("two mugs") when it has at least these shares of the largest one's area and of
 * its distance from the background. A stain may be as large as a bottle, but it is paler.
 */
const PART_AREA = 0.4;
const PART_DISTANCE = 0.6;

/** A plane `c0 + cx * x + cy * y` with x, y in -1..1 over the picture. */
export type Surface = [c0: number, cx: number, cy: number];

/** What stands out from the border ring, in working pixels. */
export interface Subject {
  found: boolean;
  /** 1 = subject, 2 = something else that stands out, 0 = background. */
  mask: Uint8Array;
  /** Subject pixels / all pixels. */
  share: number;
  /** Inclusive; zeros where there is no subject. */
  box: { left: number; top: number; right: number; bottom: number };
  /** Centre of mass, 0..1 of width and height; 0.5 where there is no subject. */
  centre: { x: number; y: number };
  /** Components that stand out but are not the subject. */
  others: Component[];
  /** Distance from the background's colour per pixel, dE76. */
  distance: Float32Array;
  /** Above this distance a pixel stands out. */
  threshold: number;
  background: {
    /** In the middle of the picture. */
    lab: Lab;
    /** L*, a* and b* as fitted to the border ring. */
    surfaces: [Surface, Surface, Surface];
    /** How far the ring scatters around the fit, dE76, median. */
    scatter: number;
  };
}

/**
 * Finds the subject: pixels whose CIELAB distance from a plane fitted robustly to the border ring is above the scatter of
 * that ring; the component that is largest and most different, and those nearly so.
 *
 * @example
 * const { found, share, box } = findSubject(frame.working, frame.lab);
 */
export function findSubject({ width, height }: { width: number; height: number }, lab: LabPlanes): Subject {
  const ring = ringPixels(width, height);
  const { surfaces, scatter, spread } = fitBackground({ width, height, lab, ring });
  const distance = backgroundDistance({ width, height, lab, surfaces });
  const threshold = Math.max(MIN_DISTANCE, scatter + 5 * spread);

  const mask = new Uint8Array(width * height);
  for (let i = 0; i < mask.length; i++) mask[i] = (distance[i] as number) > threshold ? 1 : 0;
  const cleaned = opened(mask, width, height);
  const { labels, list } = components(cleaned, width, height);
  const distanceSum = new Float64Array(list.length + 1);
  for (let i = 0; i < labels.length; i++) {
    const label = labels[i] as number;
    if (label > 0) distanceSum[label] = (distanceSum[label] as number) + (distance[i] as number);
  }
  const meanDistance = (c: Component): number => (distanceSum[c.label] as number) / c.area;
  // large and different: both make a subject
  const weight = (c: Component): number => distanceSum[c.label] as number;
  const main = list.reduce<Component | undefined>(
    (best, c) => (best && weight(best) >= weight(c) ? best : c),
    undefined,
  );
  const found = main !== undefined && main.area >= MIN_SUBJECT * mask.length;
  const isSubject = (c: Component): boolean =>
    found && c.area >= PART_AREA * main.area && meanDistance(c) >= PART_DISTANCE * meanDistance(main);

  const value = new Uint8Array(list.length + 1);
  for (const c of list) value[c.label] = isSubject(c) ? 1 : 2;
  let area = 0;
  let sumX = 0;
  let sumY = 0;
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      const v = value[labels[i] as number] as number;
      cleaned[i] = v;
      if (v !== 1) continue;
      area++;
      sumX += x + 0.5;
      sumY += y + 0.5;
    }
  }
  const parts = list.filter(isSubject);
  return {
    found,
    mask: cleaned,
    share: area / mask.length,
    box: {
      left: parts.reduce((m, c) => Math.min(m, c.left), found ? width : 0),
      top: parts.reduce((m, c) => Math.min(m, c.top), found ? height : 0),
      right: parts.reduce((m, c) => Math.max(m, c.right), 0),
      bottom: parts.reduce((m, c) => Math.max(m, c.bottom), 0),
    },
    centre: found ? { x: sumX / area / width, y: sumY / area / height } : { x: 0.5, y: 0.5 },
    others: list.filter((c) => !isSubject(c)),
    distance,
    threshold,
    background: { lab: [surfaces[0][0], surfaces[1][0], surfaces[2][0]], surfaces, scatter },
  };
}

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
function fitBackground({
  width,
  height,
  lab,
  ring,
}: {
  width: number;
  height: number;
  lab: LabPlanes;
  ring: Int32Array;
}): { surfaces: [Surface, Surface, Surface]; scatter: number; spread: number } {
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

/** Drops pixels with fewer than two neighbours of eight: lone noise goes, thin strokes stay. */
function opened(mask: Uint8Array, width: number, height: number): Uint8Array {
  const out = new Uint8Array(mask.length);
  const at = (x: number, y: number): number =>
    x < 0 || y < 0 || x >= width || y >= height ? 0 : (mask[y * width + x] as number);
  for (let y = 0; y < height; y++)
    for (let x = 0, i = y * width; x < width; x++, i++) {
      if (mask[i] === 0) continue;
      let around: number;
      if (x > 0 && y > 0 && x < width - 1 && y < height - 1) {
        const up = i - width;
        const down = i + width;
        around =
          (mask[up - 1] as number) +
          (mask[up] as number) +
          (mask[up + 1] as number) +
          (mask[i - 1] as number) +
          (mask[i + 1] as number) +
          (mask[down - 1] as number) +
          (mask[down] as number) +
          (mask[down + 1] as number);
      } else {
        around = -1;
        for (let dy = -1; dy <= 1; dy++) for (let dx = -1; dx <= 1; dx++) around += at(x + dx, y + dy);
      }
      out[i] = around >= 2 ? 1 : 0;
    }
  return out;
}
