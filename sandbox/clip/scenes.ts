import sharp from 'sharp';
import { paint, VALUES } from '../painter/index.js';
import type { Painting, Scene } from '../painter/index.js';
import { stream } from '../painter/random.js';
import { caption } from './captions.js';

/** What the image tower takes: this many pixels each way, RGB. */
export const INPUT_SIDE = 112;

/** Seeds of the painter by use; no seed serves two. Those of the policy benchmark (1,000,000 and 4,000,000 on) are others. */
export const SEEDS = { train: 10_000_000, validation: 12_000_000, test: 14_000_000 } as const;

/** Every scene is as likely as any other. */
export function sceneOf(seed: number): Scene {
  const random = stream(`clip scene|${seed}`);
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random.next() * items.length)] as T;
  return {
    object: pick(VALUES.object),
    colour: pick(VALUES.colour),
    background: pick(VALUES.background),
    count: pick(VALUES.count),
  };
}

/** Paints the scene of a seed from a caption of it; with defects, and now and then with another scene than asked for. */
export function paintScene(seed: number, size: { width: number; height: number }): Promise<Painting> {
  return paint({ prompt: caption(sceneOf(seed), stream(`clip prompt|${seed}`)), seed, ...size });
}

/** The centre square as the image tower sees it: RGB bytes, INPUT_SIDE each way, antialiased cubic. */
export function shrink(painting: Pick<Painting, 'data' | 'width' | 'height'>): Promise<Buffer> {
  const { data, width, height } = painting;
  return sharp(data, { raw: { width, height, channels: 3 } })
    .resize({ width: INPUT_SIDE, height: INPUT_SIDE, fit: 'cover', position: 'centre', kernel: 'cubic' })
    .raw()
    .toBuffer();
}
