import type { Frame } from '../frame.js';
import { edgeBlur } from '../image/edges.js';
import { quantile } from '../image/filters.js';
import { immerkaer } from '../image/noise.js';
import { falling, quality, rising } from '../mapping.js';
import type { Scorer } from '../scorer.js';

const GRID = 8;
const TILE_P90 = rising(40, 20);
/** A blur of 1.5 px at 512 px is seen at a glance. */
const BLUR = falling(1.5, 0.35);

/**
 * Noise-corrected Laplacian variance per tile of an 8 x 8 grid over the working picture, and the noise it was corrected by.
 * With `c` the second difference along the row, the Laplacian is `c + up - 2 * here + down`, and Immerkaer's noise kernel is
 * `c(up) - 2 * c + c(down)`: one pass gives both.
 */
export function tileSharpness({ luma }: Frame): { tiles: Float32Array; sigma: number } {
  const { width, height, data } = luma;
  const variance = new Float32Array(GRID * GRID);
  const grain = new Float32Array(GRID * GRID);
  const columns = Array.from({ length: GRID + 1 }, (_, k) =>
    Math.min(width - 1, Math.max(1, Math.floor((k * width) / GRID))),
  );
  const rows = Array.from({ length: GRID + 1 }, (_, k) =>
    Math.min(height - 1, Math.max(1, Math.floor((k * height) / GRID))),
  );
  let [above, here, below] = [new Float64Array(width), new Float64Array(width), new Float64Array(width)];
  const curve = (y: number, out: Float64Array): void => {
    for (let x = 1, i = y * width + 1; x < width - 1; x++, i++)
      out[x] = (data[i - 1] as number) - 2 * (data[i] as number) + (data[i + 1] as number);
  };
  curve(0, here);
  curve(1, below);
  const sums = new Float64Array(3 * GRID);
  for (let row = 0; row < GRID; row++) {
    sums.fill(0);
    const [y0, y1] = [rows[row] as number, rows[row + 1] as number];
    for (let y = y0; y < y1; y++) {
      [above, here, below] = [here, below, above];
      curve(y + 1, below);
      for (let column = 0; column < GRID; column++) {
        let [sum, squares, residue] = [0, 0, 0];
        const x1 = columns[column + 1] as number;
        for (let x = columns[column] as number, i = y * width + x; x < x1; x++, i++) {
          const c = here[x] as number;
          const v = c + (data[i - width] as number) - 2 * (data[i] as number) + (data[i + width] as number);
          sum += v;
          squares += v * v;
          residue += Math.abs((above[x] as number) - 2 * c + (below[x] as number));
        }
        sums[3 * column] = (sums[3 * column] as number) + sum;
        sums[3 * column + 1] = (sums[3 * column + 1] as number) + squares;
        sums[3 * column + 2] = (sums[3 * column + 2] as number) + residue;
      }
    }
    for (let column = 0; column < GRID; column++) {
      const n = Math.max(1, ((columns[column + 1] as number) - (columns[column] as number)) * (y1 - y0));
      const mean = (sums[3 * column] as number) / n;
      variance[row * GRID + column] = (sums[3 * column + 1] as number) / n - mean ** 2;
      grain[row * GRID + column] = immerkaer(sums[3 * column + 2] as number, n);
    }
  }
  // the least structured quarter that is not clipped flat tells how much of the response is grain
  const found = quantile(
    grain.filter((s) => s > 0.05),
    0.25,
  );
  const sigma = Number.isNaN(found) ? 0 : found;
  const excess = 20 * sigma * sigma;
  return { tiles: variance.map((v) => Math.max(0, v - excess)), sigma };
}

/** How crisp the picture is where it is crispest: plain backgrounds and shallow focus do not count against it. */
export const sharpness: Scorer = {
  spec: {
    id: 'sharpness',
    version: '1.0.1',
    tier: 'generic',
    cost: 'cheap',
    models: [],
    source:
      'Variance of the Laplacian: Pech-Pacheco et al., Diatom autofocusing in brightfield microscopy, ICPR 2000; noise term 20 sigma^2 from the kernel. Edge blur: Zhuo, Sim, Defocus map estimation from a single image, Pattern Recognition 44, 2011',
    dimensions: {
      'sharpness.tileP90': {
        direction: 'higher',
        unit: 'grey levels squared',
        range: [0, Infinity],
        about: 'Laplacian variance of the crispest tenth of the picture; a low value means blur.',
      },
      'sharpness.edgeBlur': {
        direction: 'lower',
        unit: 'px sigma at 512 px long side',
        range: [0, Infinity],
        about: 'Blur of the sharpest edges as the sigma of a Gaussian; a high value means out of focus or shaken.',
      },
    },
  },
  assess(frame) {
    if (frame.luma.width < 32 || frame.luma.height < 32)
      return Promise.resolve({
        'sharpness.tileP90': { status: 'unassessable', reason: 'too-small' },
        'sharpness.edgeBlur': { status: 'unassessable', reason: 'too-small' },
      });
    const { tiles, sigma } = frame.derive(tileSharpness);
    const raw = quantile(tiles, 0.9);
    const blur = frame.derive(edgeBlur);
    return Promise.resolve({
      'sharpness.tileP90': { status: 'ok', raw, quality: quality(raw, TILE_P90), facts: { noiseRemoved: sigma } },
      'sharpness.edgeBlur': Number.isNaN(blur.sigma)
        ? { status: 'unassessable', reason: 'not-applicable' }
        : { status: 'ok', raw: blur.sigma, quality: quality(blur.sigma, BLUR), facts: { edges: blur.edges } },
    });
  },
};
