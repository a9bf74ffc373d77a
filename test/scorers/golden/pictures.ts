/** Pictures that golden rows refer to by name: formulas, the same on every machine, and crops of a package's photos, for scorers with models. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import sharp from 'sharp';
import type { Picture } from '../../../scorers/frame.js';
import { written } from '../letters.js';
import { disc, draw, noisy, png, toSrgb } from '../synthetic.js';

const formulas: Readonly<Record<string, () => Picture>> = {
  /** A blue disc on white, outline blurred by sigma 0.3 px. */
  disc: () => disc(),
  /** The same with sigma 2 px. */
  blurredDisc: () => disc({ sigma: 2 }),
  /** The same with noise of sigma 8 levels. */
  noisyDisc: () => noisy(disc(), 8, 1),
  /** The disc at the left edge, cut by it. */
  cutDisc: () => disc({ x: 64 }),
  /** The disc, and above it the word SALE, dark grey, 42 px high. */
  sign: () => written(disc({ y: 300, radius: 120 }), { word: 'SALE', left: 170, top: 40, square: 6, level: 40 }),
  /** A grey field, 0.2 of white in the middle, that falls off by one stop to the corners (a quadratic in the distance from the middle). */
  spotlight: () =>
    draw(256, 192, (x, y) => {
      const distance = Math.hypot(x + 0.5 - 128, y + 0.5 - 96) / Math.hypot(128, 96);
      const level = toSrgb(0.2 * 2 ** -(distance ** 2));
      return [level, level, level];
    }),
};

const PHOTO = createRequire(import.meta.url).resolve('@vladmandic/face-api/demo/sample6.jpg');
/** One of the four women of that photo, two of them, and two holding hands. */
const crops: Readonly<Record<string, { left: number; top: number; width: number; height: number }>> = {
  portrait: { left: 0.72, top: 0.05, width: 0.28, height: 0.45 },
  heldHands: { left: 0.6, top: 0.6, width: 0.4, height: 0.4 },
  couple: { left: 0.5, top: 0.05, width: 0.5, height: 0.6 },
};

export const pictureNames: readonly string[] = [...Object.keys(formulas), ...Object.keys(crops)];

/** An image file. @throws Error for a name that is not there */
export async function picture(name: string): Promise<Buffer> {
  const formula = formulas[name];
  if (formula) return png(formula());
  const crop = crops[name];
  if (!crop) throw new Error(`there is no picture ${name}: ${pictureNames.join(', ')}`);
  const bytes = await readFile(PHOTO);
  const { width, height } = await sharp(bytes).metadata();
  const region = {
    left: Math.round(crop.left * width),
    top: Math.round(crop.top * height),
    width: Math.floor(crop.width * width),
    height: Math.floor(crop.height * height),
  };
  return sharp(bytes).extract(region).png({ compressionLevel: 1 }).toBuffer();
}
