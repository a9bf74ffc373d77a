import type { Frame } from '../frame.js';
import { greenTiles } from './green.js';

export interface Blockiness {
  /** Mean step across 8-pixel block borders / mean step elsewhere, over both directions; NaN where nothing varies. */
  ratio: number;
}

/**
 * How much the 8 x 8 grid of a JPEG shows in the native tiles, full size. About 1 when there is none. The grid is taken to
 * start at the corner: a picture that was cropped or resized after its JPEG reads 1.
 * Source: terms B and A of Wang, Sheikh, Bovik, "No-reference perceptual quality assessment of JPEG compressed images" (2002).
 */
export function blockiness(frame: Frame): Blockiness {
  let [border, borders, inner, inners] = [0, 0, 0, 0];
  for (const { width, height, data } of frame.derive(greenTiles)) {
    const [columns, rows] = [width - 1, height - 1];
    for (let y = 0; y < rows; y++) {
      let down = 0;
      const start = y * width;
      // tiles start on the grid: every eighth step crosses a border
      for (let x = 0; x < columns; x += 8) {
        let across = 0;
        for (let i = start + x, end = start + Math.min(columns, x + 7); i < end; i++) {
          const v = data[i] as number;
          across += Math.abs((data[i + 1] as number) - v);
          down += Math.abs((data[i + width] as number) - v);
        }
        inner += across;
        if (x + 7 >= columns) continue;
        const i = start + x + 7;
        const v = data[i] as number;
        border += Math.abs((data[i + 1] as number) - v);
        down += Math.abs((data[i + width] as number) - v);
      }
      if (y % 8 === 7) border += down;
      else inner += down;
    }
    const bordersAcross = Math.floor(columns / 8) * rows;
    const bordersDown = Math.floor(rows / 8) * columns;
    borders += bordersAcross + bordersDown;
    inners += 2 * columns * rows - bordersAcross - bordersDown;
  }
  return { ratio: borders === 0 || inner === 0 ? Number.NaN : border / borders / (inner / inners) };
}
