/** The texture of a region as histograms that do not depend on its size, its colour or the exposure. */
import sharp from 'sharp';
import type { Frame } from '../frame.js';
import { labPlanes } from './colour.js';
import { boxBlur, quantile } from './filters.js';
import { eroded } from './morphology.js';
import type { Region } from './region.js';

/** The region's box is brought to this long side, so that the same garment nearer or farther gives the same numbers. */
const SIDE = 256;
const LEVELS = 3;
/** Everything is measured this many pixels inside of the region. */
const INSIDE = 3;
/** Contrast in shares of the region's own lightness (x 50): bins end here. */
const CONTRASTS = [0.5, 1, 2, 4, 8, 16] as const;
/** A gradient of this size counts fully as an edge; a neighbour is brighter from the second number on. */
const EDGE = 4;
const BRIGHTER = 2;
const TURNS = 8;
const LEAST_PIXELS = 200;

/** One set per level of the pyramid; every histogram adds up to 1. */
export interface TextureLevel {
  /** Share of pixels by difference from their 5 x 5 surroundings. */
  contrast: Float64Array;
  /** Share of edges by direction (8 bins over 180 degrees), and at the end the share that is flat. */
  directions: Float64Array;
  /** Rotation invariant uniform local binary patterns. */
  patterns: Float64Array;
}

/**
 * Multi-scale texture of a region: histograms of local contrast, of gradient directions (Dalal and Triggs, CVPR 2005) and of rotation invariant
 * uniform local binary patterns (Ojala, Pietikäinen, Mäenpää, PAMI 24, 2002; a neighbour counts from a threshold on, so that plain cloth
 * is plain), at long sides of 256, 128 and 64 pixels of the region's box. Empty where the region is too small.
 *
 * @example
 * textureDistance(await textureOf(a, regionA), await textureOf(b, regionB)); // 0.04
 */
export async function textureOf(frame: Frame, region: Region): Promise<TextureLevel[]> {
  const { box, area } = region;
  if (area === 0) return [];
  const scale = frame.width / region.width;
  const left = Math.floor(box.left * scale);
  const top = Math.floor((box.top * frame.height) / region.height);
  const cropWidth = Math.min(frame.width - left, Math.max(1, Math.round((box.right - box.left + 1) * scale)));
  const cropHeight = Math.min(
    frame.height - top,
    Math.max(1, Math.round(((box.bottom - box.top + 1) * frame.height) / region.height)),
  );
  const shrink = SIDE / Math.max(cropWidth, cropHeight);
  const width = Math.max(1, Math.round(cropWidth * shrink));
  const height = Math.max(1, Math.round(cropHeight * shrink));
  const rgb = await sharp(frame.rgb, {
    raw: { width: frame.width, height: frame.height, channels: 3 },
    limitInputPixels: false,
  })
    .extract({ left, top, width: cropWidth, height: cropHeight })
    .resize({ width, height, fit: 'fill', kernel: 'cubic' })
    .raw()
    .toBuffer();
  const mask = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    const row = Math.min(box.bottom, box.top + Math.floor((y * (box.bottom - box.top + 1)) / height)) * region.width;
    for (let x = 0; x < width; x++) {
      const from = Math.min(box.right, box.left + Math.floor((x * (box.right - box.left + 1)) / width));
      mask[y * width + x] = region.mask[row + from] as number;
    }
  }
  // exposure scales L* + 16 by one factor: over the region's own median it falls out
  const tone = labPlanes(rgb).l.map((l) => l + 16);
  const median = quantile(
    tone.filter((_, i) => mask[i] === 1),
    0.5,
  );
  let level: Level = { width, height, tone: tone.map((v) => (50 * v) / Math.max(1, median)), mask };
  const levels: TextureLevel[] = [];
  for (let k = 0; k < LEVELS; k++) {
    const found = measure(level);
    if (found === undefined) break;
    levels.push(found);
    level = halved(level);
  }
  return levels;
}

/**
 * 0 for the same texture, 1 where no bin is shared: the mean over levels and kinds of the chi-square distance of the histograms,
 * `0.5 * sum((p - q)^2 / (p + q))`. A mirrored texture is the same texture. NaN where one is empty.
 */
