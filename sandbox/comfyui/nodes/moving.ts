import sharp from 'sharp';
import { assembleApng } from '../apng.js';
import { PythonError, type Dict } from '../graph.js';
import { encodePixels } from '../png.js';
import { saveOne } from './saving.js';
import { combo, framesPerSecond, hidden, prefix } from './specs.js';
import { mp4, webm } from './stand-ins.js';
import type { NodeClass } from './types.js';
import { linked, number, type Images, type Picture } from './values.js';

interface Video {
  readonly frames: number;
  readonly fps: number;
}

function first(images: Images): Picture {
  const [picture] = images;
  if (!picture) throw new PythonError('IndexError', 'list index out of range');
  return picture;
}

async function animatedWebp(images: Images, inputs: Dict): Promise<Buffer> {
  const { width, height } = first(images);
  const strip = Buffer.concat(images.map(({ data }) => data));
  const raw = { width, height: height * images.length, channels: 3, pageHeight: height } as const;
  const delay = images.map(() => Math.round(1000 / number(inputs, 'fps')));
  const options = {
    lossless: inputs.lossless === true,
    quality: Math.max(1, number(inputs, 'quality')),
    delay,
    loop: 0,
  };
  return sharp(strip, { raw }).webp(options).toBuffer();
}

const saveAnimatedWebp: NodeClass = {
  name: 'SaveAnimatedWEBP',
  displayName: 'Save Animated WEBP',
  category: 'image',
  before: { displayName: null, category: 'image/animation' },
  module: 'comfy_extras.nodes_images',
  modern: true,
  isOutput: true,
  inputs: () => ({
    images: ['IMAGE', {}],
    filename_prefix: prefix('ComfyUI'),
    fps: framesPerSecond(6),
    lossless: ['BOOLEAN', { default: true }],
    quality: ['INT', { default: 80, min: 0, max: 100 }],
    method: combo(['default', 'fastest', 'slowest']),
  }),
  hidden,
  outputs: ['IMAGE'],
  outputNames: ['images'],
  run: async (inputs, run) => {
    const images = linked<Images>(inputs, 'images');
    const file = await saveOne(inputs, { bytes: await animatedWebp(images, inputs), extension: 'webp', run });
    return { outputs: [images], ui: { images: [file], animated: [true] } };
  },
};

const saveAnimatedPng: NodeClass = {
  name: 'SaveAnimatedPNG',
  displayName: 'Save Animated PNG',
  category: 'image',
  before: { displayName: null, category: 'image/animation' },
  module: 'comfy_extras.nodes_images',
  modern: true,
  isOutput: true,
  inputs: () => ({
    images: ['IMAGE', {}],
    filename_prefix: prefix('ComfyUI'),
    fps: framesPerSecond(6),
    compress_level: ['INT', { advanced: true, default: 4, min: 0, max: 9 }],
  }),
  hidden,
  outputs: ['IMAGE'],
  outputNames: ['images'],
  run: async (inputs, run) => {
    const images = linked<Images>(inputs, 'images');
    const level = number(inputs, 'compress_level');
    const frames = await Promise.all(images.map((picture) => encodePixels(picture, level)));
    const bytes = assembleApng(frames, Math.min(65535, Math.round(1000 / number(inputs, 'fps'))));
    const file = await saveOne(inputs, { bytes, extension: 'png', run });
    return { outputs: [images], ui: { images: [file], animated: [true] } };
  },
};

const createVideo: NodeClass = {
  name: 'CreateVideo',
  displayName: 'Create Video',
  description: 'Makes a video of pictures.',
  category: 'video',
  before: { category: 'image/video' },
  module: 'comfy_extras.nodes_video',
  modern: true,
  inputs: () => ({
    images: ['IMAGE', { tooltip: 'The pictures.' }],
    fps: ['FLOAT', { default: 30, min: 1, max: 120, step: 1 }],
  }),
  optional: () => ({
    audio: ['AUDIO', { tooltip: 'The sound.' }],
    bit_depth: ['INT', { tooltip: 'Bits a sample.', default: 8, min: 8, max: 10, step: 2, display: 'number' }],
  }),
  outputs: ['VIDEO'],
  searchAliases: ['images to video'],
  run: (inputs) => {
    const video: Video = { frames: linked<Images>(inputs, 'images').length, fps: number(inputs, 'fps') };
    return Promise.resolve({ outputs: [video] });
  },
};

const saveVideo: NodeClass = {
  name: 'SaveVideo',
  displayName: 'Save Video',
  description: 'Saves a video to the output folder.',
  category: 'video',
  before: { category: 'image/video' },
  module: 'comfy_extras.nodes_video',
  modern: true,
  isOutput: true,
  inputs: () => ({
    video: ['VIDEO', { tooltip: 'The video.' }],
    filename_prefix: ['STRING', { tooltip: 'Start of the file name.', default: 'video/ComfyUI', multiline: false }],
    format: combo(['auto', 'mp4'], 'auto'),
    codec: combo(['auto', 'h264'], 'auto'),
  }),
  hidden,
  outputs: ['VIDEO'],
  outputNames: ['video'],
  run: async (inputs, run) => {
    const video = linked<Video>(inputs, 'video');
    const bytes = mp4(`${video.frames} frames at ${video.fps}/s`);
    const file = await saveOne(inputs, { bytes, extension: 'mp4', run });
    return { outputs: [video], ui: { images: [file], animated: [true] } };
  },
};

const saveWebm: NodeClass = {
  name: 'SaveWEBM',
  displayName: 'Save WEBM',
  category: 'video',
  before: { displayName: null, category: 'image/video' },
  module: 'comfy_extras.nodes_video',
  modern: true,
  isOutput: true,
  inputs: () => ({
    images: ['IMAGE', { tooltip: 'The pictures.' }],
    filename_prefix: prefix('ComfyUI'),
    codec: combo(['vp9', 'av1']),
    fps: framesPerSecond(24),
    crf: ['FLOAT', { tooltip: 'Quality: lower is better.', default: 32, min: 0, max: 63, step: 1 }],
  }),
  hidden,
  outputs: ['IMAGE'],
  outputNames: ['images'],
  searchAliases: ['export webm'],
  run: async (inputs, run) => {
    const images = linked<Images>(inputs, 'images');
    const bytes = webm(`${images.length} frames at ${number(inputs, 'fps')}/s`);
    const file = await saveOne(inputs, { bytes, extension: 'webm', run });
    return { outputs: [images], ui: { images: [file], animated: [true] } };
  },
};

export const moving: readonly NodeClass[] = [saveAnimatedWebp, saveAnimatedPng, createVideo, saveVideo, saveWebm];
