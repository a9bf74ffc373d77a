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

/** Area average to 32 x 32, exact for every size. */
function shrinkTo(data: Float32Array, width: number, height: number): Float64Array {
  const out = new Float64Array(SIDE * SIDE);
  const share = spans(width);
  const rows = spans(height);
  for (let v = 0; v < SIDE; v++)
    for (let u = 0; u < SIDE; u++) {
      const [x0, x1] = share[u] as Span;
      const [y0, y1] = rows[v] as Span;
      let sum = 0;
      for (let y = Math.floor(y0); y < y1; y++) {
        const tall = Math.min(y + 1, y1) - Math.max(y, y0);
        for (let x = Math.floor(x0); x < x1; x++)
          sum += tall * (Math.min(x + 1, x1) - Math.max(x, x0)) * (data[y * width + x] as number);
      }
      out[v * SIDE + u] = sum / ((x1 - x0) * (y1 - y0));
    }
  return out;
}

type Span = [from: number, to: number];
const spans = (length: number): Span[] =>
  Array.from({ length: SIDE }, (_, k) => [(k * length) / SIDE, ((k + 1) * length) / SIDE]);

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
