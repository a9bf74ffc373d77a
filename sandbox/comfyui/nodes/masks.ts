import { readFile } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import sharp from 'sharp';
import { imageExists } from '../checks.js';
import { PythonError, type Dict } from '../graph.js';
import { str } from '../python.js';
import type { World } from '../world.js';
import type { NodeClass } from './types.js';
import { linked, text, type Mask, type Picture } from './values.js';

const CHANNELS = ['alpha', 'red', 'green', 'blue'] as const;
/** What the real server gives where a file has no alpha channel. */
const NOTHING: Mask = { width: 64, height: 64, data: Buffer.alloc(64 * 64) };

/** A cached picture holds as long as its file is the same; one that cannot be read is never taken from the cache. */
export async function fileFingerprint(inputs: Dict, world: World): Promise<string> {
  const path = world.folders.source(str(inputs.image));
  const bytes = path === undefined ? undefined : await readFile(path).catch(() => undefined);
  return bytes ? createHash('sha256').update(bytes).digest('hex') : String(Math.random());
}

/** The mask of a file: a colour channel as it is, or what is transparent. */
export async function maskFrom(path: string, channel: string): Promise<Mask> {
  const { data, info } = await sharp(path)
    .rotate()
    .toColourspace('srgb')
    .ensureAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  const { width, height } = info;
  const { hasAlpha } = await sharp(path).metadata();
  if (channel === 'alpha' && !hasAlpha) return NOTHING;
  const offset = channel === 'alpha' ? 3 : CHANNELS.findIndex((one) => one === channel) - 1;
  const plane = Buffer.alloc(width * height);
  for (let i = 0; i < plane.length; i++) {
    const value = data[4 * i + offset] as number;
    plane[i] = channel === 'alpha' ? 255 - value : value;
  }
  return { width, height, data: plane };
}

const loadImageMask: NodeClass = {
  name: 'LoadImageMask',
  displayName: 'Load Image (as Mask)',
  category: 'image',
  before: { category: 'mask' },
  module: 'nodes',
  inputs: (world) => ({ image: [world.inputNames, { image_upload: true }], channel: [CHANNELS] }),
  checks: { image: imageExists },
  outputs: ['MASK'],
  searchAliases: ['import mask', 'alpha mask', 'channel mask'],
  essentials: 'Image Tools',
  fingerprint: fileFingerprint,
  run: async (inputs, run) => {
    const name = text(inputs, 'image');
    const path = run.world.folders.source(name) ?? '';
    const mask = await maskFrom(path, text(inputs, 'channel')).catch(() => {
      throw new PythonError('PIL.UnidentifiedImageError', `cannot identify image file ${JSON.stringify(name)}`);
    });
    return { outputs: [mask] };
  },
};

const maskToImage: NodeClass = {
  name: 'MaskToImage',
  displayName: 'Convert Mask to Image',
  category: 'image/mask',
  before: { category: 'mask' },
  module: 'comfy_extras.nodes_mask',
  modern: true,
  inputs: () => ({ mask: ['MASK', {}] }),
  outputs: ['IMAGE'],
  searchAliases: ['convert mask'],
  run: (inputs) => {
    const { width, height, data } = linked<Mask>(inputs, 'mask');
    const rgb = Buffer.alloc(data.length * 3);
    for (let i = 0; i < data.length; i++) rgb.fill(data[i] as number, 3 * i, 3 * i + 3);
    const picture: Picture = { width, height, data: rgb };
    return Promise.resolve({ outputs: [[picture]] });
  },
};

export const masks: readonly NodeClass[] = [loadImageMask, maskToImage];
