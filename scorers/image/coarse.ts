import type { Frame } from '../frame.js';

/** Cells along the longer side. */
const CELLS = 12;

/** How the variance of grey splits between what is larger than a twelfth of the picture and what is finer. */
export interface Coarseness {
  /** Standard deviation of grey, levels. */
  deviation: number;
  /** Variance of the cells' means / variance of all pixels, 0..1; NaN where nothing varies. */
  coarse: number;
}

/**
 * A picture of things has most of its variance in things; noise, also the blotchy noise of an undenoised latent, has it in details.
 * White noise leaves 1 / (pixels of a cell) of its variance in the cells' means.
 */
export function coarseness({ luma: { width, height, data } }: Frame): Coarseness {
  const side = Math.max(1, Math.floor(Math.max(width, height) / CELLS));
  const across = Math.floor(width / side);
  const down = Math.floor(height / side);
  const cells = new Float64Array(across * down);
  let squares = 0;
  let seen = 0;
  // every second row is enough
  for (let y = 0; y < down * side; y += 2) {
    seen++;
    const row = Math.floor(y / side) * across;
    for (let cell = 0, i = y * width; cell < across; cell++) {
      let sum = 0;
      for (const end = i + side; i < end; i++) {
        const v = data[i] as number;
        sum += v;
        squares += v * v;
      }
      cells[row + cell] = (cells[row + cell] as number) + sum;
    }
  }
  const n = seen * across * side;
  const perCell = n / cells.length;
  let [sum, cellSquares] = [0, 0];
  for (const cell of cells) {
    sum += cell;
    cellSquares += cell * cell;
  }
  const mean = sum / n;
  const variance = Math.max(0, squares / n - mean * mean);
  const between = Math.max(0, cellSquares / (n * perCell) - mean * mean);
  return { deviation: Math.sqrt(variance), coarse: variance < 1e-6 ? Number.NaN : Math.min(1, between / variance) };
}
