/** Which pixels of the working picture a measure is taken on. */
import type { Frame } from '../frame.js';
import { dilated, eroded } from './morphology.js';

/** A set of working pixels. */
export interface Region {
  width: number;
  height: number;
  /** 1 = inside */
  mask: Uint8Array;
  /** Pixels inside. */
  area: number;
  /** Inclusive; zeros where it is empty. */
  box: { left: number; top: number; right: number; bottom: number };
}

/** An outline mixes with the background over this share of the long side. */
const OUTLINE = 0.006;

/** The region of a mask, with its area and box. */
export function regionOf({ width, height }: { width: number; height: number }, mask: Uint8Array): Region {
  const box = { left: width, top: height, right: 0, bottom: 0 };
  let area = 0;
  for (let y = 0, i = 0; y < height; y++)
    for (let x = 0; x < width; x++, i++) {
      if (mask[i] !== 1) continue;
      area++;
      if (x < box.left) box.left = x;
      if (x > box.right) box.right = x;
      if (y < box.top) box.top = y;
      box.bottom = y;
    }
  return { width, height, mask, area, box: area === 0 ? { left: 0, top: 0, right: 0, bottom: 0 } : box };
}

/** The subject: the opaque part of a cut-out, else what stands out. */
export function subjectRegion({ subject, working, opaque }: Frame): Region {
  if (opaque !== undefined) return regionOf(working, opaque);
  const mask = new Uint8Array(subject.mask.length);
  for (let i = 0; i < mask.length; i++) mask[i] = subject.mask[i] === 1 ? 1 : 0;
  return regionOf(working, mask);
}

/** The region without its outline, where colours are mixed; the region itself where nothing would be left of it. */
export function core(region: Region): Region {
  const { width, height, mask, area } = region;
  const radius = Math.max(1, Math.round(OUTLINE * Math.max(width, height)));
  const inner = regionOf(region, eroded({ width, height, data: mask }, radius));
  return inner.area >= area / 4 ? inner : region;
}

/** The region grown by a share of the long side. */
export function grown(region: Region, share: number): Region {
  const { width, height, mask } = region;
  const radius = Math.max(1, Math.round(share * Math.max(width, height)));
  return regionOf(region, dilated({ width, height, data: mask }, radius));
}
