/** Normalised cross-correlation of a small picture with a larger one, on planes of grey values. */
import type { Plane } from '../frame.js';

/** A window or pattern with less spread than this, in grey levels, has no shape to compare. */
const FLAT = 2.5;

/** A pattern less its mean: the pixels that count, by row and column. */
export interface Pattern {
  width: number;
  height: number;
  rows: Uint16Array;
  columns: Uint16Array;
  values: Float32Array;
  /** Root of the sum of squares of `values`. */
  norm: number;
}

/**
 * A pattern of the pixels where `mask` is above one half (all without one), less their mean; undefined where they are flat.
 *
 * @example
 * const pattern = patternOf(plane);
 * if (pattern) correlate(picture, pattern);
 */
export function patternOf({ width, height, data }: Plane, mask?: Plane): Pattern | undefined {
  const at: number[] = [];
  for (let i = 0; i < data.length; i++) if (mask === undefined || (mask.data[i] as number) > 0.5) at.push(i);
  const mean = at.reduce((sum, i) => sum + (data[i] as number), 0) / at.length;
  const values = Float32Array.from(at, (i) => (data[i] as number) - mean);
  const norm = Math.sqrt(values.reduce((sum, v) => sum + v * v, 0));
  if (at.length === 0 || norm < FLAT * Math.sqrt(at.length)) return undefined;
  const rows = Uint16Array.from(at, (i) => Math.floor(i / width));
  return { width, height, rows, columns: Uint16Array.from(at, (i) => i % width), values, norm };
}

/**
 * Normalised cross-correlation at every place where the pattern fits, -1..1, over the pixels of the pattern alone (Lewis, "Fast normalized
 * cross-correlation", 1995, with a mask). Unchanged by brightness and contrast; -1 is the negative. 0 where the picture is flat.
 *
 * @param isWorth which places of the answer are looked at, the others stay 0; all without it
 * @returns a plane of `width - pattern.width + 1` by `height - pattern.height + 1`; empty where the pattern does not fit
 */
export function correlate(
  { width, height, data }: Plane,
  pattern: Pattern,
  isWorth?: (place: number) => boolean,
): Plane {
  const size = { width: Math.max(0, width - pattern.width + 1), height: Math.max(0, height - pattern.height + 1) };
  const out = new Float32Array(size.width * size.height);
  const { values, norm } = pattern;
  const n = values.length;
  const offsets = Int32Array.from(
    values,
    (_, k) => (pattern.rows[k] as number) * width + (pattern.columns[k] as number),
  );
  for (let y = 0; y < size.height; y++)
    for (let x = 0; x < size.width; x++) {
      if (isWorth?.(y * size.width + x) === false) continue;
      const from = y * width + x;
      let [dot, sum, squares] = [0, 0, 0];
      for (let k = 0; k < n; k++) {
        const v = data[from + (offsets[k] as number)] as number;
        dot += v * (values[k] as number);
        sum += v;
        squares += v * v;
      }
      const spread = squares - (sum * sum) / n;
      if (spread >= FLAT * FLAT * n) out[y * size.width + x] = dot / (norm * Math.sqrt(spread));
    }
  return { ...size, data: out };
}

/** Half of full weight: a step of this many grey levels over two pixels. */
const HALF_EDGE = 16;

/** Edges as vectors of twice their direction, so that dark-to-light and light-to-dark are one; length 0 for flat to 1 for strong. */
export interface Edges {
  width: number;
  height: number;
  cos: Float32Array;
  sin: Float32Array;
}

/**
 * Directions of the gradient by central differences; a strong edge weighs little more than a clear one. The border has none. Of several planes
 * of one size the joint gradient (Di Zenzo, "A note on the gradient of a multi-image", 1986): an edge between colours of one brightness counts.
 */
export function edgesOf(first: Plane, ...more: readonly Plane[]): Edges {
  const { width, height } = first;
  const [cos, sin] = [new Float32Array(width * height), new Float32Array(width * height)];
  const squares = new Float32Array(width * height);
  for (const { data } of [first, ...more])
    for (let y = 1; y < height - 1; y++)
      for (let i = y * width + 1, end = (y + 1) * width - 1; i < end; i++) {
        const gx = (data[i + 1] as number) - (data[i - 1] as number);
        const gy = (data[i + width] as number) - (data[i - width] as number);
        cos[i] = (cos[i] as number) + gx * gx - gy * gy;
        sin[i] = (sin[i] as number) + 2 * gx * gy;
        squares[i] = (squares[i] as number) + gx * gx + gy * gy;
      }
  for (let i = 0; i < squares.length; i++) {
    const g = Math.sqrt(squares[i] as number);
    if (g === 0) continue;
    const weight = 1 / (g * (g + HALF_EDGE));
    cos[i] = (cos[i] as number) * weight;
    sin[i] = (sin[i] as number) * weight;
  }
  return { width, height, cos, sin };
}

/** The edges of a pattern: those pixels that count. */
export interface EdgePattern {
  width: number;
  height: number;
  rows: Uint16Array;
  columns: Uint16Array;
  cos: Float32Array;
  sin: Float32Array;
  norm: number;
}

