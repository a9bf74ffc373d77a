import { setImmediate as breathe } from 'node:timers/promises';
import type { Picture } from './values.js';

/** Seeded generator of 32-bit numbers (sfc32 by Chris Doty-Humphrey), warmed up. Same seed, same numbers everywhere. */
export function generator(seed: number): () => number {
  let a = Math.floor(seed / 2 ** 32) >>> 0;
  let b = (seed % 2 ** 32) >>> 0;
  let c = 0x9e3779b9;
  let count = 1;
  const next = (): number => {
    const sum = (a + b + count) >>> 0;
    count = (count + 1) >>> 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) >>> 0;
    c = ((c << 21) | (c >>> 11)) + sum;
    c >>>= 0;
    return sum;
  };
  for (let i = 0; i < 15; i++) next();
  return next;
}

/** Adds Gaussian noise of `strength` (in units of full scale) to every sample. */
export function addNoise(picture: Picture, { next, strength }: { next: () => number; strength: number }): Picture {
  const data = Buffer.allocUnsafe(picture.data.length);
  for (let i = 0; i < data.length; i += 2) {
    const radius = Math.sqrt(-2 * Math.log((next() + 1) / 4294967296)) * strength * 255;
    const angle = (next() / 4294967296) * 2 * Math.PI;
    data[i] = level((picture.data[i] ?? 0) + radius * Math.cos(angle));
    if (i + 1 < data.length) data[i + 1] = level((picture.data[i + 1] ?? 0) + radius * Math.sin(angle));
  }
  return { width: picture.width, height: picture.height, data };
}

function level(value: number): number {
  return value < 0 ? 0 : value > 255 ? 255 : Math.round(value);
}

function kernel(radius: number, sigma: number): Float64Array {
  const weights = Float64Array.from({ length: 2 * radius + 1 }, (_, i) =>
    Math.exp(-((i - radius) ** 2) / (2 * sigma * sigma)),
  );
  const sum = weights.reduce((a, b) => a + b, 0);
  return weights.map((w) => w / sum);
}

/** Index folded back at the borders, the edge itself not repeated. */
function reflect(i: number, size: number): number {
  if (size === 1) return 0;
  const period = 2 * (size - 1);
  const at = ((i % period) + period) % period;
  return at < size ? at : period - at;
}

/** Adds `from`, starting at `offset`, times a weight to each sample of `sum`. */
function accumulate(
  sum: Float32Array,
  from: Float32Array,
  { offset, weight }: { offset: number; weight: number },
): void {
  for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] ?? 0) + weight * (from[offset + i] ?? 0);
}

/** Gaussian blur with a (2 * radius + 1) wide kernel, borders mirrored. Lets other work in between the rows. */
export async function blur(picture: Picture, { radius, sigma }: { radius: number; sigma: number }): Promise<Picture> {
  const { width, height, data } = picture;
  const weights = kernel(radius, sigma);
  const stride = width * 3;
  const padded = new Float32Array((width + 2 * radius) * 3);
  const across = new Float32Array(data.length);
  for (let y = 0; y < height; y++) {
    if (y % 16 === 15) await breathe();
    for (let x = -radius; x < width + radius; x++) {
      const from = y * stride + reflect(x, width) * 3;
      for (let c = 0; c < 3; c++) padded[(x + radius) * 3 + c] = data[from + c] ?? 0;
    }
    const row = across.subarray(y * stride, (y + 1) * stride);
    weights.forEach((weight, k) => accumulate(row, padded, { offset: k * 3, weight }));
  }
  const out = Buffer.allocUnsafe(data.length);
  const row = new Float32Array(stride);
  for (let y = 0; y < height; y++) {
    if (y % 16 === 15) await breathe();
    row.fill(0);
    weights.forEach((weight, k) => {
      accumulate(row, across, { offset: reflect(y + k - radius, height) * stride, weight });
    });
    for (let i = 0; i < stride; i++) out[y * stride + i] = level(row[i] ?? 0);
  }
  return { width, height, data: out };
}
