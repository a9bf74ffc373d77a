import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { convert, convertWinners, isConverted } from '../../activities/convert.js';
import { emptyRecord } from '../../activities/documents.js';
import { openStorage, type Storage } from '../../storage/index.js';

let original: Buffer;
let folder: string;
let storage: Storage;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cull-convert-'));
  storage = openStorage(folder);
  original = await sharp({
    create: { width: 200, height: 100, channels: 4, background: { r: 200, g: 30, b: 30, alpha: 0.5 } },
  })
    .withIccProfile('p3')
    .withExif({ IFD0: { ImageDescription: 'a secret' } })
    .png()
    .toBuffer();
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('a converted picture', () => {
  it.each([
    ['png', undefined],
    ['jpeg', 80],
    ['webp', 80],
    ['avif', 50],
  ] as const)('%s: size, colour profile, no metadata', async (format, quality) => {
    const made = await convert(original, { format, quality, maxSize: 50 });
    expect(made).toMatchObject({ format, width: 50, height: 25 });
    const about = await sharp(made.bytes).metadata();
    expect(about.format).toBe(format === 'avif' ? 'heif' : format);
    expect([about.width, about.height, about.exif]).toEqual([50, 25, undefined]);
    expect(about.icc).toBeDefined();
    expect(made.bytes.includes('a secret')).toBe(false);
    expect(about.hasAlpha).toBe(format !== 'jpeg');
  });

  it('is never enlarged, and keeps its format where none is asked for', async () => {
    expect(await convert(original, { maxSize: 4000 })).toMatchObject({ format: 'png', width: 200, height: 100 });
  });

  it('is smaller at a lower quality', async () => {
    const noise = await sharp({
      create: {
        width: 128,
        height: 128,
        channels: 3,
        background: 'grey',
        noise: { type: 'gaussian', mean: 128, sigma: 30 },
      },
    })
      .png()
      .toBuffer();
    for (const format of ['jpeg', 'webp', 'avif'] as const) {
      const [low, high] = await Promise.all([20, 95].map((quality) => convert(noise, { format, quality })));
      expect(low!.bytes.length).toBeLessThan(high!.bytes.length);
    }
  });

  it('keeps its metadata where that is wanted', async () => {
    const made = await convert(original, { format: 'webp', keepMetadata: true });
    expect(made.bytes.includes('a secret')).toBe(true);
  });

  it('an image that is none is told', async () => {
    await expect(convert(Buffer.from('text'), { format: 'jpeg' })).rejects.toMatchObject({ code: 'IMAGE_UNREADABLE' });
  });
});

describe('winners', () => {
  const image = { key: 'a.png', sha256: 'of the original', pixelSha256: null, width: 200, height: 100 };

  it('are stored beside the candidates, twice the same', async () => {
    await storage.put('a.png', original);
    const of = { tenant: 't', request: 'r', ask: { format: 'jpeg' } } as const;
    const winners = [{ ...emptyRecord(7, 1, 'delivered'), image }];
    const made = await convertWinners(storage, of, winners);
    const one = made.get(7);
    expect(one).toMatchObject({
      key: 't/requests/r/delivered/0007.jpg',
      format: 'jpeg',
      width: 200,
      height: 100,
      from: 'of the original',
    });
    expect((await storage.head(one!.key))?.size).toBe(one?.bytes);
    expect(await convertWinners(storage, of, winners)).toEqual(made);
    expect((await storage.get('a.png'))?.body).toEqual(original);
  });

  it('whose image is gone are an error of the installation', async () => {
    const of = { tenant: 't', request: 'r', ask: { maxSize: 100 } };
    const gone = [{ ...emptyRecord(8, 1, 'delivered'), image: { ...image, key: 'gone.png' } }];
    await expect(convertWinners(storage, of, gone)).rejects.toMatchObject({ code: 'STORAGE_MISSING' });
  });

  it('are converted only where that was asked for', () => {
    expect([undefined, {}, { keepMetadata: true }].map(isConverted)).toEqual([false, false, false]);
    expect([{ maxSize: 1024 }, { format: 'png' as const }].map(isConverted)).toEqual([true, true]);
  });
});
