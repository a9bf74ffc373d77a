import sharp from 'sharp';
import type { Picture } from '../frame.js';
import type { Box } from '../image/geometry.js';
import { bicubic } from './bicubic.js';

interface Size {
  width: number;
  height: number;
}

/** What a model's image tower wants to see: `preprocessor_config.json` of its folder, read by `config.ts`. */
export interface ImageSpec {
  /** Pixels after resizing: of the shortest side (CLIP), or of both (SigLIP). */
  resize: { shortest: number } | Size;
  /** Middle part that is kept; absent: all of it. */
  crop?: Size;
  kernel: 'nearest' | 'linear' | 'cubic' | 'lanczos3';
  /** A byte times this is the value before mean and deviation. */
  rescale: number;
  /** Per channel: (value - mean) / std. */
  mean: readonly [number, number, number];
  std: readonly [number, number, number];
}

/** From so many times the target size on, libvips averages pixels before its cubic filter; a stop at three times keeps the filter's shape. */
const LARGE = 4;
const STOP = 3;
/** Pixels of the target that a filter of it reaches across, and one more. */
const MARGIN = 3;
/** Beyond this ratio of sides the ends are cut off before resizing: the crop never shows them, and 1 x 60,000 pixels would become 224 x 13 million. */
const LONGEST = 8;

/**
 * The pixels that an image tower sees, as bytes: resized with antialiasing, then cut to the middle. Follows CLIPImageProcessor and
 * SiglipImageProcessor of huggingface/transformers, which resize with Pillow; the difference is at most 0.5 of 255 on average
 * (test/scorers/clip/preprocess.test.ts). Where the resized picture is smaller than the crop, the rest is black, as there.
 *
 * @example
 * const { width, height, rgb } = await resizedFor(frame, spec); // 224 x 224
 */
export async function resizedFor(picture: Picture, { resize, crop, kernel }: ImageSpec): Promise<Picture> {
  const shown = 'shortest' in resize ? middle(picture) : picture;
  const target = 'shortest' in resize ? shortestSide(shown, resize.shortest) : resize;
  if (crop === undefined || crop.width > target.width || crop.height > target.height) {
    const whole = await resizedTo(shown, { target, kernel, part: { left: 0, top: 0, ...target } });
    return crop === undefined ? whole : centreCrop(whole, crop);
  }
  const left = Math.floor((target.width - crop.width) / 2);
  const top = Math.floor((target.height - crop.height) / 2);
  return resizedTo(shown, { target, kernel, part: { left, top, ...crop } });
}

/**
 * The input tensor of an image tower, 1 x 3 x height x width, planes in the order red, green, blue.
 *
 * @example
 * const { data, dims } = await pixelValues(frame, spec); // dims: [1, 3, 224, 224]
 */
export async function pixelValues(
  picture: Picture,
  spec: ImageSpec,
): Promise<{ data: Float32Array; dims: [number, number, number, number] }> {
  const { width, height, rgb } = await resizedFor(picture, spec);
  const plane = width * height;
  const data = new Float32Array(3 * plane);
  for (const channel of [0, 1, 2] as const) {
    const values = valuesOfBytes(spec, channel);
    const from = channel * plane;
    for (let i = 0, p = channel; i < plane; i++, p += 3) data[from + i] = values[rgb[p] as number] as number;
  }
  return { data, dims: [1, 3, height, width] };
}

const valuesOfBytes = ({ rescale, mean, std }: ImageSpec, channel: 0 | 1 | 2): Float32Array =>
  Float32Array.from({ length: 256 }, (_, byte) => (byte * rescale - mean[channel]) / std[channel]);

/** A part of the picture resized to `target`; only that part is computed. */
interface Resizing {
  target: Size;
  kernel: ImageSpec['kernel'];
  /** The middle of it. */
  part: Box;
}

async function resizedTo(picture: Picture, { target, kernel, part }: Resizing): Promise<Picture> {
  const { width, height } = target;
  if (kernel === 'cubic' && (width > picture.width || height > picture.height))
    return centreCrop(bicubic(picture, target), part);
  if (picture.width < LARGE * width && picture.height < LARGE * height)
    return bySharp(picture, { target, kernel, part });
  const stop = { width: Math.min(picture.width, STOP * width), height: Math.min(picture.height, STOP * height) };
  const [across, down] = [stop.width / width, stop.height / height];
  // Cut at whole pixels of the target, with a margin that the filter reaches: the bytes are those without the cut.
  const left = Math.max(0, part.left - MARGIN);
  const top = Math.max(0, part.top - MARGIN);
  const shown = {
    width: Math.min(width, part.left + part.width + MARGIN) - left,
    height: Math.min(height, part.top + part.height + MARGIN) - top,
  };
  const between = await bySharp(picture, {
    target: stop,
    kernel,
    part: {
      left: Math.round(left * across),
      top: Math.round(top * down),
      width: Math.round(shown.width * across),
      height: Math.round(shown.height * down),
    },
  });
  return bySharp(between, { target: shown, kernel, part: { ...part, left: part.left - left, top: part.top - top } });
}

/** libvips computes no row of the resized picture that is cut off after it. */
async function bySharp(picture: Picture, { target, kernel, part }: Resizing): Promise<Picture> {
  const raw = { width: picture.width, height: picture.height, channels: 3 } as const;
  const image = sharp(picture.rgb, { raw, limitInputPixels: false });
  return {
    width: part.width,
    height: part.height,
    rgb: await image
      .resize({ ...target, fit: 'fill', kernel })
      .extract(part)
      .raw()
      .toBuffer(),
  };
}

/** The reference rounds the longer side down. */
function shortestSide({ width, height }: Size, shortest: number): Size {
  const long = Math.floor((shortest * Math.max(width, height)) / Math.min(width, height));
  return width <= height ? { width: shortest, height: long } : { width: long, height: shortest };
}

const middle = (picture: Picture): Picture =>
  centreCrop(picture, {
    width: Math.min(picture.width, LONGEST * picture.height),
    height: Math.min(picture.height, LONGEST * picture.width),
  });

function centreCrop(picture: Picture, crop: Size): Picture {
  const { width, height, rgb } = picture;
  if (width === crop.width && height === crop.height) return picture;
  const left = Math.floor((width - crop.width) / 2);
  const top = Math.floor((height - crop.height) / 2);
  const [from, until] = [Math.max(0, left), Math.min(width, left + crop.width)];
  const out = new Uint8Array(crop.width * crop.height * 3);
  for (let y = Math.max(0, top); y < Math.min(height, top + crop.height); y++)
    out.set(rgb.subarray((y * width + from) * 3, (y * width + until) * 3), ((y - top) * crop.width + from - left) * 3);
  return { ...crop, rgb: out };
}
