import type { Frame } from '../frame.js';

export interface Blockiness {
  /** Mean step across 8-pixel block borders / mean step elsewhere, over both directions; NaN where nothing varies. */
  ratio: number;
}

/**
 * How much the 8 x 8 grid of a JPEG shows in the native tiles, full size. About 1 when there is none. The grid is taken to
 * start at the corner: a picture that was cropped or resized after its JPEG reads 1.
 * Source: terms B and A of Wang, Sheikh, Bovik, "No-reference perceptual quality assessment of JPEG compressed images" (2002).
 */
export function blockiness({ rgb, width, tiles }: Frame): Blockiness {
  const stride = 3 * width;
  let [border, borders, inner, inners] = [0, 0, 0, 0];
  for (const tile of tiles)
    for (let y = tile.y; y < tile.y + tile.height - 1; y++)
      for (let x = tile.x; x < tile.x + tile.width - 1; x++) {
        const p = y * stride + 3 * x + 1;
        const v = rgb[p] as number;
        const across = Math.abs((rgb[p + 3] as number) - v);
        const down = Math.abs((rgb[p + stride] as number) - v);
        if (x % 8 === 7) {
          border += across;
          borders++;
        } else {
          inner += across;
          inners++;
        }
        if (y % 8 === 7) {
          border += down;
          borders++;
        } else {
          inner += down;
          inners++;
        }
      }
  return { ratio: borders === 0 || inner === 0 ? Number.NaN : border / borders / (inner / inners) };
}
