import type { Frame } from '../frame.js';
import { edgeBlur, subjectEdgeBlur, type EdgeBlur } from '../image/edges.js';
import { quantile } from '../image/filters.js';
import { immerkaer } from '../image/noise.js';
import { falling, quality, rising } from '../mapping.js';
import type { Assessment, Scorer } from '../scorer.js';

const GRID = 8;
const TILE_P90 = rising(40, 20);
/** A blur of 1.5 px at 512 px is seen at a glance. */
const BLUR = falling(1.5, 0.35);
/** A tile belongs to the subject when it covers this share of it; the tile with most of it always does. */
const SUBJECT_TILE = 0.25;

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

/** Share of each tile of that grid that the subject covers. */
function subjectShares({ subject, luma: { width, height } }: Frame): Float32Array {
  const shares = new Float32Array(GRID * GRID);
  const { left, top, right, bottom } = subject.box;
  const columnOf = Uint8Array.from({ length: width }, (_, x) => Math.floor(((x + 0.5) * GRID) / width));
  for (let y = top; y <= bottom; y++) {
    const row = Math.floor(((y + 0.5) * GRID) / height) * GRID;
    for (let x = left, i = y * width + left; x <= right; x++, i++) {
      if (subject.mask[i] !== 1) continue;
      const tile = row + (columnOf[x] as number);
      shares[tile] = (shares[tile] as number) + 1;
    }
  }
  return shares.map((count) => (count * GRID * GRID) / (width * height));
}

const blurScore = ({ sigma, edges }: EdgeBlur): Assessment =>
  Number.isNaN(sigma)
    ? { status: 'unassessable', reason: 'not-applicable' }
    : { status: 'ok', raw: sigma, quality: quality(sigma, BLUR), facts: { edges } };

/** How crisp the picture is where it is crispest, and how crisp its subject is: plain backgrounds and shallow focus do not count against it. */
export const sharpness: Scorer = {
  spec: {
    id: 'sharpness',
    version: '1.1.0',
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
      'sharpness.subjectTileP90': {
        direction: 'higher',
        unit: 'grey levels squared',
        range: [0, Infinity],
        about:
          'Laplacian variance of the crispest tenth of the subject; a low value means that it is blurred, or plain.',
      },
      'sharpness.subjectEdgeBlur': {
        direction: 'lower',
        unit: 'px sigma at 512 px long side',
        range: [0, Infinity],
        about:
          'Blur of the sharpest edges of the subject; a high value means that it is out of focus, whatever the background is.',
      },
    },
  },
  assess(frame) {
    if (frame.luma.width < 32 || frame.luma.height < 32) {
      const tooSmall: Assessment = { status: 'unassessable', reason: 'too-small' };
      return Promise.resolve(Object.fromEntries(Object.keys(sharpness.spec.dimensions).map((id) => [id, tooSmall])));
    }
    const { tiles, sigma } = frame.derive(tileSharpness);
    const tileScore = (some: Float32Array): Assessment => {
      const raw = quantile(some, 0.9);
      return { status: 'ok', raw, quality: quality(raw, TILE_P90), facts: { noiseRemoved: sigma, tiles: some.length } };
    };
    const whole = {
      'sharpness.tileP90': tileScore(tiles.slice()),
      'sharpness.edgeBlur': blurScore(frame.derive(edgeBlur)),
    };
    if (!frame.subject.found)
      return Promise.resolve({
        ...whole,
        'sharpness.subjectTileP90': { status: 'unassessable', reason: 'no-subject' },
        'sharpness.subjectEdgeBlur': { status: 'unassessable', reason: 'no-subject' },
      });
    const shares = frame.derive(subjectShares);
    const least = Math.min(SUBJECT_TILE, Math.max(...shares));
    return Promise.resolve({
      ...whole,
      'sharpness.subjectTileP90': tileScore(tiles.filter((_, k) => (shares[k] as number) >= least)),
      'sharpness.subjectEdgeBlur': blurScore(frame.derive(subjectEdgeBlur)),
    });
  },
};
