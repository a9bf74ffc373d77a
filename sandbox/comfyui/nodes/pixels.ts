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

/** Gaussian blur with a (2 * radius + 1) wide kernel, borders mirrored. Lets other work in between the rows. */
export async function blur(picture: Picture, { radius, sigma }: { radius: number; sigma: number }): Promise<Picture> {
  const { width, height } = picture;
  const weights = kernel(radius, sigma);
  const pass = async (from: ArrayLike<number>, to: Float32Array, along: 'x' | 'y'): Promise<void> => {
    for (let y = 0; y < height; y++) {
      if (y % 64 === 63) await breathe();
      for (let x = 0; x < width; x++) {
        let r = 0;
        let g = 0;
        let b = 0;
        for (let k = -radius; k <= radius; k++) {
          const w = weights[k + radius] ?? 0;
          const at = along === 'x' ? y * width + reflect(x + k, width) : reflect(y + k, height) * width + x;
          r += w * (from[at * 3] ?? 0);
          g += w * (from[at * 3 + 1] ?? 0);
          b += w * (from[at * 3 + 2] ?? 0);
        }
        const to3 = (y * width + x) * 3;
        to[to3] = r;
        to[to3 + 1] = g;
        to[to3 + 2] = b;
      }
    }
  };
  const across = new Float32Array(picture.data.length);
  const both = new Float32Array(picture.data.length);
  await pass(picture.data, across, 'x');
  await pass(across, both, 'y');
  return { width, height, data: Buffer.from(Uint8Array.from(both, level)) };
}
