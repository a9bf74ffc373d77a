/**
 * What ComfyUI and its savers write into a picture besides its pixels: the whole graph with every prompt, as text chunks or EXIF. It is taken out
 * without decoding, so that not one pixel changes. The colour profile and the orientation stay.
 *
 * Sources: PNG (W3C, third edition) 5.3 and 11.3; WebP container (RFC 9649) 2.7; JPEG (ITU T.81) B.1.1; EXIF 2.32, 4.6.
 */
import { crc32 } from 'node:zlib';

const PNG = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

/**
 * The same picture without text, EXIF, XMP and IPTC; of EXIF the orientation stays where it turns the picture. Bytes that are no PNG, JPEG or
 * WebP, or a broken one, come back as they are.
 *
 * @example
 * const clean = withoutPrompt(await readFile('ComfyUI_00001_.png')); // pixels and colour profile are the same
 */
export function withoutPrompt(bytes: Buffer): Buffer {
  try {
    if (bytes.subarray(0, 8).equals(PNG)) return png(bytes);
    if (ascii(bytes, 0) === 'RIFF' && ascii(bytes, 8) === 'WEBP') return webp(bytes);
    if (bytes.readUInt16BE(0) === 0xffd8) return jpeg(bytes);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
  return bytes;
}

const ascii = (bytes: Buffer, at: number): string => bytes.toString('latin1', at, at + 4);

/** The part of the bytes that a length field promises. @throws RangeError where there are fewer */
function part(bytes: Buffer, from: number, to: number): Buffer {
  if (to > bytes.length) throw new RangeError('the picture ends too early');
  return bytes.subarray(from, to);
}

function png(bytes: Buffer): Buffer {
  const kept: Buffer[] = [PNG];
  for (let at = 8; ;) {
    const size = bytes.readUInt32BE(at);
    const type = ascii(bytes, at + 4);
    const chunk = part(bytes, at, at + size + 12);
    at += chunk.length;
    if (type === 'eXIf') {
      const turned = onlyOrientation(chunk.subarray(8, 8 + size));
      if (turned) kept.push(pngChunk(type, turned));
    } else if (!/^(tEXt|zTXt|iTXt)$/.test(type)) kept.push(chunk);
    // Whatever somebody hung on behind the end is no part of the picture.
    if (type === 'IEND') return Buffer.concat(kept);
  }
}

function pngChunk(type: string, data: Buffer): Buffer {
  const chunk = Buffer.alloc(data.length + 12);
  chunk.writeUInt32BE(data.length, 0);
  chunk.write(type, 4, 'latin1');
  data.copy(chunk, 8);
  chunk.writeUInt32BE(crc32(chunk.subarray(4, 8 + data.length)), 8 + data.length);
  return chunk;
}

const HAS_EXIF = 0x08;
const HAS_XMP = 0x04;

function webp(bytes: Buffer): Buffer {
  const kept: Buffer[] = [];
  let turned: Buffer | undefined;
  const end = part(bytes, 0, bytes.readUInt32LE(4) + 8).length;
  for (let at = 12; at < end;) {
    const type = ascii(bytes, at);
    const size = bytes.readUInt32LE(at + 4);
    const chunk = part(bytes, at, at + 8 + size + (size % 2));
    at += chunk.length;
    if (type === 'EXIF') {
      turned = onlyOrientation(chunk.subarray(8, 8 + size));
      if (turned) kept.push(webpChunk(type, turned));
    } else if (type !== 'XMP ') kept.push(Buffer.from(chunk));
  }
  for (const chunk of kept)
    if (ascii(chunk, 0) === 'VP8X') chunk[8] = ((chunk[8] ?? 0) & ~(HAS_EXIF | HAS_XMP)) | (turned ? HAS_EXIF : 0);
  const body = Buffer.concat(kept);
  const head = Buffer.from('RIFF\0\0\0\0WEBP', 'latin1');
  head.writeUInt32LE(body.length + 4, 4);
  return Buffer.concat([head, body]);
}

function webpChunk(type: string, data: Buffer): Buffer {
  const chunk = Buffer.alloc(8 + data.length + (data.length % 2));
  chunk.write(type, 0, 'latin1');
  chunk.writeUInt32LE(data.length, 4);
  data.copy(chunk, 8);
  return chunk;
}

const [APP1, APP13, COM, SOS] = [0xe1, 0xed, 0xfe, 0xda];
const EXIF = Buffer.from('Exif\0\0', 'latin1');

function jpeg(bytes: Buffer): Buffer {
  const kept: Buffer[] = [bytes.subarray(0, 2)];
  for (let at = 2; ;) {
    if (bytes.readUInt8(at) !== 0xff) throw new RangeError('there is no marker where one must be');
    const marker = bytes.readUInt8(at + 1);
    if (marker === SOS) return Buffer.concat([...kept, bytes.subarray(at)]);
    if (marker === 0xff) {
      at += 1;
      continue;
    }
    const segment = part(bytes, at, at + 2 + bytes.readUInt16BE(at + 2));
    at += segment.length;
    if (marker === APP1 && segment.subarray(4, 10).equals(EXIF)) {
      const turned = onlyOrientation(segment.subarray(10));
      if (turned) kept.push(jpegSegment(marker, Buffer.concat([EXIF, turned])));
    } else if (marker !== APP1 && marker !== APP13 && marker !== COM) kept.push(segment);
  }
}

function jpegSegment(marker: number, data: Buffer): Buffer {
  const head = Buffer.from([0xff, marker, 0, 0]);
  head.writeUInt16BE(data.length + 2, 2);
  return Buffer.concat([head, data]);
}

const ORIENTATION = 0x0112;
const SHORT = 3;

/** EXIF that says nothing but how the picture is turned; undefined where it is not turned, or cannot be read. */
function onlyOrientation(exif: Buffer): Buffer | undefined {
  const orientation = orientationIn(exif);
  if (orientation < 2 || orientation > 8) return undefined;
  // Header, one directory of one entry at byte 8, no next directory.
  const tiff = Buffer.alloc(26);
  tiff.write('MM\0*', 0, 'latin1');
  tiff.writeUInt32BE(8, 4);
  tiff.writeUInt16BE(1, 8);
  tiff.writeUInt16BE(ORIENTATION, 10);
  tiff.writeUInt16BE(SHORT, 12);
  tiff.writeUInt32BE(1, 14);
  tiff.writeUInt16BE(orientation, 18);
  return tiff;
}

function orientationIn(given: Buffer): number {
  // Some write the JPEG's header into a WebP as well.
  const exif = given.subarray(0, 6).equals(EXIF) ? given.subarray(6) : given;
  try {
    const isBig = exif.toString('latin1', 0, 2) === 'MM';
    const short = (at: number) => (isBig ? exif.readUInt16BE(at) : exif.readUInt16LE(at));
    const directory = isBig ? exif.readUInt32BE(4) : exif.readUInt32LE(4);
    for (let i = 0; i < short(directory); i++) {
      const entry = directory + 2 + i * 12;
      if (short(entry) === ORIENTATION) return short(entry + 8);
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
  return 1;
}
