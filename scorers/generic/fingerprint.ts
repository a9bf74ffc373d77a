import type { Frame } from '../frame.js';
import { dctMatrix } from '../image/dct.js';
import type { Scorer } from '../scorer.js';

const SIDE = 32;
const KEPT = 8;
const DCT = dctMatrix(SIDE);

/**
 * 64-bit perceptual hash, 16 hex digits: 32 x 32 grey by area averaging, DCT-II, the top left 8 x 8 coefficients, bit = above
 * the median of them (the constant one left out of the median). Equal pictures at any size or encoding differ by few bits.
 * Source: Zauner, "Implementation and Benchmarking of Perceptual Image Hash Functions" (2010); phash.org.
 *
 * @example
 * perceptualHash(frame); // 'c3d4a5962b1e7f08'
 */
export function perceptualHash({ luma }: Frame): string {
  const grey = shrinkTo(luma.data, luma.width, luma.height);
  const half = new Float64Array(KEPT * SIDE);
  for (let u = 0; u < KEPT; u++)
    for (let y = 0; y < SIDE; y++) {
      let sum = 0;
      for (let x = 0; x < SIDE; x++) sum += (DCT[u * SIDE + x] as number) * (grey[y * SIDE + x] as number);
      half[u * SIDE + y] = sum;
    }
  const low: number[] = [];
  for (let v = 0; v < KEPT; v++)
    for (let u = 0; u < KEPT; u++) {
      let sum = 0;
      for (let y = 0; y < SIDE; y++) sum += (DCT[v * SIDE + y] as number) * (half[u * SIDE + y] as number);
      low.push(sum);
    }
  const sorted = low.slice(1).sort((a, b) => a - b);
  const median = sorted[sorted.length >> 1] as number;
  let hex = '';
  for (let i = 0; i < 64; i += 4) {
    let digit = 0;
    for (let k = 0; k < 4; k++) digit = digit * 2 + ((low[i + k] as number) > median ? 1 : 0);
    hex += digit.toString(16);
  }
  return hex;
}

/** Area average to 32 x 32, exact for every size: along rows first, each row then shared out over the rows of the result. */
function shrinkTo(data: Float32Array, width: number, height: number): Float64Array {
  const out = new Float64Array(SIDE * SIDE);
  const row = new Float64Array(SIDE);
  for (let y = 0; y < height; y++) {
    for (let u = 0; u < SIDE; u++) {
      const [x0, x1] = [(u * width) / SIDE, ((u + 1) * width) / SIDE];
      const [first, last] = [Math.floor(x0), Math.ceil(x1) - 1];
      let sum = 0;
      for (let i = y * width + first, end = y * width + last; i <= end; i++) sum += data[i] as number;
      sum -= (x0 - first) * (data[y * width + first] as number) + (last + 1 - x1) * (data[y * width + last] as number);
      row[u] = sum;
    }
    for (let v = Math.floor((y * SIDE) / height); v < SIDE && (v * height) / SIDE < y + 1; v++) {
      const tall = Math.min(y + 1, ((v + 1) * height) / SIDE) - Math.max(y, (v * height) / SIDE);
      if (tall <= 0) continue;
      for (let u = 0; u < SIDE; u++) out[v * SIDE + u] = (out[v * SIDE + u] as number) + tall * (row[u] as number);
    }
  }
  const area = (width * height) / SIDE ** 2;
  for (let i = 0; i < out.length; i++) out[i] = (out[i] as number) / area;
  return out;
}

function popCount(bits: bigint): number {
  let count = 0;
  for (; bits > 0n; bits &= bits - 1n) count++;
  return count;
}

/** Facts that tell two pictures apart; distances between them belong to the selection. */
export const fingerprint: Scorer = {
  spec: {
    id: 'fingerprint',
    version: '1.0.0',
    tier: 'generic',
    cost: 'cheap',
    models: [],
    source: 'Zauner, Implementation and Benchmarking of Perceptual Image Hash Functions, 2010 (pHash)',
    dimensions: {
      'fingerprint.phash': {
        direction: 'target',
        unit: 'bits set',
        range: [0, 64],
        about: 'The hash itself is the fact `hex`; the number says nothing good or bad.',
      },
    },
  },
  assess(frame) {
    const hex = perceptualHash(frame);
    const raw = popCount(BigInt(`0x${hex}`));
    return Promise.resolve({
      'fingerprint.phash': { status: 'ok', raw, quality: 100, facts: { hex, pixelSha256: frame.pixelSha256 } },
    });
  },
};
