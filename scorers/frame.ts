import { createHash } from 'node:crypto';
import sharp from 'sharp';
import { messageOf } from '../errors.js';
import { colourPlanes, type ColourPlanes, type LabPlanes } from './image/colour.js';
import { pictureFormat } from './image/format.js';
import { findSubject, type Subject } from './image/subject.js';
import { noModels, type Models } from './models/models.js';

/** Long side of the working picture: measures that depend on scale are taken here, so that they compare across sizes. */
export const WORKING_SIDE = 512;
/** Above this many pixels an image is refused before it is decoded (a small file can claim any size). */
export const MAX_PIXELS = 64_000_000;
/** A native tile's side in pixels, and how many there are at most. */
export const TILE_SIDE = 128;
export const MAX_TILES = 16;

/** Interleaved sRGB bytes. */
export interface Picture {
  width: number;
  height: number;
  /** length = width * height * 3 */
  rgb: Uint8Array;
}

/** One plane of numbers, row by row. */
export interface Plane {
  width: number;
  height: number;
  data: Float32Array;
}

/** Where a native tile lies in the full-size picture, in pixels. */
export interface Tile {
  x: number;
  y: number;
  width: number;
  height: number;
}

export type Decoded =
  { ok: true; frame: Frame } | { ok: false; reason: 'undecodable' | 'too-large'; /** for people */ detail: string };

/**
 * One decoded image and all that is derived from it. Decoded once, upright, 8 bit sRGB; transparent pixels lie on white.
 * Everything derived is computed at most once, whoever asks first.
 */
export class Frame implements Picture {
  readonly width: number;
  readonly height: number;
  /** Upright, full size. */
  readonly rgb: Uint8Array;
  /** `png`, `jpeg`, `webp`, … as found in the bytes. */
  readonly format: string;
  /** Whether the file has an alpha channel (it was laid on white). */
  readonly hasAlpha: boolean;
  /** Of a file with transparent parts: 1 where the working picture is opaque, 0 where it is not. */
  readonly opaque: Uint8Array | undefined;
  /** Length of the file. */
  readonly bytes: number;
  /** sha256 of the file, hex. */
  readonly sha256: string;
  /** The picture at long side 512, antialiased, never enlarged; the full-size one where that is small enough. */
  readonly working: Picture;
  /** The models of the thread that measures; a pass that needs one asks here. */
  readonly models: Models;
  readonly #memo = new Map<unknown, unknown>();

  constructor(of: {
    picture: Picture;
    working: Picture;
    format: string;
    hasAlpha: boolean;
    opaque?: Uint8Array | undefined;
    bytes: number;
    sha256: string;
    models?: Models;
  }) {
    this.width = of.picture.width;
    this.height = of.picture.height;
    this.rgb = of.picture.rgb;
    this.working = of.working;
    this.format = of.format;
    this.hasAlpha = of.hasAlpha;
    this.opaque = of.opaque;
    this.bytes = of.bytes;
    this.sha256 = of.sha256;
    this.models = of.models ?? noModels;
  }

