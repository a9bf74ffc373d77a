/** How white the pixels around the subject are, at full size, and its shadow. */
import type { Frame } from '../frame.js';
import { deltaE2000, labOf } from './colour.js';
import { components } from './components.js';
import { dilated } from './morphology.js';

/** The subject is grown by this share of the working picture's long side before its outside counts: soft edges are no dirt. */
const GROWN = 0.012;
/** Width of the border ring, as a share of the short side. */
const RING = 0.02;
/** Shadow: darker than this L*, or, where the background is darker itself, darker than it by the second number. */
const SHADOW_L = 97;
const SHADOW_STEP = 3;
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
  /** Smallest channel; 0 where the cell holds several colours. */
  least: Uint8Array;
  /** The cells from white on. */
  order: Uint32Array;
}

let scale: Scale | undefined;

/** The same for every picture: made once. */
function whiteScale(): Scale {
  if (scale) return scale;
  const distance = new Float32Array(2 * CELLS);
  const least = new Uint8Array(2 * CELLS);
  for (let at = 0; at < CELLS; at++) {
    const [r, g, b] = [at >> 10, (at >> 5) & 31, at & 31];
    distance[at] = deltaE2000(WHITE, labOf(8 * r + 4, 8 * g + 4, 8 * b + 4));
    distance[CELLS + at] = deltaE2000(WHITE, labOf(EXACT + r, EXACT + g, EXACT + b));
    least[CELLS + at] = EXACT + Math.min(r, g, b);
  }
  const order = Uint32Array.from(distance.keys()).sort((a, b) => (distance[a] as number) - (distance[b] as number));
  return (scale = { distance, least, order });
}

/** Counts the pixels `from` (inclusive) to `to` (exclusive) of interleaved sRGB bytes. */
function count({ rgb, into, from, to }: { rgb: Uint8Array; into: Uint32Array; from: number; to: number }): void {
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

/**
 * Whiteness of what is not the subject; undefined where the subject covers everything. Full-size pixels; the subject's mask is the working picture's, grown by 1.2 % of its long side.
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

  const [all, ring] = [new Uint32Array(2 * CELLS), new Uint32Array(2 * CELLS)];
  const wide = Math.max(1, Math.round(RING * Math.min(width, height)));
  for (let y = 0; y < height; y++) {
    const row = Math.min(size.height - 1, Math.floor((y * size.height) / height)) * size.width;
    const edgeRow = y < wide || y >= height - wide;
    for (let wx = 0; wx < size.width; wx++) {
      if (grown[row + wx] === 1) continue;
      const start = wx;
      while (wx < size.width && grown[row + wx] === 0) wx++;
      const from = y * width + Math.ceil((start * width) / size.width);
      const to = y * width + Math.ceil((wx * width) / size.width);
      count({ rgb, into: all, from, to });
      if (edgeRow) count({ rgb, into: ring, from, to });
      else {
        count({ rgb, into: ring, from, to: Math.min(to, y * width + wide) });
        count({ rgb, into: ring, from: Math.max(from, (y + 1) * width - wide), to });
      }
    }
  }
  const { distance, least, order } = whiteScale();
  let [total, pure, near] = [0, 0, 0];
  for (let at = 0; at < all.length; at++) {
    const n = all[at] as number;
    if (n === 0) continue;
    total += n;
    if ((least[at] as number) >= 254) pure += n;
    if ((least[at] as number) >= 250) near += n;
  }
  if (total === 0) return undefined;
  let seen = 0;
  let p95 = 0;
  let worst: number | undefined;
  for (let k = 0; k < order.length; k++) {
    const at = order[k] as number;
    if (seen < 0.95 * total) p95 = distance[at] as number;
    seen += all[at] as number;
    if ((ring[at] as number) > 0) worst = distance[at];
  }
  return {
    pure: pure / total,
    near: near / total,
    p95,
    ring: worst,
    shadow: subject.found ? shadowShare(frame, mask) : undefined,
  };
}

/** Share of the picture that is darker than paper and hangs on the subject; its outline, which is neither, is left out. */
function shadowShare({ subject, lab, working: { width, height } }: Frame, mask: Uint8Array): number {
  const limit = Math.min(SHADOW_L, subject.background.lab[0] - SHADOW_STEP);
  const outline = dilated({ width, height, data: mask }, 2);
  const dark = new Uint8Array(mask.length);
  for (let i = 0; i < dark.length; i++) dark[i] = outline[i] === 1 || (lab.l[i] as number) < limit ? 1 : 0;
  const { labels, list } = components(dark, width, height);
  const holds = new Uint8Array(list.length + 1);
  for (let i = 0; i < mask.length; i++) if (mask[i] === 1) holds[labels[i] as number] = 1;
  let shadow = 0;
  for (let i = 0; i < mask.length; i++) if (outline[i] === 0 && holds[labels[i] as number] === 1) shadow++;
  return shadow / mask.length;
}
