import sharp from 'sharp';
import { num } from '../painter/brush.js';
import type { Point } from './regions.js';

/** RGB, 3 bytes a pixel, rows from the top. */
export interface Picture {
  readonly data: Buffer;
  readonly width: number;
  readonly height: number;
}

/** One byte a pixel: 255 is inside. */
export interface Mask {
  readonly data: Buffer;
  readonly width: number;
  readonly height: number;
}

type Size = { readonly width: number; readonly height: number };

const svg = ({ width, height }: Size, body: string): Buffer =>
  Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${body}</svg>`);

/** Where an outline turns by more than this (cosine), it has a corner. */
const CORNER = 0.5;

/** A closed outline through the points, smooth but for its corners (Catmull-Rom as Bezier curves). */
export function outline(points: readonly Point[]): string {
  const at = (i: number): Point => points[(i + points.length) % points.length] as Point;
  const pair = (x: number, y: number): string => `${num(x)} ${num(y)}`;
  const tangent = (i: number): Point => {
    const [before, here, after] = [at(i - 1), at(i), at(i + 1)];
    const [one, two] = [
      [here[0] - before[0], here[1] - before[1]],
      [after[0] - here[0], after[1] - here[1]],
    ] as [Point, Point];
    const turn = (one[0] * two[0] + one[1] * two[1]) / (Math.hypot(...one) * Math.hypot(...two));
    return turn < CORNER ? [0, 0] : [(after[0] - before[0]) / 6, (after[1] - before[1]) / 6];
  };
  const curves = points.map((from, i) => {
    const [to, leaving, arriving] = [at(i + 1), tangent(i), tangent(i + 1)];
    const [one, two] = [
      pair(from[0] + leaving[0], from[1] + leaving[1]),
      pair(to[0] - arriving[0], to[1] - arriving[1]),
    ];
    return `C${one} ${two} ${pair(to[0], to[1])}`;
  });
  return `M${pair(at(0)[0], at(0)[1])}${curves.join('')}Z`;
}

/** White shapes on black as a mask; `feather`: sigma of the soft edge in pixels. */
export async function maskOf(size: Size, shapes: string, feather: number): Promise<Mask> {
  const drawn = sharp(svg(size, `<rect width="100%" height="100%"/><g fill="#fff">${shapes}</g>`)).removeAlpha();
  const soft = feather >= 0.3 ? drawn.blur(feather) : drawn;
  const { data, info } = await soft.toColourspace('b-w').raw().toBuffer({ resolveWithObject: true });
  if (info.channels === 1) return { data, ...pick(size) };
  return { data: Buffer.from(data.filter((_, i) => i % info.channels === 0)), ...pick(size) };
}

const pick = ({ width, height }: Size): Size => ({ width, height });

/** A drawing as a picture of its own. */
export async function drawn(size: Size, body: string): Promise<Picture> {
  const data = await sharp(svg(size, body)).removeAlpha().toColourspace('srgb').raw().toBuffer();
  return { data, ...pick(size) };
}

/** Shapes drawn over a picture. */
export async function over(picture: Picture, body: string): Promise<Picture> {
  const { width, height } = picture;
  const data = await sharp(picture.data, { raw: { width, height, channels: 3 } })
    .composite([{ input: svg(picture, body) }])
    .removeAlpha()
    .raw()
    .toBuffer();
  return { data, width, height };
}

/** `inside` where the mask is white, `outside` where it is black. */
export function blended(outside: Picture, inside: Buffer, mask: Mask): Picture {
  const data = Buffer.from(outside.data);
  for (let i = 0; i < mask.data.length; i++) {
    const share = mask.data[i] as number;
    if (share === 0) continue;
    for (let p = 3 * i; p < 3 * i + 3; p++) {
      const under = outside.data[p] as number;
      data[p] = Math.round(under + (((inside[p] as number) - under) * share) / 255);
    }
  }
  return { data, width: outside.width, height: outside.height };
}

/** A Gaussian blur of the whole picture, in sRGB. */
export async function softened(picture: Picture, sigma: number): Promise<Buffer> {
  const { width, height } = picture;
  if (sigma < 0.3) return picture.data;
  return sharp(picture.data, { raw: { width, height, channels: 3 } })
    .blur(sigma)
    .raw()
    .toBuffer();
}
