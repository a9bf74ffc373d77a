import { crc32 } from 'node:zlib';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { decodeFrame } from '../../scorers/frame.js';
import { disc, draw, frameOf, png } from './synthetic.js';

const gradient = draw(64, 48, (x, y) => [x * 4, y * 5, 80]);
const raw = { raw: { width: 64, height: 48, channels: 3 } } as const;

/** A PNG header that claims a size and has no pixels. */
function claims(width: number, height: number): Buffer {
  const header = Buffer.alloc(25);
  header.writeUInt32BE(13, 0);
  header.write('IHDR', 4, 'latin1');
  header.writeUInt32BE(width, 8);
  header.writeUInt32BE(height, 12);
  header.set([8, 2, 0, 0, 0], 16);
  header.writeUInt32BE(crc32(header.subarray(4, 21)), 21);
  return Buffer.concat([Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]), header]);
}

describe('decodeFrame', () => {
  it('reads pixels, format, sizes and hashes', async () => {
    const bytes = await png(gradient);
    const frame = await frameOf(bytes);
    expect(frame).toMatchObject({ width: 64, height: 48, format: 'png', hasAlpha: false, bytes: bytes.length });
    expect(Buffer.from(frame.rgb).equals(Buffer.from(gradient.rgb))).toBe(true);
    expect(frame.sha256).toMatch(/^[0-9a-f]{64}$/);
  });

  it('hashes pixels, not files: another encoding of the same pixels is the same image', async () => {
    const one = await frameOf(await sharp(gradient.rgb, raw).png({ compressionLevel: 0 }).toBuffer());
    const two = await frameOf(await sharp(gradient.rgb, raw).webp({ lossless: true }).toBuffer());
    expect(two.pixelSha256).toBe(one.pixelSha256);
    expect(two.sha256).not.toBe(one.sha256);
  });

  it('turns the picture upright', async () => {
    const frame = await frameOf(await sharp(gradient.rgb, raw).withMetadata({ orientation: 6 }).jpeg().toBuffer());
    expect([frame.width, frame.height]).toEqual([48, 64]);
  });

  it.each([
    ['CMYK JPEG', () => sharp(gradient.rgb, raw).toColourspace('cmyk').jpeg().toBuffer()],
    ['16 bit PNG', () => sharp(gradient.rgb, raw).toColourspace('rgb16').png().toBuffer()],
    ['grey PNG', () => sharp(gradient.rgb, raw).greyscale().png().toBuffer()],
    ['palette PNG', () => sharp(gradient.rgb, raw).png({ palette: true }).toBuffer()],
    ['WebP', () => sharp(gradient.rgb, raw).webp().toBuffer()],
    ['GIF', () => sharp(gradient.rgb, raw).gif().toBuffer()],
    [
      'animated GIF (its first frame)',
      () =>
        sharp(Buffer.concat([gradient.rgb, gradient.rgb.map((v) => 255 - v)]), {
          raw: { width: 64, height: 96, channels: 3, pageHeight: 48 },
        })
          .gif()
          .toBuffer(),
    ],
  ])('reads a %s as three channels', async (_name, make) => {
    const frame = await frameOf(await make());
    expect([frame.width, frame.height]).toEqual([64, 48]);
    expect(frame.rgb.length).toBe(64 * 48 * 3);
    expect(Math.abs(frame.rgb[3 * 32 + 0]! - 128)).toBeLessThan(90);
  });

  it('lays transparent pixels on white and says so', async () => {
    const bytes = await sharp({
      create: { width: 8, height: 8, channels: 4, background: { r: 0, g: 0, b: 0, alpha: 0 } },
    })
      .png()
      .toBuffer();
    const frame = await frameOf(bytes);
    expect(frame.hasAlpha).toBe(true);
    expect([...frame.rgb.subarray(0, 3)]).toEqual([255, 255, 255]);
  });

  it('knows which part of a cut-out is opaque, upright and at the working size', async () => {
    const half = await sharp({ create: { width: 60, height: 40, channels: 4, background: '#ff000000' } })
      .composite([
        { input: { create: { width: 30, height: 40, channels: 4, background: '#ff0000' } }, left: 0, top: 0 },
      ])
      .withMetadata({ orientation: 6 })
      .png()
      .toBuffer();
    const frame = await frameOf(half);
    expect([frame.width, frame.height]).toEqual([40, 60]);
    // the left half is the upper one once it is upright
    expect(frame.opaque?.slice(0, 40)).toEqual(new Uint8Array(40).fill(1));
    expect(frame.opaque?.slice(-40)).toEqual(new Uint8Array(40));
    expect((await frameOf(disc({ side: 32 }))).opaque).toBeUndefined();
  });

  it('reads one pixel', async () => {
    const frame = await frameOf(draw(1, 1, () => [1, 2, 3]));
    expect(frame.subject.found).toBe(false);
    expect(frame.tiles).toEqual([{ x: 0, y: 0, width: 1, height: 1 }]);
  });

  it.each([
    ['nothing', () => Buffer.alloc(0)],
    ['text', () => Buffer.from('<html>502 Bad Gateway</html>')],
    ['a header alone', () => claims(64, 64)],
    [
      'random bytes behind a PNG signature',
      () => Buffer.concat([Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]), Buffer.alloc(99, 7)]),
    ],
    ['a PNG cut in half', async () => (await png(disc({ side: 128 }))).subarray(0, 300)],
    [
      'a JPEG cut in half',
      async () => {
        const whole = await sharp(gradient.rgb, raw).jpeg().toBuffer();
        return whole.subarray(0, Math.floor(whole.length / 2));
      },
    ],
  ])('says undecodable for %s', async (_name, make) => {
    expect(await decodeFrame(await make())).toMatchObject({ ok: false, reason: 'undecodable' });
  });

  it('refuses a header that claims a huge picture before it reserves memory', async () => {
    expect(await decodeFrame(claims(60000, 60000))).toMatchObject({ ok: false });
    expect(await decodeFrame(await png(gradient), { maxPixels: 100 })).toMatchObject({
      ok: false,
      reason: 'too-large',
    });
  });
});

