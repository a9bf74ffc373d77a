import sharp from 'sharp';
import { alter } from '../../photos/index.js';
import type { Preview } from '../frames.js';
import { PythonError, type Dict } from '../graph.js';
import { PREVIEW_METHODS, type Paint } from '../options.js';
import { POOL_SIZE } from '../pool.js';
import { knownPhoto } from '../shelf.js';
import { MAX_SEED, SAMPLERS, SCHEDULERS } from './choices.js';
import { trouble } from './trouble.js';
import type { NodeClass, NodeRun } from './types.js';
import { linked, number, type Conditioning, type Images, type Latent, type Model, type Picture } from './values.js';

/** Shortest time between two progress messages, in ms; ComfyUI's own throttle. */
const TICK_MS = 100;
/** Longest side of a preview in pixels. */
const PREVIEW_SIDE = 512;
/** Seeds stay whole numbers below this one when a batch derives further ones. */
const SEED_RANGE = Number.MAX_SAFE_INTEGER;

async function painted(paint: Paint, ask: Parameters<Paint>[0]): Promise<{ picture: Picture; labels: unknown }> {
  const { data, labels } = await paint(ask);
  return { picture: { width: ask.width, height: ask.height, data }, labels };
}

const seedOf = (seed: number, nth: number): number => (seed + nth * 0x9e3779b9) % SEED_RANGE;

async function draw(ask: { prompt: string; seed: number; latent: Latent }, run: NodeRun): Promise<Images> {
  const { pool, paint, ledger } = run.world;
  const { width, height, batch } = ask.latent;
  const pictures: Picture[] = [];
  for (let i = 0; i < batch; i++) {
    const seed = seedOf(ask.seed, i);
    const ready = width === POOL_SIZE && height === POOL_SIZE ? pool?.take(seed) : undefined;
    const { picture, labels } = ready ?? (await painted(paint, { prompt: ask.prompt, seed, width, height }));
    pictures.push(picture);
    if (i === 0) ledger.drew(run.promptId, { seed: ask.seed, prompt: ask.prompt, width, height, labels });
  }
  return pictures;
}

/** Image to image: each picture of the latent with changes. Nothing is taken away, nothing is changed. */
async function redraw(
  ask: { prompt: string; seed: number; latent: Latent; denoise: number },
  run: NodeRun,
): Promise<Images> {
  const { prompt, seed, latent, denoise } = ask;
  const pictures: Picture[] = [];
  for (const [i, picture] of (latent.pictures ?? []).entries()) {
    const known = await run.world.photos.find(picture.source);
    const photo = knownPhoto(picture, known);
    const one = await alter({ photo, others: known?.others ?? [], prompt, seed: seedOf(seed, i) });
    const { data, width, height, labels } = one;
    pictures.push(denoise === 0 ? picture : { data, width, height });
    if (i === 0)
      run.world.ledger.drew(run.promptId, { seed, prompt, width, height, labels: denoise === 0 ? {} : labels });
  }
  return pictures;
}

/** The picture that a sampler shows with every step, where previews are wanted. */
async function preview([first]: Images, { world, extraData }: NodeRun): Promise<Preview | undefined> {
  const asked = PREVIEW_METHODS.find((method) => method === extraData.preview_method);
  if (!first || (asked ?? world.previewMethod) === 'none') return undefined;
  const { width, height, data } = first;
  const small = sharp(data, { raw: { width, height, channels: 3 } }).resize(PREVIEW_SIDE, PREVIEW_SIDE, {
    fit: 'inside',
  });
  return { format: 'jpeg', bytes: await small.jpeg({ quality: 95 }).toBuffer() };
}

/**
 * Reports the steps as they would pass between `startMs` and `endMs`: the first, the last, and at most ten a second between.
 * Those that show a picture are all reported.
 */
async function tick(
  steps: number,
  { startMs, endMs, run, preview }: { startMs: number; endMs: number; run: NodeRun; preview: Preview | undefined },
): Promise<void> {
  const stepMs = (endMs - startMs) / steps;
  let sentMs = 0;
  for (let step = 1; step <= steps; step++) {
    const due = startMs + step * stepMs;
    const notable = preview !== undefined || step === 1 || step === steps || due - sentMs >= TICK_MS;
    if (!notable) continue;
    await run.pause(due);
    run.progress(step, steps, preview);
    sentMs = due;
  }
}

