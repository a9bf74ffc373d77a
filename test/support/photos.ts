import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import sharp, { type Sharp } from 'sharp';
import { decodeFrame, type Frame } from '../../scorers/frame.js';
import { noModels, type Models } from '../../scorers/models/models.js';

/** People in the six photos of @vladmandic/face-api (demo/sample1.jpg to sample6.jpg), counted by eye. */
export const PEOPLE_IN_PHOTO = [3, 3, 3, 4, 5, 4] as const;

const path = (photo: number): string =>
  createRequire(import.meta.url).resolve(`@vladmandic/face-api/demo/sample${photo}.jpg`);

export const photo = (of: number): Promise<Buffer> => readFile(path(of));

/** One of the photos, changed if wanted, as scorers get it. */
export async function photoFrame(
  of: number,
  { models = noModels, change = (image) => image }: { models?: Models; change?: (image: Sharp) => Sharp } = {},
): Promise<Frame> {
  const bytes = await change(sharp(path(of)))
    .png({ compressionLevel: 1 })
    .toBuffer();
  const decoded = await decodeFrame(bytes, { models });
  if (!decoded.ok) throw new Error(decoded.detail);
  return decoded.frame;
}
