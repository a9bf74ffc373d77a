/** The pictures of bench:scoring: 1024 x 1536 PNG files, painted ones and real photos. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { paint } from '../../../sandbox/painter/index.js';

export const WIDTH = 1024;
export const HEIGHT = 1536;

export interface BenchImage {
  name: string;
  kind: 'painted' | 'photo';
  png: Buffer;
}

const PROMPTS = ['product photo of a red mug on a white background', 'two green bottles on a wooden table'];

/** Seeds that nothing was tuned on. */
const FIRST_SEED = 7_100_000;

/** Photos of the package @vladmandic/face-api, cropped to the format. */
export function photoFiles(): string[] {
  const folder = join(dirname(createRequire(import.meta.url).resolve('@vladmandic/face-api/package.json')), 'demo');
  return [1, 2, 3, 4, 5, 6].map((n) => join(folder, `sample${n}.jpg`));
}

export async function benchImages(perKind: number): Promise<BenchImage[]> {
  const images: BenchImage[] = [];
  for (let index = 0; index < perKind; index++) {
    const prompt = PROMPTS[index % PROMPTS.length] ?? '';
    const { data } = await paint({ prompt, seed: FIRST_SEED + index, width: WIDTH, height: HEIGHT });
    const raw = { width: WIDTH, height: HEIGHT, channels: 3 } as const;
    images.push({
      name: `painted ${FIRST_SEED + index}`,
      kind: 'painted',
      png: await sharp(data, { raw }).png({ compressionLevel: 4 }).toBuffer(),
    });
  }
  for (const file of photoFiles().slice(0, perKind)) {
    const photo = sharp(await readFile(file)).resize(WIDTH, HEIGHT, { fit: 'cover', position: 'attention' });
    images.push({
      name: file.replace(/^.*\//, ''),
      kind: 'photo',
      png: await photo.removeAlpha().png({ compressionLevel: 4 }).toBuffer(),
    });
  }
  return images;
}
