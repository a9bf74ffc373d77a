/** Dominant colours of a region, and how far two sets of them are apart. Deterministic: the same pixels give the same colours. */
import { deltaE2000, type Lab, type LabPlanes } from './colour.js';
import { transport } from './transport.js';

/** One dominant colour. */
export interface Swatch {
  lab: Lab;
  /** Share of the region, 0..1; those of a palette add up to 1. */
  share: number;
}

/** Side of a histogram cell in CIELAB units: pixels of one cell are moved together. */
const CELL = 4;
const ROUNDS = 12;
/** Colours nearer than this, dE2000, are one colour. */
const SAME = 4;
const DEFAULT_COLOURS = 6;

interface Cells {
  /** Mean colour of each occupied cell, three numbers a cell. */
  lab: Float64Array;
  count: Float64Array;
}

/**
 * The dominant colours of the pixels where `mask` is 1, most frequent first: cells of 4 CIELAB units, cut at the mean of the axis
 * of most variance until there are `colours` boxes (Heckbert, "Color image quantization for frame buffer display", 1982, with the
 * cut that Wu 1991 uses), then k-means from their means; colours nearer than dE2000 4 are joined. Empty where the mask is.
 *
 * @example
 * paletteOf(frame.lab, frame.subject.mask)[0]; // { lab: [45, 60, 35], share: 0.71 }
 */
export function paletteOf(lab: LabPlanes, mask: Uint8Array, { colours = DEFAULT_COLOURS } = {}): Swatch[] {
  const cells = cellsOf(lab, mask);
  const n = cells.count.length;
  if (n === 0) return [];
  let means = refined(cells, cut(cells, colours));
  // joining two may bring a third near: until no two are the same
  for (;;) {
    const pair = nearest(means);
    if (pair === undefined) break;
    const [i, j] = pair;
    const [a, b] = [means[i] as Swatch, means[j] as Swatch];
    const share = a.share + b.share;
    const mix = (c: 0 | 1 | 2): number => (a.lab[c] * a.share + b.lab[c] * b.share) / share;
    means = [...means.filter((_, k) => k !== i && k !== j), { lab: [mix(0), mix(1), mix(2)], share }];
  }
  return means.sort((a, b) => b.share - a.share || a.lab[0] - b.lab[0]);
}

/**
 * How far two palettes are apart, in dE2000: the mean colour difference when each share of one is given to the other at least
 * cost (earth mover's distance: Rubner, Tomasi, Guibas, IJCV 40, 2000). 0 for the same colours in the same shares.
 *
 * @example
 * paletteDistance(paletteOf(a.lab, a.subject.mask), paletteOf(b.lab, b.subject.mask)); // 2.3
 */
export function paletteDistance(one: readonly Swatch[], two: readonly Swatch[]): number {
  if (one.length === 0 || two.length === 0) return Number.NaN;
  return transport({
    from: one.map(({ share }) => share),
    to: two.map(({ share }) => share),
    cost: (i, j) => deltaE2000((one[i] as Swatch).lab, (two[j] as Swatch).lab),
  });
}

/** Reach and step of the search for the exposure that brings two palettes together, in stops. */
const STOPS_REACH = 2;
const STOPS_STEP = 0.1;

/**
 * `paletteDistance` after the light of the first picture is scaled so that it is least: what remains when exposure is set aside.
 * Exposures within 2 stops are tried in steps of 0.1.
 *
 * @returns `stops`: by how much the first is brighter than the second (negative: darker)
 */
export function exposedDistance(one: readonly Swatch[], two: readonly Swatch[]): { distance: number; stops: number } {
  let best = { distance: paletteDistance(one, two), stops: 0 };
  const steps = Math.round(STOPS_REACH / STOPS_STEP);
  for (let step = -steps; step <= steps; step++) {
    const stops = step * STOPS_STEP;
    const distance = paletteDistance(
      one.map(({ lab, share }) => ({ lab: inLight(lab, -stops), share })),
      two,
    );
    if (distance < best.distance - 1e-9) best = { distance, stops };
  }
  return best;
}

/** A colour under `stops` more light, not clipped. */
export function inLight([l, a, b]: Lab, stops: number): Lab {
  const gain = 2 ** stops;
  const fy = (l + 16) / 116;
  const [x, y, z] = [fy + a / 500, fy, fy - b / 200].map((f) => forward(gain * inverse(f))) as [number, number, number];
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}

