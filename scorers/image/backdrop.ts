import type { Frame } from '../frame.js';
import { deltaE2000, LINEAR, type Lab } from './colour.js';
import type { Component } from './components.js';
import type { Area } from './filters.js';

/** How far around the subject shadows and reflections may lie, as a share of its box. */
const SHADOW_REACH = 0.15;
/** Dirt must cover more than the second share of the frame; the smallest share of it is left out as outliers. */
const DIRT_FROM = 0.005;
const DIRT_TO = 0.025;
/** Above this scatter of the border ring, dE76, there is grain to average out. */
const GRAINY = 0.5;
/** Side of the squares that grain is averaged over, working pixels. */
const SQUARE = 5;
/** A mark is a stroke: this far from the background at its darkest, dE76. */
const MARK_CONTRAST = 25;

/** What the background of a product picture is like. Measured on the working picture. */
export interface Backdrop {
  /** Share with every channel at 245 or above. */
  white: number;
  /** Median sRGB levels, with fractions. */
  level: readonly [number, number, number];
  /** Stops from the brightest channel of the median to full scale; 0 = white. */
  stopsBelowWhite: number;
  /** CIEDE2000 of the median colour from the neutral as bright as its brightest channel: a cast only takes light away. */
  tint: number;
  /** CIEDE2000 of the dirtiest patches away from the subject, together at least 2.5 % of the frame. */
  dirt: number;
  /** Share of the picture that is darker than the background around the subject, by more than 3 L*. */
  shadow: number;
  /** Share of the picture covered by marks, and height of the tallest one as a share of the picture's. */
  markShare: number;
  markHeight: number;
}

/** Statistics of what is not the subject; computed in two passes, shared by the scorers that judge backgrounds. */
export function backdrop(frame: Frame): Backdrop {
  const { working, subject, lab } = frame;
  const { width, height, rgb } = working;
  const n = width * height;
  const near = grown(subject.box, { width, height, found: subject.found });
  const counts = [new Uint32Array(256), new Uint32Array(256), new Uint32Array(256)] as const;
  const [reds, greens, blues] = counts;
  const { mask } = subject;
  let white = 0;
  let [total, paper] = [0, 0];
  for (let i = 0, p = 0; i < n; i++, p += 3) {
    if (mask[i] === 1) continue;
    const r = rgb[p] as number;
    const g = rgb[p + 1] as number;
    const b = rgb[p + 2] as number;
    total++;
    // paper white is counted aside: adding to one bin again and again is slow
    if ((r & g & b) === 255) {
      paper++;
      continue;
    }
    if (r >= 245 && g >= 245 && b >= 245) white++;
    reds[r] = (reds[r] as number) + 1;
    greens[g] = (greens[g] as number) + 1;
    blues[b] = (blues[b] as number) + 1;
  }
  white += paper;
  for (const channel of counts) channel[255] = (channel[255] as number) + paper;
  const dark = subject.background.lab[0] - 3;
  let shadow = 0;
  for (let y = near.top; y <= near.bottom; y++)
    for (let i = y * width + near.left, end = y * width + near.right; i <= end; i++)
      if (mask[i] !== 1 && (lab.l[i] as number) < dark) shadow++;
  const away = n - Math.max(0, near.right - near.left + 1) * Math.max(0, near.bottom - near.top + 1);
  const level: [number, number, number] = [median(counts[0]), median(counts[1]), median(counts[2])];
  const [labLevel, brightest] = colourOf(level);
  const marks = subject.others.filter((mark) => contrast(mark, frame) >= MARK_CONTRAST);
  return {
    white: total === 0 ? 0 : white / total,
    level,
    stopsBelowWhite: Math.max(0, -Math.log2(Math.max(1e-4, brightest))),
    tint: deltaE2000([116 * Math.cbrt(Math.max(brightest, 0.0089)) - 16, 0, 0], labLevel),
    dirt: away < DIRT_TO * n ? 0 : dirtOf(frame, { near, labLevel }),
    shadow: shadow / n,
    markShare: marks.reduce((sum, mark) => sum + mark.area, 0) / n,
    markHeight: marks.reduce((most, mark) => Math.max(most, mark.bottom - mark.top + 1), 0) / height,
  };
}