/** The edges where `mask` is above one half (all without one); undefined where there are none. */
export function edgePatternOf({ width, height, cos, sin }: Edges, mask?: Plane): EdgePattern | undefined {
  const at: number[] = [];
  for (let i = 0; i < cos.length; i++) if (mask === undefined || (mask.data[i] as number) > 0.5) at.push(i);
  const pattern = {
    width,
    height,
    rows: Uint16Array.from(at, (i) => Math.floor(i / width)),
    columns: Uint16Array.from(at, (i) => i % width),
    cos: Float32Array.from(at, (i) => cos[i] as number),
    sin: Float32Array.from(at, (i) => sin[i] as number),
  };
  const norm = Math.sqrt(at.reduce((sum, i) => sum + (cos[i] as number) ** 2 + (sin[i] as number) ** 2, 0));
  return norm < 0.1 * Math.sqrt(at.length) || at.length === 0 ? undefined : { ...pattern, norm };
}

/**
 * Normalised correlation of edges, by direction, at every place where the pattern fits: 1 where all edges of pattern and picture coincide and
 * run the same way, about 0 for unrelated ones (after Steger, "Occlusion, clutter, and illumination invariant object recognition", 2002).
 */
export function correlateEdges(picture: Edges, pattern: EdgePattern): Plane {
  const { width } = picture;
  const size = {
    width: Math.max(0, width - pattern.width + 1),
    height: Math.max(0, picture.height - pattern.height + 1),
  };
  const out = new Float32Array(size.width * size.height);
  const { cos, sin, norm } = pattern;
  const n = cos.length;
  const offsets = Int32Array.from(cos, (_, k) => (pattern.rows[k] as number) * width + (pattern.columns[k] as number));
  for (let y = 0; y < size.height; y++)
    for (let x = 0; x < size.width; x++) {
      const from = y * width + x;
      let [dot, squares] = [0, 0];
      for (let k = 0; k < n; k++) {
        const at = from + (offsets[k] as number);
        const c = picture.cos[at] as number;
        const s = picture.sin[at] as number;
        dot += c * (cos[k] as number) + s * (sin[k] as number);
        squares += c * c + s * s;
      }
      if (squares > 0.01 * n) out[y * size.width + x] = dot / (norm * Math.sqrt(squares));
    }
  return { ...size, data: out };
}

/** Another size by averaging the area under each new pixel; a larger size repeats. */
export function resized({ width, height, data }: Plane, to: { width: number; height: number }): Plane {
  const columns = along({ from: width, to: to.width });
  const rows = along({ from: height, to: to.height });
  const wide = new Float32Array(to.width * height);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < to.width; x++) {
      const { first, weights } = columns[x] as Span;
      let v = 0;
      for (let k = 0; k < weights.length; k++) v += (weights[k] as number) * (data[y * width + first + k] as number);
      wide[y * to.width + x] = v;
    }
  const out = new Float32Array(to.width * to.height);
  for (let y = 0; y < to.height; y++) {
    const { first, weights } = rows[y] as Span;
    for (let x = 0; x < to.width; x++) {
      let v = 0;
      for (let k = 0; k < weights.length; k++)
        v += (weights[k] as number) * (wide[(first + k) * to.width + x] as number);
      out[y * to.width + x] = v;
    }
  }
  return { ...to, data: out };
}

interface Span {
  first: number;
  weights: number[];
}

/** Which old pixels each new one covers, and how much of it. */
function along({ from, to }: { from: number; to: number }): Span[] {
  const step = from / to;
  return Array.from({ length: to }, (_, i) => {
    const [start, end] = [i * step, Math.min(from, (i + 1) * step)];
    const first = Math.min(from - 1, Math.floor(start));
    const last = Math.max(first, Math.min(from - 1, Math.ceil(end - 1e-9) - 1));
    const weights = Array.from({ length: last - first + 1 }, (__, k) =>
      Math.max(1e-9, Math.min(end, first + k + 1) - Math.max(start, first + k)),
    );
    const total = weights.reduce((sum, w) => sum + w, 0);
    return { first, weights: weights.map((w) => w / total) };
  });
}

/** Turned clockwise about its middle by degrees, same size, bilinear; what comes from outside repeats the border. */
export function turned({ width, height, data }: Plane, degrees: number): Plane {
  if (degrees === 0) return { width, height, data };
  const [sin, cos] = [Math.sin((degrees * Math.PI) / 180), Math.cos((degrees * Math.PI) / 180)];
  const [cx, cy] = [(width - 1) / 2, (height - 1) / 2];
  const out = new Float32Array(data.length);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const u = Math.min(width - 1, Math.max(0, cx + cos * (x - cx) + sin * (y - cy)));
      const v = Math.min(height - 1, Math.max(0, cy - sin * (x - cx) + cos * (y - cy)));
      const [x0, y0] = [Math.floor(u), Math.floor(v)];
      const [x1, y1] = [Math.min(width - 1, x0 + 1), Math.min(height - 1, y0 + 1)];
      const [fx, fy] = [u - x0, v - y0];
      const at = (i: number, j: number): number => data[j * width + i] as number;
      out[y * width + x] =
        (1 - fy) * ((1 - fx) * at(x0, y0) + fx * at(x1, y0)) + fy * ((1 - fx) * at(x0, y1) + fx * at(x1, y1));
    }
  return { width, height, data: out };
}
