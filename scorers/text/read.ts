import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Picture } from '../frame.js';
import type { Models } from '../models/models.js';
import type { Slanted } from './geometry.js';

/** What the network was trained on. */
const HEIGHT = 48;
/** Short lines are filled up to this width, as in training. */
const MIN_WIDTH = 320;
const MAX_WIDTH = 1920;
/** Samples per side that one pixel of a shrunk line is the mean of, at most. */
const MAX_SAMPLES = 8;

/** What a line says. */
export interface Reading {
  text: string;
  /** Mean probability of its characters, 0..1; 0 where there are none. */
  confidence: number;
}

/** The characters by class: blank, then the keys, then the space. */
const alphabets = new WeakMap<Models, Promise<readonly string[]>>();

function alphabetOf(models: Models): Promise<readonly string[]> {
  const known = alphabets.get(models);
  if (known !== undefined) return known;
  const fresh = (async () => {
    const keys = await readFile(join(await models.folder('textReading'), 'keys.txt'), 'utf8');
    return ['', ...keys.replace(/\r?\n$/, '').split(/\r?\n/), ' '];
  })();
  alphabets.set(models, fresh);
  fresh.catch(() => alphabets.delete(models));
  return fresh;
}

/**
 * Reads one line of a picture, by PP-OCRv4's recogniser.
 *
 * @throws Unassessable model-missing
 */
export async function readLine(models: Models, picture: Picture, box: Slanted): Promise<Reading> {
  const model = await models.open('textReading');
  const alphabet = await alphabetOf(models);
  const { data, width } = lineOf(picture, box);
  const outputs = await model.run({ x: { type: 'float32', data, dims: [1, 3, HEIGHT, width] } });
  const { data: found, dims } = outputs['softmax_11.tmp_0'] as { data: Float32Array; dims: readonly number[] };
  return decode(found, { steps: dims[1] ?? 0, alphabet });
}

/**
 * The line levelled, at height 48, blue green red, -1..1, each pixel the mean of what it covers; filled up with the middle of the range.
 */
function lineOf(
  { rgb, width: pictureWidth, height: pictureHeight }: Picture,
  { centre: [cx, cy], half: [a, b], along: [ux, uy] }: Slanted,
): { data: Float32Array; width: number } {
  const length = Math.max(1, Math.min(MAX_WIDTH, Math.round((HEIGHT * a) / b)));
  const width = Math.max(MIN_WIDTH, length);
  const samples = Math.max(1, Math.min(MAX_SAMPLES, Math.ceil((2 * b) / HEIGHT)));
  const data = new Float32Array(3 * HEIGHT * width);
  const clamp = (value: number, top: number): number => Math.max(0, Math.min(top, value));
  const plane = HEIGHT * width;
  const weight = 1 / (samples * samples * 127.5);
  for (let y = 0; y < HEIGHT; y++)
    for (let x = 0; x < length; x++) {
      let [red, green, blue] = [0, 0, 0];
      for (let j = 0; j < samples; j++)
        for (let i = 0; i < samples; i++) {
          const u = ((x + (i + 0.5) / samples) / length) * 2 * a - a;
          const v = ((y + (j + 0.5) / samples) / HEIGHT) * 2 * b - b;
          // bilinear; outside, the nearest pixel
          const px = clamp(cx + u * ux - v * uy - 0.5, pictureWidth - 1);
          const py = clamp(cy + u * uy + v * ux - 0.5, pictureHeight - 1);
          const [x0, y0] = [Math.floor(px), Math.floor(py)];
          const [fx, fy] = [px - x0, py - y0];
          const right = x0 + 1 < pictureWidth ? 3 : 0;
          const below = y0 + 1 < pictureHeight ? 3 * pictureWidth : 0;
          const at = 3 * (y0 * pictureWidth + x0);
          const [w00, w10, w01, w11] = [(1 - fx) * (1 - fy), fx * (1 - fy), (1 - fx) * fy, fx * fy];
          const level = (c: number): number =>
            w00 * (rgb[at + c] as number) +
            w10 * (rgb[at + right + c] as number) +
            w01 * (rgb[at + below + c] as number) +
            w11 * (rgb[at + right + below + c] as number);
          red += level(0);
          green += level(1);
          blue += level(2);
        }
      const to = y * width + x;
      data[to] = blue * weight - 1;
      data[plane + to] = green * weight - 1;
      data[2 * plane + to] = red * weight - 1;
    }
  return { data, width };
}

/**
 * Connectionist temporal classification, the best path: per step the likeliest class; repeats are one, blanks fall away.
 *
 * @param found steps x classes, probabilities
 * @example
 * decode(Float32Array.of(0, 1, 0, 0, 1, 0, 1, 0, 0, 0, 1, 0), { steps: 4, alphabet: ['', 'a', 'b'] }); // { text: 'aa', confidence: 1 }
 */
export function decode(
  found: Float32Array,
  { steps, alphabet }: { steps: number; alphabet: readonly string[] },
): Reading {
  const classes = alphabet.length;
  let [text, sum, count, before] = ['', 0, 0, 0];
  for (let step = 0; step < steps; step++) {
    let best = 0;
    for (let k = 1; k < classes; k++)
      if ((found[step * classes + k] as number) > (found[step * classes + best] as number)) best = k;
    if (best !== 0 && best !== before) {
      text += alphabet[best] as string;
      sum += found[step * classes + best] as number;
      count++;
    }
    before = best;
  }
  return { text, confidence: count === 0 ? 0 : sum / count };
}
