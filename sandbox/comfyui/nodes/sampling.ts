import { PythonError, type Dict } from '../graph.js';
import type { Paint } from '../options.js';
import { POOL_SIZE } from '../pool.js';
import { MAX_SEED, SAMPLERS, SCHEDULERS } from './choices.js';
import { trouble } from './trouble.js';
import type { NodeClass, NodeRun } from './types.js';
import { linked, number, type Conditioning, type Images, type Latent, type Picture } from './values.js';

/** Shortest time between two progress messages, in ms; ComfyUI's own throttle. */
const TICK_MS = 100;
/** Pixels of a side that one latent cell stands for. */
const CELL = 8;
/** Seeds stay whole numbers below this one when a batch derives further ones. */
const SEED_RANGE = Number.MAX_SAFE_INTEGER;

const emptyLatent: NodeClass = {
  name: 'EmptyLatentImage',
  displayName: 'Empty Latent Image',
  category: 'model/latent',
  description: 'An empty latent to sample from.',
  module: 'nodes',
  inputs: () => ({
    width: ['INT', { default: 512, min: 16, max: 16384, step: 8, tooltip: 'Width in pixels.' }],
    height: ['INT', { default: 512, min: 16, max: 16384, step: 8, tooltip: 'Height in pixels.' }],
    batch_size: ['INT', { default: 1, min: 1, max: 4096, tooltip: 'Number of latents.' }],
  }),
  outputs: ['LATENT'],
  outputTooltips: ['The empty latent.'],
  searchAliases: ['empty'],
  run: (inputs) => {
    const cells = (name: string): number => Math.floor(number(inputs, name) / CELL) * CELL;
    const latent: Latent = { width: cells('width'), height: cells('height'), batch: number(inputs, 'batch_size') };
    return Promise.resolve({ outputs: [latent] });
  },
};

async function painted(paint: Paint, ask: Parameters<Paint>[0]): Promise<{ picture: Picture; labels: unknown }> {
  const { data, labels } = await paint(ask);
  return { picture: { width: ask.width, height: ask.height, data }, labels };
}

async function draw(ask: { prompt: string; seed: number; latent: Latent }, run: NodeRun): Promise<Images> {
  const { pool, paint, ledger } = run.world;
  const { width, height, batch } = ask.latent;
  const pictures: Picture[] = [];
  for (let i = 0; i < batch; i++) {
    const seed = (ask.seed + i * 0x9e3779b9) % SEED_RANGE;
    const ready = width === POOL_SIZE && height === POOL_SIZE ? pool?.take(seed) : undefined;
    const { picture, labels } = ready ?? (await painted(paint, { prompt: ask.prompt, seed, width, height }));
    pictures.push(picture);
    if (i === 0) ledger.drew(run.promptId, { seed: ask.seed, prompt: ask.prompt, width, height, labels });
  }
  return pictures;
}

/** Reports the steps as they would pass between `startMs` and `endMs`: the first, the last, and at most ten a second between. */
async function tick(
  steps: number,
  { startMs, endMs, run }: { startMs: number; endMs: number; run: NodeRun },
): Promise<void> {
  const stepMs = (endMs - startMs) / steps;
  let sentMs = 0;
  for (let step = 1; step <= steps; step++) {
    const due = startMs + step * stepMs;
    const notable = step === 1 || step === steps || due - sentMs >= TICK_MS;
    if (!notable) continue;
    await run.pause(due);
    run.progress(step, steps);
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
    const startMs = Date.now();
    linked(inputs, 'model');
    const latent = linked<Latent>(inputs, 'latent_image');
    const { text: prompt } = linked<Conditioning>(inputs, 'positive');
    const seed = number(inputs, 'seed');
    if (number(inputs, 'denoise') < 1 || latent.pictures) {
      throw new PythonError('NotImplementedError', 'This sandbox samples from empty latents with denoise 1 only.');
    }
    await trouble(seed, run);
    const pictures = await draw({ prompt, seed, latent }, run);
    await tick(number(inputs, 'steps'), { startMs, endMs: startMs + run.world.secondsPerImage * 1000, run });
    const sampled: Latent = { ...latent, pictures };
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

export const sampling: readonly NodeClass[] = [emptyLatent, kSampler, vaeDecode];
