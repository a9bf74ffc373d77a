/** The photos of the demo: crops of those in an npm package, with what is known about each, as the sandbox's folder of photos wants them. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { CullError } from '../errors.js';
import { findFile } from './release.js';

const PACKAGE = '@vladmandic/face-api';
const LIST = 'examples/photos/face-api.json';

type Point = [x: number, y: number];

interface Listed {
  name: string;
  /** In the package's folder demo/. */
  file: string;
  /** Pixels of that file. */
  crop: { left: number; top: number; width: number; height: number };
  /** Where things lie in the crop, in its pixels: what the sandbox is told (sandbox/photos/README.md). */
  regions: { garment?: Point[] } & Record<string, unknown>;
}

interface PhotoList {
  people: Listed[];
  garments: Listed[];
}

/** Files of one photo. */
export interface DemoPhoto {
  name: string;
  photo: string;
  /** Of a garment: its mask in the photo, and the garment cut out, transparent around it. */
  mask?: string;
  garment?: string;
}

export const listPhotos = async (): Promise<PhotoList> =>
  JSON.parse(await readFile(findFile(LIST), 'utf8')) as PhotoList;

/**
 * Writes crops and sidecars into a folder; the same files each time. People are one another's stand-ins.
 *
 * @throws CullError USAGE where the package with the photos is not installed
 * @example
 * const [anna] = await writePeople('.cull/photos');
 */
export async function writePeople(folder: string): Promise<DemoPhoto[]> {
  const { people } = await listPhotos();
  await mkdir(folder, { recursive: true });
  return Promise.all(
    people.map(async (one) => {
      const others = people.filter(({ name }) => name !== one.name).map(({ name }) => `${name}.png`);
      const photo = await writePhoto(folder, one, { others });
      return { name: one.name, photo };
    }),
  );
}

/** The same for garments: with a mask of the garment in the photo, and the garment alone, transparent around it. */
export async function writeGarments(folder: string): Promise<DemoPhoto[]> {
  const { garments } = await listPhotos();
  await mkdir(folder, { recursive: true });
  return Promise.all(
    garments.map(async (one) => {
      const photo = await writePhoto(folder, one, {});
      const { width, height } = one.crop;
      const outline = (one.regions.garment ?? []).map(([x, y]) => `${x},${y}`).join(' ');
      const svg = (body: string): Buffer =>
        Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${body}</svg>`);
      const inside = svg(`<rect width="100%" height="100%"/><polygon points="${outline}" fill="#fff"/>`);
      const cutOut = svg(`<polygon points="${outline}" fill="#fff"/>`);
      const [mask, garment] = [join(folder, `${one.name}.mask.png`), join(folder, `${one.name}.garment.png`)];
      await sharp(inside).removeAlpha().png().toFile(mask);
      await sharp(photo)
        .composite([{ input: cutOut, blend: 'dest-in' }])
        .png()
        .toFile(garment);
      return { name: one.name, photo, mask, garment };
    }),
  );
}

async function writePhoto(
  folder: string,
  { name, file, crop, regions }: Listed,
  more: Record<string, unknown>,
): Promise<string> {
  const photo = join(folder, `${name}.png`);
  await sharp(join(packageFolder(), 'demo', file))
    .extract(crop)
    .png()
    .toFile(photo);
  await writeFile(join(folder, `${name}.json`), JSON.stringify({ photo: `${name}.png`, ...regions, ...more }));
  return photo;
}

function packageFolder(): string {
  try {
    return dirname(createRequire(import.meta.url).resolve(`${PACKAGE}/package.json`));
  } catch {
    throw new CullError('USAGE', `the photos of this demo are in the npm package ${PACKAGE}, which is not installed`, {
      hint: `npm install --no-save ${PACKAGE}, or run the demo without --job`,
    });
  }
}
