import sharp from 'sharp';
import { PythonError, type Dict } from '../graph.js';
import { MAX_SEED } from './choices.js';
import { addNoise, blur, generator } from './pixels.js';
import type { InputSpec, NodeClass } from './types.js';
import { linked, number, text, type Images, type Picture } from './values.js';

/** Largest tensor that the pretended machine can hold, in bytes. */
const MAX_TENSOR = 64 * 1024 ** 3;

const emptyImage: NodeClass = {
  name: 'EmptyImage',
  displayName: 'Empty Image',
  category: 'image',
  before: { displayName: 'EmptyImage' },
  module: 'nodes',
  inputs: () => ({
    width: ['INT', { default: 512, min: 1, max: 16384, step: 1 }],
    height: ['INT', { default: 512, min: 1, max: 16384, step: 1 }],
    batch_size: ['INT', { default: 1, min: 1, max: 4096 }],
    color: ['INT', { default: 0, min: 0, max: 0xffffff, step: 1, display: 'color' }],
  }),
  outputs: ['IMAGE'],
  searchAliases: [],
  run: (inputs) => {
    const [width, height, color] = [number(inputs, 'width'), number(inputs, 'height'), number(inputs, 'color')];
    const rgb = Buffer.from([color >> 16, (color >> 8) & 255, color & 255]);
    const bytes = width * height * number(inputs, 'batch_size') * 4;
    if (bytes > MAX_TENSOR) {
      const what = `DefaultCPUAllocator: can't allocate memory: you tried to allocate ${bytes} bytes.`;
      throw new PythonError(
        'RuntimeError',
        `[enforce fail at alloc_cpu.cpp] err == 0. ${what} Error code 12 (Cannot allocate memory)`,
      );
    }
    const picture: Picture = { width, height, data: Buffer.alloc(width * height * 3, rgb) };
    return Promise.resolve({ outputs: [Array.from({ length: number(inputs, 'batch_size') }, () => picture)] });
  },
};

const imageAddNoise: NodeClass = {
  name: 'ImageAddNoise',
  displayName: 'Add Noise to Image',
  category: 'image/filters',
  before: { displayName: null, category: 'image' },
  module: 'comfy_extras.nodes_images',
  modern: true,
  inputs: () => ({
    image: ['IMAGE', {}],
    seed: ['INT', { tooltip: 'The seed.', default: 0, min: 0, max: MAX_SEED, control_after_generate: true }],
    strength: ['FLOAT', { default: 0.5, min: 0, max: 1, step: 0.01 }],
  }),
  outputs: ['IMAGE'],
  searchAliases: ['film grain'],
  run: (inputs) => {
    const next = generator(number(inputs, 'seed'));
    const strength = number(inputs, 'strength');
    return Promise.resolve({ outputs: [linked<Images>(inputs, 'image').map((p) => addNoise(p, { next, strength }))] });
  },
};

const imageBlur: NodeClass = {
  name: 'ImageBlur',
  displayName: 'Blur Image',
  category: 'image/filters',
  before: { displayName: 'Image Blur', category: 'image/postprocessing' },
  module: 'comfy_extras.nodes_post_processing',
  modern: true,
  inputs: () => ({
    image: ['IMAGE', {}],
    blur_radius: ['INT', { default: 1, min: 1, max: 31, step: 1 }],
    sigma: ['FLOAT', { default: 1, min: 0.1, max: 10, step: 0.1 }],
  }),
  outputs: ['IMAGE'],
  searchAliases: null,
  run: async (inputs) => {
    const settings = { radius: number(inputs, 'blur_radius'), sigma: number(inputs, 'sigma') };
    const out: Picture[] = [];
    for (const picture of linked<Images>(inputs, 'image')) {
      const { width, height } = picture;
      if (settings.radius >= Math.min(width, height)) {
        const pad = `padding (${settings.radius}, ${settings.radius}) at dimension 3 of input [1, 3, ${height}, ${width}]`;
        throw new PythonError(
          'RuntimeError',
          `Argument #4: Padding size should be less than the corresponding input dimension, but got: ${pad}`,
        );
      }
      out.push(await blur(picture, settings));
    }
    return { outputs: [out] };
  },
};

const imageInvert: NodeClass = {
  name: 'ImageInvert',
  displayName: 'Invert Image Colors',
  category: 'image/color',
  before: { displayName: 'Invert Image', category: 'image' },
  module: 'nodes',
  inputs: () => ({ image: ['IMAGE'] }),
  outputs: ['IMAGE'],
  searchAliases: ['negative'],
  run: (inputs) => {
    const inverted = ({ width, height, data }: Picture): Picture => ({
      width,
      height,
      data: data.map((v) => 255 - v) as Buffer,
    });
    return Promise.resolve({ outputs: [linked<Images>(inputs, 'image').map(inverted)] });
  },
};

/** ComfyUI's scaling methods, and the nearest of sharp's kernels. */
const KERNELS = {
  'nearest-exact': 'nearest',
  bilinear: 'linear',
  area: 'linear',
  bicubic: 'cubic',
  lanczos: 'lanczos3',
} as const;

const size: InputSpec = ['INT', { default: 512, min: 0, max: 16384, step: 1 }];

async function scale(picture: Picture, inputs: Dict): Promise<Picture> {
  let [width, height] = [number(inputs, 'width'), number(inputs, 'height')];
  if (width === 0 && height === 0) return picture;
  if (width === 0) width = Math.max(1, Math.round((picture.width * height) / picture.height));
  if (height === 0) height = Math.max(1, Math.round((picture.height * width) / picture.width));
  const method = text(inputs, 'upscale_method') as keyof typeof KERNELS;
  const fit = text(inputs, 'crop') === 'center' ? 'cover' : 'fill';
  const { width: w, height: h, data } = picture;
  const scaled = sharp(data, { raw: { width: w, height: h, channels: 3 } });
  const resized = await scaled.resize(width, height, { fit, kernel: KERNELS[method] }).raw().toBuffer();
  const isWhole = fit === 'fill' && picture.source !== undefined;
  return { width, height, data: resized, ...(isWhole && { source: picture.source }) };
}

const imageScale: NodeClass = {
  name: 'ImageScale',
  displayName: 'Upscale Image',
  category: 'image/upscaling',
  module: 'nodes',
  inputs: () => ({
    image: ['IMAGE'],
    upscale_method: [Object.keys(KERNELS)],
    width: size,
    height: size,
    crop: [['disabled', 'center']],
  }),
  outputs: ['IMAGE'],
  searchAliases: ['resize'],
  essentials: 'Image Tools',
  run: async (inputs) => ({
    outputs: [await Promise.all(linked<Images>(inputs, 'image').map((p) => scale(p, inputs)))],
  }),
};

export const images: readonly NodeClass[] = [emptyImage, imageAddNoise, imageBlur, imageInvert, imageScale];
