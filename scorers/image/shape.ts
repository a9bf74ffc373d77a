/** How well two regions have the same outline, whatever their size. */
import type { Region } from './region.js';

/** Side that the boxes are brought to. */
const SIDE = 64;

interface Grid {
  width: number;
  height: number;
  data: Uint8Array;
}

/**
 * Intersection over union of two regions when the second is scaled to the width, or to the height, of the first and slid along it: the
 * best of all. 1 for the same outline at any size and place; a region of which half is cut off straight reads 0.5. A region in another pose
 * reads lower too.
 *
 * @example
 * shapeOverlap(regionA, regionB); // 0.93
 */
export function shapeOverlap(one: Region, two: Region): number {
  if (one.area === 0 || two.area === 0) return 0;
  return Math.max(slide(one, two, 'width'), slide(one, two, 'height'));
}

/** Both boxes are brought to the same length along one axis; along the other the shorter is slid over the longer. */
function slide(one: Region, two: Region, axis: 'width' | 'height'): number {
  const [a, b] = [grid(one, axis), grid(two, axis)];
  const along = axis === 'width' ? 'height' : 'width';
  const [long, short] = a[along] >= b[along] ? [a, b] : [b, a];
  const [longArea, shortArea] = [count(long), count(short)];
  let best = 0;
  for (let shift = 0; shift <= long[along] - short[along]; shift++) {
    const [dx, dy] = axis === 'width' ? [0, shift] : [shift, 0];
    let both = 0;
    for (let y = 0; y < short.height; y++)
      for (let x = 0; x < short.width; x++)
        if (short.data[y * short.width + x] === 1 && long.data[(y + dy) * long.width + x + dx] === 1) both++;
    best = Math.max(best, both / (longArea + shortArea - both));
  }
  return best;
}

const count = ({ data }: Grid): number => data.reduce((sum, v) => sum + v, 0);

/** The region's box at 64 cells along one axis, to scale along the other, of which there are at most 16 times as many. */
function grid({ box, mask, width: full }: Region, axis: 'width' | 'height'): Grid {
  const [w, h] = [box.right - box.left + 1, box.bottom - box.top + 1];
  const other = (length: number, by: number): number =>
    Math.min(16 * SIDE, Math.max(1, Math.round((SIDE * length) / by)));
  const width = axis === 'width' ? SIDE : other(w, h);
  const height = axis === 'height' ? SIDE : other(h, w);
  const data = new Uint8Array(width * height);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const fx = box.left + Math.min(w - 1, Math.floor(((x + 0.5) * w) / width));
      const fy = box.top + Math.min(h - 1, Math.floor(((y + 0.5) * h) / height));
      data[y * width + x] = mask[fy * full + fx] as number;
    }
  return { width, height, data };
}
