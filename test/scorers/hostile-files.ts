/** Files that break decoders, or try to: what a stranger may upload. */
import { crc32, deflateSync, gzipSync } from 'node:zlib';
import sharp, { type Sharp } from 'sharp';
import { assembleApng } from '../../sandbox/comfyui/apng.js';
import { SIGNATURE } from '../../sandbox/comfyui/png.js';
import { disc, noisy } from './synthetic.js';

/** A disc with some grain, 160 x 160: every scorer has something to measure. */
export const subject = noisy(disc({ side: 160, radius: 45 }), 3);
const raw = { raw: { width: 160, height: 160, channels: 3 } } as const;
const picture = (): Sharp => sharp(subject.rgb, raw);

function chunk(type: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const out = Buffer.alloc(body.length + 8);
  out.writeUInt32BE(data.length, 0);
  body.copy(out, 4);
  out.writeUInt32BE(crc32(body), out.length - 4);
  return out;
}

function header(width: number, height: number, colourType = 2): Buffer {
  const data = Buffer.alloc(13);
  data.writeUInt32BE(width, 0);
  data.writeUInt32BE(height, 4);
  data.set([8, colourType, 0, 0, 0], 8);
  return chunk('IHDR', data);
}

/** A PNG of any claimed size with any image data. */
export function madePng(size: { width: number; height: number }, idat: Uint8Array, ...extra: Buffer[]): Buffer {
  return Buffer.concat([
    SIGNATURE,
    header(size.width, size.height),
    ...extra,
    chunk('IDAT', idat),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

/** A PNG with a chunk put in behind its header. */
export const withChunk = (png: Buffer, type: string, data: Uint8Array): Buffer =>
  Buffer.concat([png.subarray(0, 33), chunk(type, data), png.subarray(33)]);

/** A JPEG with an application segment put in behind its start. */
export function withSegment(jpeg: Buffer, marker: number, data: Uint8Array): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt16BE(0xff00 | marker, 0);
  length.writeUInt16BE(data.length + 2, 2);
  return Buffer.concat([jpeg.subarray(0, 2), length, data, jpeg.subarray(2)]);
}

/** Random bytes, seeded. */
export function garbage(length: number, seed = 1): Buffer {
  let state = seed;
  return Buffer.from(
    Uint8Array.from({ length }, () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return state >>> 24;
    }),
  );
}

const svg = (body: string, head = ''): Buffer =>
  Buffer.from(
    `<?xml version="1.0"?>${head}<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="160" height="160">${body}</svg>`,
  );
const laughs = Array.from({ length: 9 }, (_, i) => `<!ENTITY l${i + 1} "${`&l${i};`.repeat(10)}">`).join('');

/** Drawings: never read, so nothing that they name is fetched. @param url a server that counts what it is asked */
export const drawings = (url: string): Readonly<Record<string, Buffer>> => ({
  'a plain drawing': svg('<rect width="80" height="80"/>'),
  'deep nesting': svg('<g>'.repeat(100_000) + '</g>'.repeat(100_000)),
  'a huge drawing': svg('<path d="M0 0h9"/>'.repeat(200_000)),
  'a drawing that claims 10^9 pixels each way': Buffer.from(
    '<svg xmlns="http://www.w3.org/2000/svg" width="1000000000" height="1000000000"/>',
  ),
  'entities that grow to 10^9': svg('<text>&l9;</text>', `<!DOCTYPE svg [<!ENTITY l0 "lol">${laughs}]>`),
  'an entity that is a file': svg('<text>&f;</text>', '<!DOCTYPE svg [<!ENTITY f SYSTEM "file:///etc/passwd">]>'),
  'an entity that is a server': svg('<text>&f;</text>', `<!DOCTYPE svg [<!ENTITY f SYSTEM "${url}/entity">]>`),
  'a picture from a server': svg(`<image xlink:href="${url}/image.png" width="160" height="160"/>`),
  'a picture from a file': svg('<image xlink:href="file:///etc/hostname" width="160" height="160"/>'),
  'a style sheet from a server': svg(`<style>@import url("${url}/style.css");</style>`),
  'a compressed drawing': gzipSync(svg('<rect width="80" height="80"/>')),
  'a drawing behind blanks': Buffer.concat([Buffer.from(' '.repeat(500)), svg('<rect width="80" height="80"/>')]),
  'use of use of use': svg(
    `<g id="u0"><rect width="9" height="9"/></g>` +
      Array.from({ length: 12 }, (_, i) => `<g id="u${i + 1}">${`<use xlink:href="#u${i}"/>`.repeat(10)}</g>`).join(''),
  ),
});

/** Files that must be refused, with a reason. */
export const refused: Readonly<Record<string, () => Promise<Buffer> | Buffer>> = {
  'no bytes': () => Buffer.alloc(0),
  'one byte': () => Buffer.from([0x89]),
  text: () => Buffer.from('<html>502 Bad Gateway</html>'),
  'random bytes': () => garbage(5000),
  'a PNG cut in half': async () => half(await picture().png().toBuffer()),
  'a JPEG cut in half': async () => half(await picture().jpeg().toBuffer()),
  'a WebP cut in half': async () => half(await picture().webp().toBuffer()),
  'a GIF cut in half': async () => half(await picture().gif().toBuffer()),
  'a TIFF cut in half': async () => half(await picture().tiff().toBuffer()),
  'an AVIF cut in half': async () => half(await picture().avif({ effort: 0 }).toBuffer()),
  'a header of 30,000 x 30,000': () => madePng({ width: 30_000, height: 30_000 }, deflateSync(Buffer.alloc(100))),
  'a header of 2^31 x 2^31': () => madePng({ width: 0x7fffffff, height: 0x7fffffff }, deflateSync(Buffer.alloc(100))),
  'a header of 0 x 0': () => madePng({ width: 0, height: 0 }, deflateSync(Buffer.alloc(100))),
  'a TIFF that points at itself': () =>
    Buffer.from('49492a00080000000100000103000100000001000000080000000800000008000000', 'hex'),
  'pixels that grow a thousandfold beyond the header': () =>
    madePng({ width: 8, height: 8 }, deflateSync(Buffer.alloc(50_000_000)).subarray(0, 2000)),
  'a signature alone': () => Buffer.from(SIGNATURE),
};

const half = (bytes: Buffer): Buffer => bytes.subarray(0, Math.floor(bytes.length / 2));

/** Odd files with a picture in them. `same`: it is the very picture of `subject`. */
export const odd: Readonly<Record<string, { make: () => Promise<Buffer> | Buffer; same?: true }>> = {
  '1 x 1': {
    make: () =>
      sharp({ create: { width: 1, height: 1, channels: 3, background: '#123456' } })
        .png()
        .toBuffer(),
  },
  '1 x 5,000': {
    make: () =>
      sharp({ create: { width: 1, height: 5000, channels: 3, background: '#fff' } })
        .png()
        .toBuffer(),
  },
  'one colour of 8,000 x 8,000, the most that is allowed': {
    make: () =>
      sharp({ create: { width: 8000, height: 8000, channels: 3, background: '#fff' } })
        .png({ compressionLevel: 1 })
        .toBuffer(),
  },
  'a CMYK JPEG': { make: () => picture().toColourspace('cmyk').jpeg().toBuffer() },
  'a 16-bit PNG': { make: () => picture().toColourspace('rgb16').png().toBuffer(), same: true },
  'a 16-bit TIFF': { make: () => picture().toColourspace('rgb16').tiff().toBuffer() },
  'a picture with alpha': { make: () => picture().ensureAlpha(0.5).png().toBuffer() },
  'a picture that is all transparent': { make: () => picture().ensureAlpha(0).png().toBuffer() },
  'an animated GIF': { make: () => animated().gif().toBuffer() },
  'a GIF that claims a canvas of 65,535 x 65,535': {
    make: async () => {
      const gif = await picture().gif().toBuffer();
      gif.writeUInt32LE(0xffffffff, 6);
      return gif;
    },
  },
  'an animated WebP': { make: () => animated().webp({ lossless: true }).toBuffer(), same: true },
  'an animated PNG': { make: apng, same: true },
  'a progressive JPEG': { make: () => picture().jpeg({ progressive: true }).toBuffer() },
  'garbage in EXIF': {
    make: async () =>
      withSegment(await picture().jpeg().toBuffer(), 0xe1, Buffer.concat([Buffer.from('Exif\0\0'), garbage(900)])),
  },
  'garbage in EXIF of a PNG': {
    make: async () => withChunk(await picture().png().toBuffer(), 'eXIf', garbage(900)),
    same: true,
  },
  'garbage for a profile': {
    make: async () =>
      withChunk(
        await picture().png().toBuffer(),
        'iCCP',
        Buffer.concat([Buffer.from('x\0\0'), deflateSync(garbage(900))]),
      ),
    same: true,
  },
  'garbage for a profile of a JPEG': {
    make: async () =>
      withSegment(
        await picture().jpeg().toBuffer(),
        0xe2,
        Buffer.concat([Buffer.from('ICC_PROFILE\0\x01\x01', 'latin1'), garbage(900)]),
      ),
  },
  'a text that grows to 100 MB': {
    make: async () =>
      withChunk(
        await picture().png().toBuffer(),
        'zTXt',
        Buffer.concat([Buffer.from('x\0\0'), deflateSync(Buffer.alloc(100_000_000))]),
      ),
    same: true,
  },
  'a hundred thousand bytes behind the end': {
    make: async () => Buffer.concat([await picture().png().toBuffer(), garbage(100_000)]),
    same: true,
  },
};

/** Two pages: `subject`, then its negative. */
const animated = (): Sharp =>
  sharp(Buffer.concat([subject.rgb, subject.rgb.map((v) => 255 - v)]), {
    raw: { width: 160, height: 320, channels: 3, pageHeight: 160 },
  });

function apng(): Buffer {
  const of = (rgb: Uint8Array): Buffer => {
    const rows = Buffer.alloc(160 * 481);
    for (let y = 0; y < 160; y++) rows.set(rgb.subarray(y * 480, y * 480 + 480), y * 481 + 1);
    return chunk('IDAT', deflateSync(rows));
  };
  const frame = (rgb: Uint8Array) => ({ width: 160, height: 160, chunks: [of(rgb)] });
  return assembleApng([frame(subject.rgb), frame(subject.rgb.map((v) => 255 - v))], 100);
}
