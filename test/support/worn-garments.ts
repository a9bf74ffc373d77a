/** The garments of the photos, worn by their people in front of a plain backdrop: face, hair, arms and garment, and where the garment is. */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { listPhotos } from '../../cli/demo-photos.js';
import type { Photo, Regions } from '../../sandbox/photos/index.js';

/** Who wears what; both crops are of the same photo. */
const WEARER: Readonly<Record<string, string>> = {
  'green-dress': 'anna',
  'red-dress': 'bella',
  'striped-suit': 'dora',
};
export const BACKDROPS = ['#f4f4f4', '#d6dbe2', '#9aa3ad', '#e6d9c3', '#6f7f8f', '#b9cdbb'];
const MARGIN = 70;
/** Sigma of the soft edge of the cut-out, px. */
const FEATHER = 1.6;

export interface Figure {
  photo: Photo;
  /** White where the garment is. */
  mask: Buffer;
}

/**
 * The person and the garment of one photo, cut out by their outlines and laid on a backdrop. What hangs below the head's crop beside the garment (hands) is cut away.
 *
 * @example
 * const { photo, mask } = await figure('red-dress', BACKDROPS[0]);
 */
export async function figure(name: string, backdrop: string): Promise<Figure> {
  const { people, garments } = await listPhotos();
  const cloth = garments.find((one) => one.name === name);
  const head = people.find((one) => one.name === WEARER[name]);
  if (cloth === undefined || head === undefined || cloth.file !== head.file) throw new Error(`nobody wears ${name}`);
  type Points = [number, number][];
  const outlines = [
    { crop: head.crop, points: head.regions['person'] as Points },
    { crop: cloth.crop, points: cloth.regions.garment as Points },
  ].map(({ crop, points }) => points.map(([x, y]) => [x + crop.left, y + crop.top] as const));
  const xs = outlines.flat().map(([x]) => x);
  const left = Math.max(0, Math.min(...xs) - MARGIN);
  const top = Math.max(0, head.crop.top);
  const area = { left, top, width: Math.max(...xs) + MARGIN - left, height: cloth.crop.top + cloth.crop.height - top };
  const { width, height } = area;
  const polygon = (of: (typeof outlines)[number]): string =>
    `<polygon points="${of.map(([x, y]) => `${x - left},${y - top}`).join(' ')}" fill="#fff"/>`;
  const svg = (body: string): Buffer =>
    Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${body}</svg>`);
  const soft = await sharp(svg(outlines.map(polygon).join('')))
    .blur(FEATHER)
    .png()
    .toBuffer();
  const demo = join(dirname(createRequire(import.meta.url).resolve('@vladmandic/face-api/package.json')), 'demo');
  const cut = await sharp(join(demo, cloth.file))
    .extract(area)
    .ensureAlpha()
    .composite([{ input: soft, blend: 'dest-in' }])
    .png()
    .toBuffer();
  const data = await sharp(cut).flatten({ background: backdrop }).raw().toBuffer();
  const mask = await sharp(svg(`<rect width="100%" height="100%"/>${polygon(outlines[1] ?? [])}`))
    .removeAlpha()
    .png()
    .toBuffer();
  const garment = (outlines[1] ?? []).map(([x, y]) => [x - left, y - top] as const);
  const regions: Regions = { garment, still: true };
  return { photo: { picture: { data, width, height }, regions }, mask };
}

/** Intersection over union of two regions, 0..1. */
export function sharedOver(a: { mask: Uint8Array }, b: { mask: Uint8Array }): number {
  let [both, either] = [0, 0];
  a.mask.forEach((inside, i) => {
    both += inside & (b.mask[i] ?? 0);
    either += inside | (b.mask[i] ?? 0);
  });
  return both / Math.max(1, either);
}
