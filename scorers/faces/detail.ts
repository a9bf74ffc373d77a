import type { Frame } from '../frame.js';
import { quantile } from '../image/filters.js';
import { immerkaer } from '../image/noise.js';
import { Unassessable } from '../scorer.js';
import { mainFace } from './faces.js';
import { sampleView } from '../image/view.js';

/** The face, with level eyes, at this many pixels a side. */
const SIZE = 256;
const SHARE = 1 / 1.5;
const GRID = 8;
/** Faces darker than this mean are not lifted further: what is left there is compression, grey levels. */
const MIN_MEAN = 64;
/** Smaller faces have been enlarged too much for a word on sharpness, px. */
export const MIN_FACE = 96;

/** How crisp a face is, whatever its size and exposure. */
export interface FaceDetail {
  /** Laplacian variance of the crispest tenth of an 8 x 8 grid, at 256 px, noise taken out, contrast as if the face were middle grey. */
  detail: number;
  /** Sigma of the noise that was taken out, grey levels at 256 px. */
  noise: number;
  /** Side of the face in the picture, px. */
  side: number;
}

/**
 * Sharpness of the largest face. The face is brought to 256 px, so that the measure compares across sizes; contrast is taken relative
 * to the face's brightness, so that a dark face is no blurred one; independent noise of sigma s adds 20 s^2 to the variance of the Laplacian.
 *
 * @throws Unassessable no-face, too-small, model-missing
 */
export async function faceDetail(frame: Frame): Promise<FaceDetail> {
  const { view } = await frame.derive(mainFace);
  const side = view.side * SHARE;
  if (side < MIN_FACE) throw new Unassessable('too-small', { face: Math.round(side), needed: MIN_FACE });
  const rgb = sampleView(frame, { ...view, side, size: SIZE });
  const grey = new Float32Array(SIZE * SIZE);
  let mean = 0;
  for (let i = 0, p = 0; i < grey.length; i++, p += 3) {
    const v = 0.299 * (rgb[p] as number) + 0.587 * (rgb[p + 1] as number) + 0.114 * (rgb[p + 2] as number);
    grey[i] = v;
    mean += v / grey.length;
  }
  const tiles = Array.from({ length: GRID * GRID }, (_, i) => tileOf(grey, i % GRID, Math.floor(i / GRID)));
  const noise = quantile(
    Float32Array.from(tiles, (tile) => tile.noise),
    0.25,
  );
  const gain = (128 / Math.max(MIN_MEAN, mean)) ** 2;
  const crisp = quantile(
    Float32Array.from(tiles, (tile) => Math.max(0, tile.variance - 20 * noise ** 2)),
    0.9,
  );
  return { detail: crisp * gain, noise, side };
}

/** Variance of the Laplacian and Immerkaer's noise in one tile. */
function tileOf(grey: Float32Array, column: number, row: number): { variance: number; noise: number } {
  const step = SIZE / GRID;
  const [x0, x1] = [Math.max(1, column * step), Math.min(SIZE - 1, (column + 1) * step)];
  const [y0, y1] = [Math.max(1, row * step), Math.min(SIZE - 1, (row + 1) * step)];
  const at = (i: number): number => grey[i] as number;
  let [sum, squares, grain] = [0, 0, 0];
  for (let y = y0; y < y1; y++)
    for (let i = y * SIZE + x0; i < y * SIZE + x1; i++) {
      const sides = at(i - 1) + at(i + 1) + at(i - SIZE) + at(i + SIZE);
      const corners = at(i - SIZE - 1) + at(i - SIZE + 1) + at(i + SIZE - 1) + at(i + SIZE + 1);
      const response = sides - 4 * at(i);
      sum += response;
      squares += response * response;
      grain += Math.abs(corners - 2 * sides + 4 * at(i));
    }
  const n = (x1 - x0) * (y1 - y0);
  return { variance: squares / n - (sum / n) ** 2, noise: immerkaer(grain, n) };
}