  /**
   * The value of `make(frame)`, computed once per frame; the function itself is the key. This is how scorers share passes. A pass
   * that answers with a promise (one with a model) is started once and awaited by all.
   *
   * @example
   * const sigma = frame.derive(noiseSigma);
   */
  derive<T>(make: (frame: Frame) => T): T {
    if (!this.#memo.has(make)) this.#memo.set(make, make(this));
    return this.#memo.get(make) as T;
  }

  /** Full-size pixels per working pixel, >= 1. */
  get scale(): number {
    return Math.max(this.width, this.height) / Math.max(this.working.width, this.working.height);
  }

  /** Grey 0..255 (BT.601 weights) of the working picture. */
  get luma(): Plane {
    return this.derive(workingLuma);
  }

  /** CIELAB of the working picture. */
  get lab(): LabPlanes {
    return this.derive(workingColour);
  }

  /** Linear luminance 0..1 (IEC 61966-2-1) of the working picture. */
  get light(): Plane {
    return this.derive(workingLight);
  }

  /** At most 16 tiles of 128 x 128 full-size pixels, spread evenly; their corners lie on the 8-pixel grid. */
  get tiles(): readonly Tile[] {
    return this.derive(spreadTiles);
  }

  /** What stands out from the border ring of the working picture. */
  get subject(): Subject {
    return this.derive(workingSubject);
  }

  /** sha256 over `width height` and the upright sRGB bytes, hex: equal means the same image, whatever the file. */
  get pixelSha256(): string {
    return this.derive(hashPixels);
  }
}

/**
 * Decodes any picture file that sharp reads: PNG, JPEG (CMYK too), WebP, GIF and AVIF (first frame), TIFF; no drawings (SVG). 16 bit is reduced to 8,
 * embedded profiles are converted to sRGB, EXIF orientation is applied. Never throws for what is in the bytes.
 *
 * @example
 * const decoded = await decodeFrame(await readFile('a.png'));
 * if (decoded.ok) console.log(decoded.frame.width, decoded.frame.subject.share);
 */
export async function decodeFrame(
  bytes: Uint8Array,
  { maxPixels = MAX_PIXELS, models = noModels }: { maxPixels?: number; models?: Models } = {},
): Promise<Decoded> {
  if (pictureFormat(bytes) === undefined)
    return { ok: false, reason: 'undecodable', detail: 'not a PNG, JPEG, WebP, GIF, TIFF or AVIF file' };
  try {
    const image = sharp(bytes, { limitInputPixels: maxPixels, failOn: 'error', pages: 1 });
    const meta = await image.metadata();
    if (meta.width * meta.height > maxPixels)
      return {
        ok: false,
        reason: 'too-large',
        detail: `${meta.width} x ${meta.height} is above ${maxPixels} pixels`,
      };
    const { data, info } = await image
      .autoOrient()
      .toColourspace('srgb')
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
    const { width, height, channels } = info;
    const raw = { raw: { width, height, channels }, limitInputPixels: false } as const;
    const flat = meta.hasAlpha ? await sharp(data, raw).flatten({ background: '#ffffff' }).raw().toBuffer() : data;
    const picture = { width, height, rgb: threeChannels(flat, meta.hasAlpha ? channels - 1 : channels) };
    const working = await shrink(picture);
    return {
      ok: true,
      frame: new Frame({
        picture,
        working,
        format: meta.format,
        hasAlpha: meta.hasAlpha,
        opaque: meta.hasAlpha ? opaquePart(data, { picture, working }) : undefined,
        bytes: bytes.byteLength,
        sha256: createHash('sha256').update(bytes).digest('hex'),
        models,
      }),
    };
  } catch (error) {
    const detail = messageOf(error);
    return { ok: false, reason: /exceeds pixel limit/i.test(detail) ? 'too-large' : 'undecodable', detail };
  }
}

/** From half opaque on, at the middle of each working pixel; undefined where nothing is transparent. `data`: alpha is the last channel. */
function opaquePart(
  data: Uint8Array,
  { picture, working }: { picture: Picture; working: Picture },
): Uint8Array | undefined {
  const channels = data.length / (picture.width * picture.height);
  const mask = new Uint8Array(working.width * working.height);
  for (let y = 0; y < working.height; y++) {
    const row = Math.floor(((y + 0.5) * picture.height) / working.height) * picture.width;
    for (let x = 0; x < working.width; x++) {
      const at = row + Math.floor(((x + 0.5) * picture.width) / working.width);
      mask[y * working.width + x] = (data[(at + 1) * channels - 1] as number) >= 128 ? 1 : 0;
    }
  }
  return mask.includes(0) ? mask : undefined;
}

function threeChannels(data: Uint8Array, channels: number): Uint8Array {
  if (channels === 3) return data;
  const n = data.length / channels;
  const rgb = new Uint8Array(n * 3);
  const green = channels >= 3 ? 1 : 0;
  const blue = channels >= 3 ? 2 : 0;
  for (let i = 0; i < n; i++) {
    rgb[3 * i] = data[i * channels] as number;
    rgb[3 * i + 1] = data[i * channels + green] as number;
    rgb[3 * i + 2] = data[i * channels + blue] as number;
  }
  return rgb;
}

async function shrink(picture: Picture): Promise<Picture> {
  const long = Math.max(picture.width, picture.height);
  if (long <= WORKING_SIDE) return picture;
  const width = Math.max(1, Math.round((picture.width * WORKING_SIDE) / long));
  const height = Math.max(1, Math.round((picture.height * WORKING_SIDE) / long));
  const rgb = await sharp(picture.rgb, {
    raw: { width: picture.width, height: picture.height, channels: 3 },
    limitInputPixels: false,
  })
    .resize({ width, height, fit: 'fill', kernel: 'lanczos3' })
    .raw()
    .toBuffer();
  return { width, height, rgb };
}

const weighted = (weight: number): Float64Array => Float64Array.from({ length: 256 }, (_, level) => weight * level);
const RED = weighted(0.299);
const GREEN = weighted(0.587);
const BLUE = weighted(0.114);

function workingLuma({ working: { width, height, rgb } }: Frame): Plane {
  const data = new Float32Array(width * height);
  for (let i = 0, p = 0; i < data.length; i++, p += 3)
    data[i] =
      (RED[rgb[p] as number] as number) +
      (GREEN[rgb[p + 1] as number] as number) +
      (BLUE[rgb[p + 2] as number] as number);
  return { width, height, data };
}

const workingColour = (frame: Frame): ColourPlanes => colourPlanes(frame.working.rgb);

const workingLight = (frame: Frame): Plane => ({
  width: frame.working.width,
  height: frame.working.height,
  data: frame.derive(workingColour).light,
});

const workingSubject = (frame: Frame): Subject => findSubject(frame.working, frame.lab);

function hashPixels({ width, height, rgb }: Frame): string {
  return createHash('sha256').update(`${width} ${height}\n`).update(rgb).digest('hex');
}

/** Evenly spread corners of at most `count` tiles along one side. */
function corners(length: number, count: number): number[] {
  const fit = Math.min(count, Math.max(1, Math.floor(length / TILE_SIDE)));
  const room = Math.max(0, length - TILE_SIDE);
  return Array.from({ length: fit }, (_, i) => (fit === 1 ? room / 2 : (room * i) / (fit - 1))).map(
    (at) => Math.floor(at / 8) * 8,
  );
}

function spreadTiles({ width, height }: Frame): Tile[] {
  const side = Math.sqrt(MAX_TILES);
  return corners(height, side).flatMap((y) =>
    corners(width, side).map((x) => ({
      x,
      y,
      width: Math.min(TILE_SIDE, width - x),
      height: Math.min(TILE_SIDE, height - y),
    })),
  );
}
