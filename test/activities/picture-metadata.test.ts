/** What ComfyUI writes into a picture is taken out; pixels, colour profile and orientation are not. */
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import sharp, { type Sharp } from 'sharp';
import { describe, expect, it } from 'vitest';
import { withoutPrompt } from '../../activities/picture-metadata.js';

const SECRET = 'a prompt that nobody else is to read';

const picture = (): Sharp => {
  const bytes = Buffer.from(Array.from({ length: 24 * 16 * 3 }, (_, i) => (i * 37) % 256));
  return sharp(bytes, { raw: { width: 24, height: 16, channels: 3 } });
};
const told = (of: Sharp): Sharp =>
  of
    .withIccProfile('p3')
    .withExif({ IFD0: { ImageDescription: SECRET } })
    .withXmp(`<x:xmpmeta xmlns:x="adobe:ns:meta/"><!-- ${SECRET} --></x:xmpmeta>`);
function textChunk(text: string): Buffer {
  const chunk = Buffer.concat([Buffer.alloc(4), Buffer.from(`tEXt${text}`, 'latin1'), Buffer.alloc(4)]);
  chunk.writeUInt32BE(text.length, 0);
  chunk.writeUInt32BE(crc32(chunk.subarray(4, -4)), chunk.length - 4);
  return chunk;
}
const pixels = (bytes: Buffer): Promise<Buffer> => sharp(bytes).autoOrient().raw().toBuffer();

describe('withoutPrompt', () => {
  it.each([
    ['png', (of: Sharp) => of.png()],
    ['jpeg', (of: Sharp) => of.jpeg()],
    ['webp', (of: Sharp) => of.webp()],
    ['webp, lossless', (of: Sharp) => of.webp({ lossless: true })],
  ])('%s: text goes, pixels and colour profile stay', async (_, encode) => {
    const full = await encode(told(picture())).toBuffer();
    expect(full.includes(SECRET)).toBe(true);
    const clean = withoutPrompt(full);
    expect(clean.includes(SECRET)).toBe(false);
    expect(await pixels(clean)).toEqual(await pixels(full));
    const { exif, xmp, icc, format } = await sharp(clean).metadata();
    expect({ exif, xmp, format }).toEqual({
      exif: undefined,
      xmp: undefined,
      format: (await sharp(full).metadata()).format,
    });
    expect(icc).toEqual((await sharp(full).metadata()).icc);
    expect(icc).toBeDefined();
    expect(withoutPrompt(clean)).toEqual(clean);
  });

  it.each([
    ['jpeg', (of: Sharp) => of.jpeg()],
    ['webp', (of: Sharp) => of.webp()],
    ['png', (of: Sharp) => of.png()],
  ])('%s: a turned picture stays turned', async (_, encode) => {
    for (let orientation = 2; orientation <= 8; orientation++) {
      const full = await encode(
        picture()
          .withExif({ IFD0: { ImageDescription: SECRET } })
          .withMetadata({ orientation }),
      ).toBuffer();
      const clean = withoutPrompt(full);
      expect(clean.includes(SECRET)).toBe(false);
      expect((await sharp(clean).metadata()).orientation).toBe(orientation);
      expect(await pixels(clean)).toEqual(await pixels(full));
    }
  });

  it('a PNG as ComfyUI saves it', async () => {
    const texts = Buffer.concat([
      textChunk(`prompt\0{"3":{"class_type":"CLIPTextEncode","inputs":{"text":"${SECRET}"}}}`),
      textChunk(`workflow\0{"nodes":["${SECRET}"]}`),
    ]);
    const plain = await picture().png().toBuffer();
    // IHDR is always first, and of this length.
    const full = Buffer.concat([plain.subarray(0, 33), texts, plain.subarray(33)]);
    expect(full.includes(SECRET)).toBe(true);
    const clean = withoutPrompt(Buffer.concat([full, Buffer.from(SECRET)]));
    expect(clean.includes('tEXt')).toBe(false);
    expect(clean.includes(SECRET)).toBe(false);
    expect(await pixels(clean)).toEqual(await pixels(full));
  });

  it('what is broken or something else comes back as it is', async () => {
    const whole = await told(picture()).png().toBuffer();
    for (const bytes of [
      Buffer.alloc(0),
      Buffer.from('GIF89a'),
      whole.subarray(0, whole.length - 20),
      Buffer.from([0xff, 0xd8]),
    ])
      expect(withoutPrompt(bytes)).toEqual(bytes);
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 200 }),
        fc.constantFrom('\x89PNG\r\n\x1a\n', '\xff\xd8\xff', 'RIFF\x20\0\0\0WEBP'),
        (tail, head) => {
          withoutPrompt(Buffer.concat([Buffer.from(head, 'latin1'), tail]));
        },
      ),
    );
  });
});
