/** Winners in the form that was asked for: another format, smaller, with their colour profile. */
import { createHash } from 'node:crypto';
import pLimit from 'p-limit';
import sharp, { type Sharp } from 'sharp';
import { CullError } from '../errors.js';
import { keys } from '../storage/keys.js';
import type { Storage } from '../storage/storage.js';
import type { CandidateRecord, DeliveredImage, ImageAsk } from '../workflows/contract.js';

/** An encoder uses several threads by itself. */
const AT_ONCE = 2;
/** What looks as the original to most at the usual distance. AVIF's scale is another than JPEG's. */
const QUALITY = { jpeg: 90, webp: 90, avif: 65 } as const;
/** A conversion decodes what was scored before, which is at most so large. */
const MAX_PIXELS = 100_000_000;

/** Whether anything but the original is to be delivered. */
export const isConverted = (ask: ImageAsk | undefined): ask is ImageAsk =>
  ask?.format !== undefined || ask?.maxSize !== undefined;

/**
 * One picture as it was asked for. The colour profile is kept, a turned picture is turned upright, transparency becomes white in JPEG. Nothing is
 * enlarged. Without a format it keeps its own.
 *
 * @throws CullError IMAGE_UNREADABLE
 * @example
 * const { bytes } = await convert(png, { format: 'webp', quality: 85, maxSize: 1024 });
 */
export async function convert(
  original: Buffer,
  ask: ImageAsk,
): Promise<{ bytes: Buffer; format: DeliveredImage['format']; width: number; height: number }> {
  try {
    const picture = sharp(original, { limitInputPixels: MAX_PIXELS }).autoOrient();
    const format = ask.format ?? formatOf((await picture.metadata()).format);
    if (ask.maxSize !== undefined)
      picture.resize({ width: ask.maxSize, height: ask.maxSize, fit: 'inside', withoutEnlargement: true });
    if (ask.keepMetadata) picture.keepMetadata();
    else picture.keepIccProfile();
    if (format === 'jpeg') picture.flatten({ background: '#ffffff' });
    const { data, info } = await encoded(picture, format, ask.quality).toBuffer({ resolveWithObject: true });
    return { bytes: data, format, width: info.width, height: info.height };
  } catch (error) {
    if (error instanceof CullError) throw error;
    throw new CullError('IMAGE_UNREADABLE', `a winner cannot be converted: ${String(error)}`, { cause: error });
  }
}

const formatOf = (format: string | undefined): DeliveredImage['format'] =>
  format === 'jpeg' || format === 'webp' || format === 'avif' ? format : 'png';

function encoded(picture: Sharp, format: DeliveredImage['format'], quality: number | undefined): Sharp {
  switch (format) {
    case 'png':
      return picture.png();
    case 'jpeg':
      return picture.jpeg({ quality: quality ?? QUALITY.jpeg, chromaSubsampling: '4:4:4', mozjpeg: true });
    case 'webp':
      return picture.webp({ quality: quality ?? QUALITY.webp });
    case 'avif':
      return picture.avif({ quality: quality ?? QUALITY.avif });
  }
}

/**
 * Converts the winners and stores them under `delivered/`; the candidates' own images stay. Repeating it gives the same objects.
 *
 * @returns what was made, by candidate
 */
export async function convertWinners(
  storage: Storage,
  of: { tenant: string; request: string; ask: ImageAsk },
  winners: readonly CandidateRecord[],
): Promise<Map<number, DeliveredImage>> {
  const { tenant, request, ask } = of;
  const limit = pLimit(AT_ONCE);
  const made = await Promise.all(
    winners.map(({ candidate, image }) =>
      limit(async () => {
        const original = image && (await storage.get(image.key));
        if (!original)
          throw new CullError(
            'STORAGE_MISSING',
            `the image of candidate ${candidate} is not in ${storage.description}`,
            {
              hint: 'all workers must use the same CULL_STORAGE',
            },
          );
        const { bytes, format, width, height } = await convert(original.body, ask);
        const extension = format === 'jpeg' ? 'jpg' : format;
        const key = keys.delivered(tenant, request, candidate, extension);
        await storage.put(key, bytes, { contentType: `image/${format}` });
        const sha256 = createHash('sha256').update(bytes).digest('hex');
        return [candidate, { key, sha256, format, width, height, bytes: bytes.length, from: image.sha256 }] as const;
      }),
    ),
  );
  return new Map(made);
}