export function textureDistance(one: readonly TextureLevel[], two: readonly TextureLevel[]): number {
  const levels = Math.min(one.length, two.length);
  let sum = 0;
  for (let k = 0; k < levels; k++) {
    const [a, b] = [one[k] as TextureLevel, two[k] as TextureLevel];
    sum +=
      chiSquare(a.contrast, b.contrast) +
      Math.min(chiSquare(a.directions, b.directions), chiSquare(a.directions, mirrored(b.directions))) +
      chiSquare(a.patterns, b.patterns);
  }
  return levels === 0 ? Number.NaN : sum / (3 * levels);
}

function chiSquare(p: Float64Array, q: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < p.length; i++) {
    const [a, b] = [p[i] as number, q[i] as number];
    if (a + b > 0) sum += (a - b) ** 2 / (a + b);
  }
  return sum / 2;
}

/** Direction k of 8 becomes direction 8 - k; what is flat stays. */
const mirrored = (directions: Float64Array): Float64Array =>
  directions.map((_, i) => directions[i === TURNS ? TURNS : (TURNS - i) % TURNS] as number);

interface Level {
  width: number;
  height: number;
  tone: Float32Array;
  mask: Uint8Array;
}

function halved({ width, height, tone, mask }: Level): Level {
  const half = { width: width >> 1, height: height >> 1 };
  const out: Level = {
    ...half,
    tone: new Float32Array(half.width * half.height),
    mask: new Uint8Array(half.width * half.height),
  };
  for (let y = 0; y < half.height; y++)
    for (let x = 0; x < half.width; x++) {
      const i = 2 * y * width + 2 * x;
      const at = y * half.width + x;
      const four = [i, i + 1, i + width, i + width + 1];
      out.tone[at] = four.reduce((sum, k) => sum + (tone[k] as number), 0) / 4;
      out.mask[at] = four.every((k) => mask[k] === 1) ? 1 : 0;
    }
  return out;
}

/** The eight neighbours in turn, starting at the right. */
const AROUND = [
  [1, 0],
  [1, 1],
  [0, 1],
  [-1, 1],
  [-1, 0],
  [-1, -1],
  [0, -1],
  [1, -1],
] as const;

function measure({ width, height, tone, mask }: Level): TextureLevel | undefined {
  const inside = eroded({ width, height, data: mask }, INSIDE);
  const smooth = boxBlur({ width, height, data: tone }, 2);
  const contrast = new Float64Array(CONTRASTS.length + 1);
  const directions = new Float64Array(TURNS + 1);
  const patterns = new Float64Array(10);
  let total = 0;
  for (let y = 1; y < height - 1; y++)
    for (let i = y * width + 1, end = (y + 1) * width - 1; i < end; i++) {
      if (inside[i] !== 1) continue;
      total++;
      const here = tone[i] as number;
      const difference = Math.abs(here - (smooth[i] as number));
      let bin = 0;
      while (bin < CONTRASTS.length && difference >= (CONTRASTS[bin] as number)) bin++;
      add(contrast, bin, 1);

      const gx = ((tone[i + 1] as number) - (tone[i - 1] as number)) / 2;
      const gy = ((tone[i + width] as number) - (tone[i - width] as number)) / 2;
      const weight = Math.min(1, Math.hypot(gx, gy) / EDGE);
      const turn = ((Math.atan2(gy, gx) / Math.PI + 1) % 1) * TURNS;
      const low = Math.floor(turn) % TURNS;
      add(directions, low, weight * (1 - (turn - Math.floor(turn))));
      add(directions, (low + 1) % TURNS, weight * (turn - Math.floor(turn)));
      add(directions, TURNS, 1 - weight);

      let [brighter, changes, last] = [0, 0, isBrighter(tone[i - width + 1] as number, here)];
      for (const [dx, dy] of AROUND) {
        const next = isBrighter(tone[i + dy * width + dx] as number, here);
        if (next) brighter++;
        if (next !== last) changes++;
        last = next;
      }
      add(patterns, changes <= 2 ? brighter : 9, 1);
    }
  if (total < LEAST_PIXELS) return undefined;
  for (const histogram of [contrast, directions, patterns])
    for (let k = 0; k < histogram.length; k++) histogram[k] = (histogram[k] as number) / total;
  return { contrast, directions, patterns };
}

const isBrighter = (neighbour: number, here: number): boolean => neighbour - here >= BRIGHTER;

function add(histogram: Float64Array, bin: number, amount: number): void {
  histogram[bin] = (histogram[bin] as number) + amount;
}