const kSampler: NodeClass = {
  name: 'KSampler',
  displayName: 'KSampler',
  category: 'model/sampling',
  description: 'Denoises a latent.',
  module: 'nodes',
  inputs: () => ({
    model: ['MODEL', { tooltip: 'The model.' }],
    seed: ['INT', { default: 0, min: 0, max: MAX_SEED, control_after_generate: true, tooltip: 'The seed.' }],
    steps: ['INT', { default: 20, min: 1, max: 10000, tooltip: 'Number of steps.' }],
    cfg: ['FLOAT', { default: 8, min: 0, max: 100, step: 0.1, round: 0.01, tooltip: 'Guidance scale.' }],
    sampler_name: [SAMPLERS, { tooltip: 'The sampler.' }],
    scheduler: [SCHEDULERS, { tooltip: 'The scheduler.' }],
    positive: ['CONDITIONING', { tooltip: 'What to include.' }],
    negative: ['CONDITIONING', { tooltip: 'What to exclude.' }],
    latent_image: ['LATENT', { tooltip: 'The latent.' }],
    denoise: ['FLOAT', { default: 1, min: 0, max: 1, step: 0.01, tooltip: 'Share of denoising.' }],
  }),
  outputs: ['LATENT'],
  outputTooltips: ['The denoised latent.'],
  searchAliases: ['sampler'],
  run: async (inputs: Dict, run) => {
    const { checkpoint } = linked<Model>(inputs, 'model');
    const latent = linked<Latent>(inputs, 'latent_image');
    const { text: prompt } = linked<Conditioning>(inputs, 'positive');
    const seed = number(inputs, 'seed');
    const denoise = number(inputs, 'denoise');
    if (latent.pictures ? !latent.isEncoded : denoise < 1) {
      const what = 'This sandbox samples from empty latents with denoise 1, and from encoded images.';
      throw new PythonError('NotImplementedError', what);
    }
    await trouble(seed, run);
    await run.world.models.use(checkpoint, run);
    const startMs = Date.now();
    const ask = { prompt, seed, latent };
    const pictures = latent.pictures && denoise < 1 ? await redraw({ ...ask, denoise }, run) : await draw(ask, run);
    const endMs = startMs + run.world.secondsPerImage * 1000;
    await tick(number(inputs, 'steps'), { startMs, endMs, run, preview: await preview(pictures, run) });
    const { isEncoded: _, ...rest } = latent;
    const sampled: Latent = { ...rest, pictures };
    return { outputs: [sampled] };
  },
};

const vaeDecode: NodeClass = {
  name: 'VAEDecode',
  displayName: 'VAE Decode',
  category: 'model/latent',
  description: 'Turns a latent into an image.',
  module: 'nodes',
  inputs: () => ({
    samples: ['LATENT', { tooltip: 'The latent.' }],
    vae: ['VAE', { tooltip: 'The VAE.' }],
  }),
  outputs: ['IMAGE'],
  outputTooltips: ['The image.'],
  searchAliases: ['decode'],
  run: (inputs) => {
    linked(inputs, 'vae');
    const { pictures, width, height, batch } = linked<Latent>(inputs, 'samples');
    const grey = (): Picture => ({ width, height, data: Buffer.alloc(width * height * 3, 127) });
    return Promise.resolve({ outputs: [pictures ?? Array.from({ length: batch }, grey)] });
  },
};

/** Pixels of a side that one latent cell stands for. */
const CELL = 8;

/** What a latent holds of a picture: whole cells, from its middle. */
async function wholeCells(picture: Picture): Promise<Picture> {
  const [width, height] = [picture.width, picture.height].map((side) => Math.floor(side / CELL) * CELL);
  if (width === undefined || height === undefined) return picture;
  if (width === picture.width && height === picture.height) return picture;
  const whole = sharp(picture.data, { raw: { width: picture.width, height: picture.height, channels: 3 } });
  const left = Math.floor((picture.width - width) / 2);
  const top = Math.floor((picture.height - height) / 2);
  const { source } = picture;
  const data = await whole.extract({ left, top, width, height }).raw().toBuffer();
  return { width, height, data, ...(source !== undefined && { source }) };
}

const vaeEncode: NodeClass = {
  name: 'VAEEncode',
  displayName: 'VAE Encode',
  category: 'model/latent',
  module: 'nodes',
  inputs: () => ({ pixels: ['IMAGE'], vae: ['VAE'] }),
  outputs: ['LATENT'],
  searchAliases: ['encode', 'encode image', 'image to latent'],
  run: async (inputs) => {
    linked(inputs, 'vae');
    const pictures = await Promise.all(linked<Images>(inputs, 'pixels').map(wholeCells));
    const { width = 0, height = 0 } = pictures[0] ?? {};
    const latent: Latent = { width, height, batch: pictures.length, pictures, isEncoded: true };
    return { outputs: [latent] };
  },
};

export const sampling: readonly NodeClass[] = [kSampler, vaeDecode, vaeEncode];
