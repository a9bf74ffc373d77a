import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { isDict, PythonError, type Dict } from '../graph.js';
import { assemblePng, encodePixels } from '../png.js';
import { imageExists } from '../checks.js';
import { pixelsOf } from '../shelf.js';
import { fileFingerprint, maskFrom } from './masks.js';
import { counted, placeFor, write } from './saving.js';
import { hidden } from './specs.js';
import type { NodeClass, NodeResult, NodeRun } from './types.js';
import { linked, text, type Images, type Picture } from './values.js';

const loadImage: NodeClass = {
  name: 'LoadImage',
  displayName: 'Load Image',
  category: 'image',
  module: 'nodes',
  inputs: (world) => ({ image: [world.inputNames, { image_upload: true }] }),
  checks: { image: imageExists },
  outputs: ['IMAGE', 'MASK'],
  searchAliases: ['load image'],
  essentials: 'Basics',
  fingerprint: fileFingerprint,
  run: async (inputs, run) => {
    const name = text(inputs, 'image');
    const path = run.world.folders.source(name) ?? '';
    try {
      const bytes = await readFile(path);
      const source = createHash('sha256').update(bytes).digest('hex');
      const picture: Picture = { ...(await pixelsOf(bytes)), source };
      return { outputs: [[picture], await maskFrom(path, 'alpha')] };
    } catch {
      throw new PythonError('PIL.UnidentifiedImageError', `cannot identify image file ${JSON.stringify(name)}`);
    }
  },
};

/** The text chunks of a saved PNG: the graph, and each key of extra_pnginfo. */
function notes(run: NodeRun): Dict {
  if (!run.world.metadata) return {};
  const extra = run.extraData.extra_pnginfo ?? {};
  if (isDict(extra)) return { prompt: run.graph, ...extra };
  if (typeof extra !== 'string' && !Array.isArray(extra)) throw new PythonError('TypeError', 'object is not iterable');
  if (extra.length === 0) return { prompt: run.graph };
  const kind = typeof extra === 'string' ? 'string' : 'list';
  throw new PythonError('TypeError', `${kind} indices must be integers, not 'str'`);
}

/** %width%, %height% and the date tokens of a filename prefix. */
function expand(prefix: string, { picture, now }: { picture: Picture; now: Date }): string {
  const { width, height } = picture;
  const two = (n: number): string => String(n).padStart(2, '0');
  const tokens: Record<string, string> = {
    width: String(width),
    height: String(height),
    year: String(now.getFullYear()),
    month: two(now.getMonth() + 1),
    day: two(now.getDate()),
    hour: two(now.getHours()),
    minute: two(now.getMinutes()),
    second: two(now.getSeconds()),
  };
  return prefix.replace(/%(\w+)%/g, (all, token: string) => tokens[token] ?? all);
}

async function save(
  images: Images,
  { type, prefix, level, run }: { type: 'output' | 'temp'; prefix: string; level: number; run: NodeRun },
): Promise<NodeResult> {
  const [first] = images;
  if (!first) return { outputs: [images], ui: { images: [] } };
  const place = await placeFor(expand(prefix, { picture: first, now: new Date(run.world.now()) }), { type, run });
  const saved: Dict[] = [];
  for (const [i, picture] of images.entries()) {
    const stem = place.name.replaceAll('%batch_num%', String(i));
    const filename = `${stem}_${counted(place.counter + i)}_.png`;
    const pixels = picture.encoded ?? (await encodePixels(picture, level));
    saved.push(write(assemblePng(pixels, notes(run)), { place, filename, type, run }));
  }
  return { outputs: [images], ui: { images: saved } };
}

const sink = {
  category: 'image',
  module: 'nodes',
  isOutput: true,
  outputs: ['IMAGE'],
  outputNames: ['images'],
  hidden,
  essentials: 'Basics',
} as const;

const saveImage: NodeClass = {
  ...sink,
  name: 'SaveImage',
  displayName: 'Save Image',
  description: 'Saves images to the output folder.',
  searchAliases: ['save'],
  inputs: () => ({
    images: ['IMAGE', { tooltip: 'The images.' }],
    filename_prefix: ['STRING', { default: 'ComfyUI', tooltip: 'Start of the file name.' }],
  }),
  run: (inputs, run) =>
    save(linked<Images>(inputs, 'images'), { type: 'output', prefix: text(inputs, 'filename_prefix'), level: 4, run }),
};

const previewSuffix = Array.from({ length: 5 }, () => String.fromCharCode(97 + Math.floor(Math.random() * 26))).join(
  '',
);

const previewImage: NodeClass = {
  ...sink,
  name: 'PreviewImage',
  displayName: 'Preview Image',
  description: 'Shows images without keeping them.',
  searchAliases: ['preview'],
  inputs: () => ({ images: ['IMAGE'] }),
  run: (inputs, run) =>
    save(linked<Images>(inputs, 'images'), { type: 'temp', prefix: `ComfyUI_temp_${previewSuffix}`, level: 1, run }),
};

const saveImageWebsocket: NodeClass = {
  name: 'SaveImageWebsocket',
  displayName: 'Save Image (Websocket)',
  category: 'image',
  before: { displayName: 'SaveImageWebsocket', category: 'api/image' },
  module: 'custom_nodes.websocket_image_save',
  isOutput: true,
  outputs: [],
  searchAliases: [],
  fingerprint: () => Promise.resolve(String(Math.random())), // runs each time
  inputs: () => ({ images: ['IMAGE'] }),
  run: async (inputs, run) => {
    const images = linked<Images>(inputs, 'images');
    for (const [i, picture] of images.entries()) {
      const bytes = assemblePng(picture.encoded ?? (await encodePixels(picture, 4)), {});
      run.progress(i, images.length, { format: 'png', bytes });
    }
    return { outputs: [] };
  },
};

export const files: readonly NodeClass[] = [loadImage, saveImage, previewImage, saveImageWebsocket];
