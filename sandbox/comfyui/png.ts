import { promisify } from 'node:util';
import { crc32, deflate, deflateRaw } from 'node:zlib';
import { encodeJson } from './json.js';

const deflated = promisify<Buffer, { level: number }, Buffer>(deflate);
const deflatedRaw = promisify<Buffer, { level: number }, Buffer>(deflateRaw);

export const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
const ADLER_PRIME = 65521;

/** Size and RGB samples (8 bits, row by row) of a picture. */
export interface Raster {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

/** The parts of a PNG that depend on pixels only: its IDAT chunks, ready to be written. */
export interface EncodedPixels {
  readonly width: number;
  readonly height: number;
  readonly chunks: readonly Buffer[];
}

export function chunk(type: string, body: Uint8Array): Buffer {
  const out = Buffer.allocUnsafe(body.length + 12);
  out.writeUInt32BE(body.length, 0);
  out.write(type, 4, 'latin1');
  out.set(body, 8);
  out.writeUInt32BE(crc32(out.subarray(4, 8 + body.length)), 8 + body.length);
  return out;
}

/** Scanlines with their filter byte: none for the first, Sub for the second (so that neither needs the first), Up below. */
function filtered({ width, height, data }: Raster): Buffer {
  const stride = width * 3;
  const out = Buffer.allocUnsafe(height * (stride + 1));
  for (let y = 0; y < height; y++) {
    const to = y * (stride + 1);
    const from = y * stride;
    out[to] = Math.min(y, 2);
    for (let i = 0; i < stride; i++) {
      const left = y === 1 && i >= 3 ? (data[from + i - 3] ?? 0) : 0;
      const above = y >= 2 ? (data[from + i - stride] ?? 0) : 0;
      out[to + 1 + i] = (data[from + i] ?? 0) - left - above;
    }
  }
  return out;
}

/** Compresses the pixels; `level` is zlib's 0..9 (ComfyUI saves with 4, previews with 1). */
export async function encodePixels(raster: Raster, level: number): Promise<EncodedPixels> {
  const { width, height } = raster;
  return { width, height, chunks: [chunk('IDAT', await deflated(filtered(raster), { level }))] };
}

function adler32(bytes: Uint8Array): number {
  let a = 1;
  let b = 0;
  for (const byte of bytes) {
    a = (a + byte) % ADLER_PRIME;
    b = (b + a) % ADLER_PRIME;
  }
  return b * 65536 + a;
}

/** Checksum of two runs of bytes laid end to end, from their own (the formula of zlib's adler32_combine). */
function joinAdler(first: number, second: number, secondLength: number): number {
  const [a1, b1] = [first % 65536, Math.floor(first / 65536)];
  const [a2, b2] = [second % 65536, Math.floor(second / 65536)];
  const a = (a1 + a2 + ADLER_PRIME - 1) % ADLER_PRIME;
  const b = (b1 + b2 + (secondLength % ADLER_PRIME) * (a1 + ADLER_PRIME - 1)) % ADLER_PRIME;
  return b * 65536 + a;
}

/** A picture whose first row can be replaced without compressing the rest again. */
export interface Template {
  readonly raster: Raster;
  readonly rest: Buffer;
  readonly restAdler: number;
  readonly restLength: number;
}

export async function prepareTemplate(raster: Raster): Promise<Template> {
  const rest = filtered(raster).subarray(raster.width * 3 + 1);
  const packed = await deflatedRaw(rest, { level: 6 });
  return { raster, rest: chunk('IDAT', packed), restAdler: adler32(rest), restLength: rest.length };
}

/** The template with another first row (`width * 3` samples): a few microseconds, against milliseconds for a full encoding. */
export function withFirstRow(template: Template, row: Uint8Array): EncodedPixels {
  const line = Buffer.concat([Buffer.from([0]), row]);
  const head = Buffer.alloc(7);
  head.writeUInt16BE(0x789c, 0); // zlib header
  head[2] = 0; // a stored block, not the last
  head.writeUInt16LE(line.length, 3);
  head.writeUInt16LE(~line.length & 0xffff, 5);
  const check = Buffer.alloc(4);
  check.writeUInt32BE(joinAdler(adler32(line), template.restAdler, template.restLength), 0);
  const { width, height } = template.raster;
  const chunks = [chunk('IDAT', Buffer.concat([head, line])), template.rest, chunk('IDAT', check)];
  return { width, height, chunks };
}

/** JSON with everything beyond ASCII escaped, as Python writes it: fits a tEXt chunk. */
function asciiJson(value: unknown): string {
  return encodeJson(value).replace(/[\u007f-\uffff]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** A whole PNG file; each entry of `texts` becomes a tEXt chunk holding JSON, in front of the pixels. */
export function assemblePng(pixels: EncodedPixels, texts: Readonly<Record<string, unknown>>): Buffer {
  const header = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 8, 2, 0, 0, 0]); // 8 bits, RGB
  header.writeUInt32BE(pixels.width, 0);
  header.writeUInt32BE(pixels.height, 4);
  const notes = Object.entries(texts).map(([key, value]) =>
    chunk('tEXt', Buffer.from(`${key}\0${asciiJson(value)}`, 'latin1')),
  );
  return Buffer.concat([SIGNATURE, chunk('IHDR', header), ...notes, ...pixels.chunks, chunk('IEND', Buffer.alloc(0))]);
}

/** A PNG with the text chunks of another in front of its pixels. */
export function withTextsOf(png: Buffer, other: Buffer): Buffer {
  const texts: Buffer[] = [];
  if (other.subarray(0, 8).equals(SIGNATURE)) {
    for (let at = 8; at + 12 <= other.length; at += other.readUInt32BE(at) + 12) {
      if (/^(tEXt|zTXt|iTXt)$/.test(other.toString('latin1', at + 4, at + 8))) {
        texts.push(other.subarray(at, at + other.readUInt32BE(at) + 12));
      }
    }
  }
  const head = SIGNATURE.length + 25; // IHDR is always first, and of this length
  return Buffer.concat([png.subarray(0, head), ...texts, png.subarray(head)]);
}