/** The subject's box and what is near it, cut at the frame; empty where there is no subject. */
function grown(box: Area, { width, height, found }: { width: number; height: number; found: boolean }): Area {
  if (!found) return { left: 0, top: 0, right: -1, bottom: -1 };
  const dx = SHADOW_REACH * (box.right - box.left + 1);
  const dy = SHADOW_REACH * (box.bottom - box.top + 1);
  return {
    left: Math.max(0, Math.ceil(box.left - dx)),
    top: Math.max(0, Math.ceil(box.top - dy)),
    right: Math.min(width - 1, Math.floor(box.right + dx)),
    bottom: Math.min(height - 1, Math.floor(box.bottom + dy)),
  };
}

const BUCKETS = 1024;
const bucket = (distance: number): number => Math.min(BUCKETS - 1, (distance * 8) | 0);

/** Median of a histogram of bytes, interpolated within its bin. */
function median(counts: Uint32Array): number {
  const half = counts.reduce((sum, count) => sum + count, 0) / 2;
  let below = 0;
  for (let value = 0; value < 256; value++) {
    const here = counts[value] as number;
    if (below + here >= half && here > 0)
      // full scale has nothing above it: a white background is 255, not 254.6
      return value === 255 ? 255 : value - 0.5 + (half - below) / here;
    below += here;
  }
  return 255;
}

/** CIELAB and brightest channel in linear light of levels with fractions. */
function colourOf(level: readonly [number, number, number]): [Lab, number] {
  const light = level.map((v) => {
    const low = Math.max(0, Math.min(254, Math.floor(v)));
    const from = LINEAR[low] as number;
    return from + (v - low) * ((LINEAR[low + 1] as number) - from);
  });
  const [r, g, b] = light as [number, number, number];
  const f = (t: number): number => (t > 216 / 24389 ? Math.cbrt(t) : ((24389 / 27) * t + 16) / 116);
  const x = f((0.4124564 * r + 0.3575761 * g + 0.1804375 * b) / 0.95047);
  const y = f(0.2126729 * r + 0.7151522 * g + 0.072175 * b);
  const z = f((0.0193339 * r + 0.119192 * g + 0.9503041 * b) / 1.08883);
  return [[116 * y - 16, 500 * (x - y), 200 * (y - z)], Math.max(r, g, b)];
}

/** Patches of what is away from the subject, and how they differ from the background's surface. */
interface Patches {
  /** Pixels of each patch; 0 where it is not away. */
  count: Uint32Array;
  /** Sums over its pixels. */
  l: Float32Array;
  a: Float32Array;
  b: Float32Array;
}

/** Every pixel by itself; those that do not differ are left out. */
function pixelsAway({ working, subject, lab }: Frame, near: Area): Patches {
  const { width, height } = working;
  const { distance, background } = subject;
  const found: number[] = [];
  for (let y = 0; y < height; y++) {
    const isBeside = y >= near.top && y <= near.bottom;
    for (let x = 0, i = y * width; x < width; x++, i++) {
      if (isBeside && x >= near.left && x <= near.right) continue;
      if (bucket(distance[i] as number) > 0) found.push(i);
    }
  }
  const size = found.length;
  const patches = { count: new Uint32Array(size).fill(1), ...sums(size) };
  for (const [k, i] of found.entries()) {
    const u = (2 * (i % width)) / width - 1;
    const v = (2 * Math.floor(i / width)) / height - 1;
    const [l, a, b] = background.surfaces.map(([c0, cx, cy]) => c0 + cx * u + cy * v) as [number, number, number];
    patches.l[k] = (lab.l[i] as number) - l;
    patches.a[k] = (lab.a[i] as number) - a;
    patches.b[k] = (lab.b[i] as number) - b;
  }
  return patches;
}

