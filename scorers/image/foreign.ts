/** What lies on a garment: holes in its region, and patches in colours that its reference does not have. */
import type { Frame } from '../frame.js';
import { components } from './components.js';
import { quantile } from './filters.js';
import { closed, dilated, eroded, filled } from './morphology.js';
import { core, type Region } from './region.js';

/** Holes and notches up to twice this share of the box's long side are closed. */
const CLOSE = 0.05;
/** Side of a colour cell; L* counts half, as light falls differently on every fold. */
const CELL = 4;
/** A colour is known from this share of the reference's region on, and up to so many cells away. */
const KNOWN = 0.0005;
const REACH = 2;
/** Smallest patch, as a share of the region. */
const LEAST_PATCH = 0.004;
const [LEVELS, TONES] = [16, 72];

export interface Box {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

export interface Covered {
  /** Share of the closed region that is not the garment, 0..1. */
  share: number;
  /** The part of it that is holes and notches in the region. */
  holes: number;
  /** Where the patches are, inclusive, working pixels. */
  boxes: Box[];
}

/**
 * How much of a garment's region is covered: what is missing from its closed outline, plus patches in colours that the reference's region does
 * not have. Colours are compared after the median colour of one region is moved to that of the other (or not, whichever leaves less), so
 * that a recoloured garment is not a covered one. What lies on it in the garment's own colours is not seen.
 */
export function coveredShare(
  { frame, region }: { frame: Frame; region: Region },
  reference: { frame: Frame; region: Region } | undefined,
): Covered {
  const { width, height, mask, box } = region;
  const long = Math.max(box.right - box.left, box.bottom - box.top) + 1;
  const shut = filled({
    width,
    height,
    data: closed({ width, height, data: mask }, Math.max(1, Math.round(CLOSE * long))),
  });
  const all = shut.reduce((sum, v) => sum + v, 0);
  const holes = (all - region.area) / all;
  if (reference === undefined) return { share: holes, holes, boxes: [] };

  const inner = core(region);
  const own = colours(frame, inner);
  const theirs = colours(reference.frame, core(reference.region));
  const move = own.median.map((v, c) => (theirs.median[c] as number) - v);
  const patches = [[0, 0, 0], move].map((by) => foreign({ frame, inner, known: theirs.known, by }));
  const [plain, moved] = patches as [Patches, Patches];
  const { area, boxes } = moved.area < plain.area ? moved : plain;
  // the region's outline was left out: its part is taken to be covered like the rest
  const share = Math.min(1, holes + (1 - holes) * (area / Math.max(1, inner.area)));
  return { share, holes, boxes };
}

/** The cell of a colour, or -1 outside of what sRGB can show. */
function cell(l: number, a: number, b: number): number {
  const [x, y, z] = [Math.floor(l / 2 / CELL), Math.floor(a / CELL) + TONES / 2, Math.floor(b / CELL) + TONES / 2];
  if (x < 0 || x >= LEVELS || y < 0 || y >= TONES || z < 0 || z >= TONES) return -1;
  return (x * TONES + y) * TONES + z;
}

/** The median colour of a region, and the cells near to the colours that it has. */
function colours({ lab }: Frame, { mask, area }: Region): { median: number[]; known: Uint8Array } {
  const counts = new Uint32Array(LEVELS * TONES * TONES);
  const planes = [lab.l, lab.a, lab.b].map((plane) => plane.filter((_, i) => mask[i] === 1));
  for (let i = 0; i < mask.length; i++) {
    if (mask[i] !== 1) continue;
    const at = cell(lab.l[i] as number, lab.a[i] as number, lab.b[i] as number);
    if (at >= 0) counts[at] = (counts[at] as number) + 1;
  }
  const known = new Uint8Array(counts.length);
  const least = Math.max(2, KNOWN * area);
  for (let at = 0; at < counts.length; at++) {
    if ((counts[at] as number) < least) continue;
    const [x, y, z] = [Math.floor(at / TONES / TONES), Math.floor(at / TONES) % TONES, at % TONES];
    for (let i = Math.max(0, x - REACH); i <= Math.min(LEVELS - 1, x + REACH); i++)
      for (let j = Math.max(0, y - REACH); j <= Math.min(TONES - 1, y + REACH); j++)
        for (let k = Math.max(0, z - REACH); k <= Math.min(TONES - 1, z + REACH); k++)
          known[(i * TONES + j) * TONES + k] = 1;
  }
  return { median: planes.map((plane) => quantile(plane, 0.5)), known };
}

interface Patches {
  area: number;
  boxes: Box[];
}

function foreign(ask: { frame: Frame; inner: Region; known: Uint8Array; by: readonly number[] }): Patches {
  const { inner, known, by } = ask;
  const { lab } = ask.frame;
  const { width, height, mask } = inner;
  const strange = new Uint8Array(mask.length);
  const [dl, da, db] = by as [number, number, number];
  for (let i = 0; i < mask.length; i++) {
    if (mask[i] !== 1) continue;
    const at = cell((lab.l[i] as number) + dl, (lab.a[i] as number) + da, (lab.b[i] as number) + db);
    if (at < 0 || known[at] === 0) strange[i] = 1;
  }
  // opened: specks of noise go
  const opened = dilated({ width, height, data: eroded({ width, height, data: strange }, 1) }, 1);
  for (let i = 0; i < opened.length; i++) opened[i] = opened[i] === 1 && strange[i] === 1 ? 1 : 0;
  const list = components(opened, width, height).list.filter(({ area }) => area >= LEAST_PATCH * inner.area);
  return { area: list.reduce((sum, { area }) => sum + area, 0), boxes: list };
}
