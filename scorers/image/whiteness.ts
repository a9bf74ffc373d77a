/** How white the pixels around the subject are, at full size, and its shadow. */
import type { Frame } from '../frame.js';
import { deltaE2000, labOf } from './colour.js';
import { labelledRuns } from './components.js';
import { dilated } from './morphology.js';

/** The subject is grown by this share of the working picture's long side before its outside counts: soft edges are no dirt. */
const GROWN = 0.012;
/** Width of the border ring, as a share of the short side. */
const RING = 0.02;
/** Shadow: darker than this L*, or, where the background is darker itself, darker than it by the second number. */
const SHADOW_L = 97;
const SHADOW_STEP = 3;
/** Rows that are counted, at least; of a larger picture every so many-th is. */
const ROWS = 256;
const WHITE = labOf(255, 255, 255);

export interface Whiteness {
  /** Share of the background's pixels with min(R, G, B) at 254 or above, and at 250 or above. */
  pure: number;
  near: number;
  /** 95th percentile of CIEDE2000 to white, over the background's pixels. */
  p95: number;
  /** Largest CIEDE2000 to white in the border ring; undefined where the subject covers the ring. */
  ring: number | undefined;
  /** Share of the picture that is a shadow hanging on the subject; undefined without a subject. */
  shadow: number | undefined;
}

/** Levels from here on are counted exactly; colours with a darker channel in cells of 8 levels a channel. */
const EXACT = 224;
const CELLS = 32 ** 3;

/** The cell of a colour: cells of 8 levels first, then those of the exact colours. */
const cellOf = (r: number, g: number, b: number): number =>
  r >= EXACT && g >= EXACT && b >= EXACT
    ? CELLS + (((r - EXACT) << 10) | ((g - EXACT) << 5) | (b - EXACT))
    : ((r >> 3) << 10) | ((g >> 3) << 5) | (b >> 3);

interface Scale {
  /** CIEDE2000 to white of every cell, of its middle where it holds several colours. */
  distance: Float32Array;
  /** The cells from white on. */
  order: Uint32Array;
}

let scale: Scale | undefined;

/** The same for every picture: made once. */
function whiteScale(): Scale {
  if (scale) return scale;
  const distance = new Float32Array(2 * CELLS);
  for (let at = 0; at < CELLS; at++) {
    const [r, g, b] = [at >> 10, (at >> 5) & 31, at & 31];
    distance[at] = deltaE2000(WHITE, labOf(8 * r + 4, 8 * g + 4, 8 * b + 4));
    distance[CELLS + at] = deltaE2000(WHITE, labOf(EXACT + r, EXACT + g, EXACT + b));
  }
  const order = Uint32Array.from(distance.keys()).sort((a, b) => (distance[a] as number) - (distance[b] as number));
  return (scale = { distance, order });
}

/** Pixels, by their index in the picture: `from` to before `to` of one row. */
interface Stretch {
  rgb: Uint8Array;
  from: number;
  to: number;
}

/** Counts a stretch by cells. */
function count({ rgb, from, to }: Stretch, into: Uint32Array): void {
  // paper white, the most frequent colour by far, is counted aside: adding to one cell again and again is slow
  let white = 0;
  for (let p = 3 * from, end = 3 * to; p < end; p += 3) {
    const r = rgb[p] as number;
    const g = rgb[p + 1] as number;
    const b = rgb[p + 2] as number;
    if ((r & g & b) === 255) white++;
    else {
      const at = cellOf(r, g, b);
      into[at] = (into[at] as number) + 1;
    }
  }
  into[2 * CELLS - 1] = (into[2 * CELLS - 1] as number) + white;
}

/** Largest distance to white in a stretch; `worst` where that is larger: below 0 before the first pixel. */
function farthest({ rgb, from, to }: Stretch, worst: number): number {
  const { distance } = whiteScale();
  if (from < to && worst < 0) worst = 0;
  for (let p = 3 * from, end = 3 * to; p < end; p += 3) {
    const r = rgb[p] as number;
    const g = rgb[p + 1] as number;
    const b = rgb[p + 2] as number;
    if ((r & g & b) === 255) continue;
    const far = distance[cellOf(r, g, b)] as number;
    if (far > worst) worst = far;
  }
  return worst;
}