const inverse = (f: number): number => (f > 6 / 29 ? f ** 3 : (116 * f - 16) / (24389 / 27));
const forward = (t: number): number => (t > 216 / 24389 ? Math.cbrt(t) : ((24389 / 27) * t + 16) / 116);

function cellsOf({ l, a, b }: LabPlanes, mask: Uint8Array): Cells {
  const sums = new Map<number, [number, number, number, number]>();
  for (let i = 0; i < mask.length; i++) {
    if (mask[i] !== 1) continue;
    const [pl, pa, pb] = [l[i] as number, a[i] as number, b[i] as number];
    const key = (Math.floor(pl / CELL) * 128 + (Math.floor(pa / CELL) + 64)) * 128 + (Math.floor(pb / CELL) + 64);
    const sum = sums.get(key);
    if (sum === undefined) sums.set(key, [pl, pa, pb, 1]);
    else {
      sum[0] += pl;
      sum[1] += pa;
      sum[2] += pb;
      sum[3]++;
    }
  }
  // in the order of the keys, so that a mirrored picture gives the same cells in the same order
  const keys = [...sums.keys()].sort((x, y) => x - y);
  const cells: Cells = { lab: new Float64Array(3 * keys.length), count: new Float64Array(keys.length) };
  for (const [at, key] of keys.entries()) {
    const [pl, pa, pb, count] = sums.get(key) as [number, number, number, number];
    cells.lab.set([pl / count, pa / count, pb / count], 3 * at);
    cells.count[at] = count;
  }
  return cells;
}

/** Cuts the cells into at most `colours` boxes, the one of most variance first, and gives the box of every cell. */
function cut({ lab, count }: Cells, colours: number): Uint8Array {
  const box = new Uint8Array(count.length);
  for (let boxes = 1; boxes < colours; boxes++) {
    let worst = { box: -1, axis: 0, mean: 0, error: 1e-6 };
    for (let b = 0; b < boxes; b++)
      for (let axis = 0; axis < 3; axis++) {
        let [weight, sum, squares] = [0, 0, 0];
        for (let i = 0; i < count.length; i++) {
          if (box[i] !== b) continue;
          const [w, v] = [count[i] as number, lab[3 * i + axis] as number];
          weight += w;
          sum += w * v;
          squares += w * v * v;
        }
        const error = squares - (sum * sum) / Math.max(1, weight);
        if (error > worst.error) worst = { box: b, axis, mean: sum / weight, error };
      }
    if (worst.box < 0) break;
    for (let i = 0; i < count.length; i++)
      if (box[i] === worst.box && (lab[3 * i + worst.axis] as number) > worst.mean) box[i] = boxes;
  }
  return box;
}

/** k-means from the boxes' means; boxes that lose all their cells go. */
function refined({ lab, count }: Cells, box: Uint8Array): Swatch[] {
  const total = count.reduce((sum, c) => sum + c, 0);
  for (let round = 0; ; round++) {
    const sums = new Map<number, [number, number, number, number]>();
    for (let i = 0; i < count.length; i++) {
      const sum = sums.get(box[i] as number) ?? [0, 0, 0, 0];
      const w = count[i] as number;
      for (let c = 0; c < 3; c++) sum[c] = (sum[c] as number) + w * (lab[3 * i + c] as number);
      sum[3] += w;
      sums.set(box[i] as number, sum);
    }
    const means = [...sums.entries()]
      .sort(([x], [y]) => x - y)
      .map(([, [l, a, b, weight]]): Swatch => ({ lab: [l / weight, a / weight, b / weight], share: weight / total }));
    if (round === ROUNDS) return means;
    for (let i = 0; i < count.length; i++) {
      let least = Infinity;
      for (const [at, { lab: mean }] of means.entries()) {
        const d =
          ((lab[3 * i] as number) - mean[0]) ** 2 +
          ((lab[3 * i + 1] as number) - mean[1]) ** 2 +
          ((lab[3 * i + 2] as number) - mean[2]) ** 2;
        if (d < least) [least, box[i]] = [d, at];
      }
    }
  }
}

/** The two nearest colours, where they are the same. */
function nearest(means: readonly Swatch[]): [number, number] | undefined {
  let best: [number, number] | undefined;
  let least = SAME;
  for (let i = 0; i < means.length; i++)
    for (let j = i + 1; j < means.length; j++) {
      const d = deltaE2000((means[i] as Swatch).lab, (means[j] as Swatch).lab);
      if (d < least) [least, best] = [d, [i, j]];
    }
  return best;
}