describe('Frame', () => {
  it('derives each thing once', async () => {
    const frame = await frameOf(gradient);
    let calls = 0;
    const count = (): number => ++calls;
    expect([frame.derive(count), frame.derive(count)]).toEqual([1, 1]);
    expect(frame.luma).toBe(frame.luma);
  });

  it('works at long side 512 and never enlarges', async () => {
    const large = await frameOf(disc({ side: 1024 }));
    expect([large.working.width, large.working.height, large.scale]).toEqual([512, 512, 2]);
    const small = await frameOf(gradient);
    expect(small.working).toMatchObject({ width: 64, height: 48 });
    expect(small.scale).toBe(1);
  });

  it('spreads at most 16 tiles that start on the 8-pixel grid and stay inside', async () => {
    const { tiles, width, height } = await frameOf(draw(700, 300, () => [1, 2, 3]));
    expect(tiles.length).toBeLessThanOrEqual(16);
    for (const tile of tiles) {
      expect([tile.x % 8, tile.y % 8]).toEqual([0, 0]);
      expect(tile.x + tile.width).toBeLessThanOrEqual(width);
      expect(tile.y + tile.height).toBeLessThanOrEqual(height);
    }
    expect(Math.max(...tiles.map((t) => t.x + t.width))).toBeGreaterThan(690);
  });

  it('finds the subject on any plain or graded background, two of a kind included', async () => {
    const graded = draw(256, 256, (x, y) =>
      Math.hypot(x - 128, y - 140) < 50 ? [40, 60, 70] : [200 - y / 4, 200 - y / 4, 205 - y / 4],
    );
    const { subject } = await frameOf(graded);
    expect(subject.found).toBe(true);
    expect(subject.share).toBeCloseTo((Math.PI * 2500) / 65536, 2);
    const two = draw(256, 256, (x, y) =>
      Math.min(Math.hypot(x - 70, y - 128), Math.hypot(x - 190, y - 128)) < 40 ? [40, 60, 70] : [255, 255, 255],
    );
    const pair = (await frameOf(two)).subject;
    expect(pair.box.left).toBeLessThan(35);
    expect(pair.box.right).toBeGreaterThan(225);
  });

  it('does not take a pale crease behind the subject for a part of it, but a thin dark leg', async () => {
    const creased = draw(512, 512, (x, y) => {
      if (Math.hypot(x - 256, y - 256) < 90) return [60, 60, 70];
      if (Math.abs(x - 256) < 3 && y > 256 && y < 420) return [60, 60, 70];
      return Math.abs(y - 230) < 3 ? [205, 203, 200] : [255, 255, 255];
    });
    const { subject } = await frameOf(creased);
    for (const [side, expected] of Object.entries({ left: 167, top: 167, right: 345, bottom: 419 }))
      expect(Math.abs(subject.box[side as 'left'] - expected), side).toBeLessThanOrEqual(2);
  });
});