/**
 * Whiteness of what is not the subject; undefined where the subject covers everything. Full-size pixels: of the ring all of them, of the rest those of
 * evenly spread rows. The subject's mask is the working picture's, grown by 1.2 % of its long side.
 *
 * @example
 * frame.derive(whiteness)?.pure; // 0.93
 */
export function whiteness(frame: Frame): Whiteness | undefined {
  const { width, height, rgb, subject, working } = frame;
  const long = Math.max(working.width, working.height);
  const size = { width: working.width, height: working.height };
  const mask = new Uint8Array(subject.mask.length);
  for (let i = 0; i < mask.length; i++) mask[i] = subject.mask[i] === 1 ? 1 : 0;
  const grown = subject.found ? dilated({ ...size, data: mask }, Math.max(1, Math.round(GROWN * long))) : mask;

  const cells = new Uint32Array(2 * CELLS);
  const wide = Math.max(1, Math.round(RING * Math.min(width, height)));
  const step = Math.max(1, Math.floor(height / ROWS));
  let [total, worst, known] = [0, -1, -1];
  let open: number[] = [];
  for (let y = 0; y < height; y++) {
    const row = Math.min(size.height - 1, Math.floor((y * size.height) / height));
    if (row !== known) open = openColumns(grown, { row, width: size.width, across: width });
    known = row;
    const isEdge = y < wide || y >= height - wide;
    const isCounted = y % step === step >> 1;
    for (let k = 0; k < open.length; k += 2) {
      const [left, right] = [open[k] as number, open[k + 1] as number];
      const start = y * width;
      if (isCounted) {
        count({ rgb, from: start + left, to: start + right }, cells);
        total += right - left;
      }
      if (isEdge) worst = farthest({ rgb, from: start + left, to: start + right }, worst);
      else {
        worst = farthest({ rgb, from: start + left, to: start + Math.min(right, wide) }, worst);
        worst = farthest({ rgb, from: start + Math.max(left, width - wide), to: start + right }, worst);
      }
    }
  }
  if (total === 0) return undefined;
  const { distance, order } = whiteScale();
  let [seen, at] = [0, 0];
  for (let k = 0; k < order.length && seen < 0.95 * total; k++) {
    at = order[k] as number;
    seen += cells[at] as number;
  }
  return {
    pure: atLeast(254, cells) / total,
    near: atLeast(250, cells) / total,
    p95: distance[at] as number,
    ring: worst < 0 ? undefined : worst,
    shadow: subject.found ? shadowShare(frame, mask) : undefined,
  };
}

/** Where one row of the working picture is outside the mask: pairs of full-size columns, from and to before. */
function openColumns(
  mask: Uint8Array,
  { row, width, across }: { row: number; width: number; across: number },
): number[] {
  const open: number[] = [];
  for (let x = 0, i = row * width; x < width; x++) {
    if (mask[i + x] === 1) continue;
    const from = x;
    while (x < width && mask[i + x] === 0) x++;
    open.push(Math.ceil((from * across) / width), Math.ceil((x * across) / width));
  }
  return open;
}

/** Counted pixels with every channel at `level` or above; `level` >= EXACT. */
function atLeast(level: number, cells: Uint32Array): number {
  let sum = 0;
  for (let r = level; r < 256; r++)
    for (let g = level; g < 256; g++) for (let b = level; b < 256; b++) sum += cells[cellOf(r, g, b)] as number;
  return sum;
}

/** Share of the picture that is darker than paper and hangs on the subject; its outline, which is neither, is left out. */
function shadowShare({ subject, lab, working: { width, height } }: Frame, mask: Uint8Array): number {
  const limit = Math.min(SHADOW_L, subject.background.lab[0] - SHADOW_STEP);
  const outline = dilated({ width, height, data: mask }, 2);
  const dark = new Uint8Array(mask.length);
  for (let i = 0; i < dark.length; i++) dark[i] = outline[i] === 1 || (lab.l[i] as number) < limit ? 1 : 0;
  const { runs, list } = labelledRuns(dark, width);
  const holds = new Uint8Array(list.length + 1);
  for (const { from, to, label } of runs)
    if (holds[label] === 0 && mask.subarray(from, to).includes(1)) holds[label] = 1;
  let shadow = 0;
  for (const { from, to, label } of runs)
    if (holds[label] === 1) for (let i = from; i < to; i++) if (outline[i] === 0) shadow++;
  return shadow / mask.length;
}
