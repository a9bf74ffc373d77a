import type { Frame } from '../frame.js';
import { deltaE2000, LINEAR, type Lab } from './colour.js';
import type { Component } from './components.js';
import { boxBlur } from './filters.js';
import { backgroundDistance } from './surface.js';

/** How far around the subject shadows and reflections may lie, as a share of its box. */
const SHADOW_REACH = 0.15;
/** Dirt must cover more than the second share of the frame; the smallest share of it is left out as outliers. */
const DIRT_FROM = 0.005;
const DIRT_TO = 0.025;
/** Above this scatter of the border ring, dE76, there is grain to average out. */
const GRAINY = 0.5;
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
  let [white, total, shadow, away] = [0, 0, 0, 0];
  for (let y = 0, i = 0; y < height; y++)
    for (let x = 0; x < width; x++, i++) {
      if (subject.mask[i] === 1) continue;
      const p = 3 * i;
      const r = rgb[p] as number;
      const g = rgb[p + 1] as number;
      const b = rgb[p + 2] as number;
      total++;
      if (r >= 245 && g >= 245 && b >= 245) white++;
      counts[0][r] = (counts[0][r] as number) + 1;
      counts[1][g] = (counts[1][g] as number) + 1;
      counts[2][b] = (counts[2][b] as number) + 1;
      if (x >= near.left && x <= near.right && y >= near.top && y <= near.bottom) {
        if (subject.background.lab[0] - (lab.l[i] as number) > 3) shadow++;
      } else {
        away++;
      }
    }
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

type Box = { left: number; top: number; right: number; bottom: number };

function grown(box: Box, { width, height, found }: { width: number; height: number; found: boolean }): Box {
  if (!found) return { left: width, top: height, right: -1, bottom: -1 };
  const dx = SHADOW_REACH * (box.right - box.left + 1);
  const dy = SHADOW_REACH * (box.bottom - box.top + 1);
  return { left: box.left - dx, top: box.top - dy, right: box.right + dx, bottom: box.bottom + dy };
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

/**
 * Mean signed difference from the background of the pixels that differ most, away from the subject. Grain is averaged out
 * first: on white it is cut off above, so that even its mean over the worst pixels would read as dirt.
 */
function dirtOf({ working: { width, height }, subject, lab }: Frame, ask: { near: Box; labLevel: Lab }): number {
  const { near, labLevel } = ask;
  const n = width * height;
  const grainy = subject.background.scatter > GRAINY;
  const smooth = (plane: Float32Array): Float32Array => (grainy ? boxBlur({ width, height, data: plane }, 2) : plane);
  const planes = { l: smooth(lab.l), a: smooth(lab.a), b: smooth(lab.b) };
  const distance = grainy
    ? backgroundDistance({ width, height, lab: planes, surfaces: subject.background.surfaces })
    : subject.distance;
  const isAway = (x: number, y: number): boolean => x < near.left || x > near.right || y < near.top || y > near.bottom;

  const counts = new Uint32Array(BUCKETS);
  for (let y = 0, i = 0; y < height; y++)
    for (let x = 0; x < width; x++, i++) {
      if (subject.mask[i] === 1 || !isAway(x, y)) continue;
      const bin = bucket(distance[i] as number);
      counts[bin] = (counts[bin] as number) + 1;
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

  const [sl, sa, sb] = subject.background.surfaces;
  let count = 0;
  let dl = 0;
  let da = 0;
  let db = 0;
  for (let y = 0, i = 0; y < height; y++) {
    const v = (2 * y) / height - 1;
    for (let x = 0; x < width; x++, i++) {
      const bin = bucket(distance[i] as number);
      if (bin < low || bin > high || subject.mask[i] === 1 || !isAway(x, y)) continue;
      const u = (2 * x) / width - 1;
      count++;
      dl += (planes.l[i] as number) - sl[0] - sl[1] * u - sl[2] * v;
      da += (planes.a[i] as number) - sa[0] - sa[1] * u - sa[2] * v;
      db += (planes.b[i] as number) - sb[0] - sb[1] * u - sb[2] * v;
    }
  }
  if (count === 0) return 0;
  const [l, a, b] = labLevel;
  return deltaE2000(labLevel, [l + dl / count, a + da / count, b + db / count]);
}

/** How far a mark's darkest pixels are from the background. */
function contrast(mark: Component, { working: { width }, subject }: Frame): number {
  let most = 0;
  for (let y = mark.top; y <= mark.bottom; y++)
    for (let i = y * width + mark.left, end = y * width + mark.right; i <= end; i++)
      if (subject.mask[i] === 2 && (subject.distance[i] as number) > most) most = subject.distance[i] as number;
  return most;
}