const sums = (size: number) => ({ l: new Float32Array(size), a: new Float32Array(size), b: new Float32Array(size) });

/** Squares of `SQUARE` pixels, in which grain averages out. */
function squaresAway({ working, subject, lab }: Frame, near: Area): Patches {
  const { width, height } = working;
  const across = Math.ceil(width / SQUARE);
  const size = across * Math.ceil(height / SQUARE);
  const count = new Uint32Array(size);
  const { l, a, b } = sums(size);
  const [[l0, lx, ly], [a0, ax, ay], [b0, bx, by]] = subject.background.surfaces;
  for (let y = 0; y < height; y++) {
    const v = (2 * y) / height - 1;
    const lRow = l0 + ly * v;
    const aRow = a0 + ay * v;
    const bRow = b0 + by * v;
    const isBeside = y >= near.top && y <= near.bottom;
    const row = y * width;
    const squares = Math.floor(y / SQUARE) * across;
    for (let x = 0; x < width; x++) {
      if (isBeside && x >= near.left && x <= near.right) continue;
      const u = (2 * x) / width - 1;
      const at = squares + ((x / SQUARE) | 0);
      count[at] = (count[at] as number) + 1;
      l[at] = (l[at] as number) + (lab.l[row + x] as number) - lRow - lx * u;
      a[at] = (a[at] as number) + (lab.a[row + x] as number) - aRow - ax * u;
      b[at] = (b[at] as number) + (lab.b[row + x] as number) - bRow - bx * u;
    }
  }
  return { count, l, a, b };
}

/**
 * Mean signed difference from the background of the patches that differ most, away from the subject. Grain is averaged out
 * first: on white it is cut off above, so that even its mean over the worst pixels would read as dirt.
 */
function dirtOf(frame: Frame, { near, labLevel }: { near: Area; labLevel: Lab }): number {
  const { working, subject } = frame;
  const n = working.width * working.height;
  const { count, l, a, b } = (subject.background.scatter > GRAINY ? squaresAway : pixelsAway)(frame, near);
  const counts = new Uint32Array(BUCKETS);
  const bins = new Uint16Array(count.length);
  for (let k = 0; k < count.length; k++) {
    const pixels = count[k] as number;
    if (pixels === 0) continue;
    const [dl, da, db] = [l[k] as number, a[k] as number, b[k] as number];
    const bin = bucket(Math.sqrt(dl * dl + da * da + db * db) / pixels);
    bins[k] = bin;
    counts[bin] = (counts[bin] as number) + pixels;
  }
  let [sum, high, low] = [0, BUCKETS - 1, 0];
  for (let bin = BUCKETS - 1; bin >= 0; bin--) {
    sum += counts[bin] as number;
    if (sum < DIRT_FROM * n) high = bin;
    if (sum >= DIRT_TO * n) {
      low = bin;
      break;
    }
  }
  if (low === 0) return 0;
  let [pixels, dl, da, db] = [0, 0, 0, 0];
  for (let k = 0; k < count.length; k++) {
    const bin = bins[k] as number;
    if (bin < low || bin > high) continue;
    pixels += count[k] as number;
    dl += l[k] as number;
    da += a[k] as number;
    db += b[k] as number;
  }
  if (pixels === 0) return 0;
  const [level, green, yellow] = labLevel;
  return deltaE2000(labLevel, [level + dl / pixels, green + da / pixels, yellow + db / pixels]);
}

/** How far a mark's darkest pixels are from the background. */
function contrast(mark: Component, { working: { width }, subject }: Frame): number {
  let most = 0;
  for (let y = mark.top; y <= mark.bottom; y++)
    for (let i = y * width + mark.left, end = y * width + mark.right; i <= end; i++)
      if (subject.mask[i] === 2 && (subject.distance[i] as number) > most) most = subject.distance[i] as number;
  return most;
}
