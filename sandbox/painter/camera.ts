import sharp from 'sharp';
import { toLinear, toSrgb } from './colour.js';
import type { Plan } from './plan.js';
import { normalTable } from './random.js';

/** RGB, 3 bytes a pixel, rows from the top. */
export interface Pixels {
  readonly data: Buffer;
  readonly width: number;
  readonly height: number;
}

/** Grain that every sensor has; without it smooth gradients would show steps of one level. */
const GRAIN = 0.5;
/** Above this level the sensor is full, and grain does not show: white paper stays 255. */
const FULL = 252;

const LIGHT = Float64Array.from({ length: 256 }, (_, level) => toLinear(level));
let levels: Float32Array | undefined;

/** sRGB level of linear light k/65535; a step is at most 0.05 levels. */
function levelTable(): Float32Array {
  levels ??= Float32Array.from({ length: 65536 }, (_, i) => toSrgb(i / 65535));
  return levels;
}

/** Half a Gaussian kernel, from the centre out to 3.5 sigma, adding up to 1 over both sides. */
function kernelOf(sigma: number): Float64Array {
  const kernel = Float64Array.from({ length: Math.ceil(3.5 * sigma) + 1 }, (_, i) =>
    Math.exp((-0.5 * i * i) / (sigma * sigma)),
  );
  const sum = kernel.reduce((total, weight, i) => total + (i === 0 ? weight : 2 * weight), 0);
  return kernel.map((weight) => weight / sum);
}

/** sums[i] += weight * (from[one + i] + from[two + i]), for a whole row: memory is read in order. */
function add(sums: Float32Array, from: Float32Array, at: readonly [one: number, two: number], weight: number): void {
  const [one, two] = at;
  const length = sums.length;
  for (let i = 0; i < length; i++) {
    sums[i] = (sums[i] as number) + weight * ((from[one + i] as number) + (from[two + i] as number));
  }
}

/** Gaussian blur of interleaved RGB in linear light, edges repeated. */
function blur(light: Float32Array, size: { width: number; height: number }, sigma: number): void {
  const kernel = kernelOf(sigma);
  const reach = kernel.length - 1;
  const { width, height } = size;
  const row = width * 3;
  const pad = reach * 3;
  const padded = new Float32Array(row + 2 * pad);
  const sums = new Float32Array(row);
  const half = (kernel[0] ?? 1) / 2;
  for (let y = 0; y < height; y++) {
    const here = y * row;
    padded.set(light.subarray(here, here + row), pad);
    for (let i = 0; i < pad; i++) {
      padded[i] = light[here + (i % 3)] as number;
      padded[row + pad + i] = light[here + row - 3 + (i % 3)] as number;
    }
    sums.fill(0);
    add(sums, padded, [pad, pad], half);
    for (let k = 1; k <= reach; k++) add(sums, padded, [pad - 3 * k, pad + 3 * k], kernel[k] as number);
    light.set(sums, here);
  }
  const source = light.slice();
  for (let y = 0; y < height; y++) {
    sums.fill(0);
    add(sums, source, [y * row, y * row], half);
    for (let k = 1; k <= reach; k++) {
      add(sums, source, [Math.max(0, y - k) * row, Math.min(height - 1, y + k) * row], kernel[k] as number);
    }
    light.set(sums, y * row);
  }
}

/** Exposure, lens blur, clipping and colour cast: sRGB bytes in, sRGB levels with fractions out. */
function develop(pixels: Pixels, camera: Plan['camera'], sigma: number): Float32Array {
  const { data } = pixels;
  const { gain, cast } = camera;
  const out = new Float32Array(data.length);
  const table = levelTable();
  if (sigma > 0) {
    for (let i = 0; i < data.length; i++) out[i] = (LIGHT[data[i] as number] as number) * gain;
    blur(out, pixels, sigma);
    const [red, green, blue] = cast.map((share) => share * 65535) as [number, number, number];
    for (let i = 0; i + 2 < out.length; i += 3) {
      out[i] = table[(Math.min(1, out[i] as number) * red + 0.5) | 0] as number;
      out[i + 1] = table[(Math.min(1, out[i + 1] as number) * green + 0.5) | 0] as number;
      out[i + 2] = table[(Math.min(1, out[i + 2] as number) * blue + 0.5) | 0] as number;
    }
    return out;
  }
  const maps = cast.map((share) =>
    Float32Array.from({ length: 256 }, (_, v) =>
      gain * share === 1 ? v : toSrgb(Math.min(1, (LIGHT[v] as number) * gain) * share),
    ),
  );
  for (let channel = 0; channel < 3; channel++) {
    const map = maps[channel] as Float32Array;
    for (let i = channel; i < data.length; i += 3) out[i] = map[data[i] as number] as number;
  }
  return out;
}

/**
 * Takes the picture: exposure and blur act on light, the sensor clips, white balance casts, the sensor adds noise, and the file
 * is stored as JPEG where the plan says so.
 */
export async function shoot(pixels: Pixels, plan: Pick<Plan, 'camera' | 'random'>): Promise<Pixels> {
  const { width, height } = pixels;
  const { camera } = plan;
  const levelsOut = develop(pixels, camera, (camera.blurSigma * Math.max(width, height)) / 512);
  const normal = normalTable();
  const random = plan.random('grain');
  const sigma = Math.hypot(camera.noiseSigma, GRAIN);
  const noisy = camera.noiseSigma > 0;
  const data = Buffer.allocUnsafe(levelsOut.length);
  let word = 0;
  for (let i = 0; i < data.length; i++) {
    // Two samples per word, drawn for every sample, used or not: a pixel that differs never shifts the noise of the others.
    word = i % 2 === 0 ? random.u32() : word >>> 16;
    const level = levelsOut[i] as number;
    const value = noisy || level < FULL ? level + sigma * (normal[word & 0xffff] as number) : level;
    data[i] = value <= 0 ? 0 : value >= 255 ? 255 : (value + 0.5) | 0;
  }
  if (camera.jpegQuality === undefined) return { data, width, height };
  const stored = await sharp(data, { raw: { width, height, channels: 3 } })
    .jpeg({ quality: camera.jpegQuality, chromaSubsampling: '4:2:0', mozjpeg: false, optimiseCoding: false })
    .toBuffer();
  return { data: await sharp(stored).raw().toBuffer(), width, height };
}
