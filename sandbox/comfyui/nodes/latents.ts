import { saveOne } from './saving.js';
import { hidden } from './specs.js';
import type { NodeClass } from './types.js';
import { linked, number, type Latent } from './values.js';

/** Pixels of a side that one latent cell stands for. */
const CELL = 8;

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

/** A latent as a file: a safetensors container without tensors. */
function latentFile({ width, height, batch }: Latent): Buffer {
  const head = Buffer.from(JSON.stringify({ __metadata__: { latent: `${batch} x ${width} x ${height}` } }));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(head.length));
  return Buffer.concat([length, head]);
}

const saveLatent: NodeClass = {
  name: 'SaveLatent',
  displayName: 'Save Latent',
  category: 'model/latent',
  before: { displayName: 'SaveLatent', category: '_for_testing' },
  module: 'nodes',
  isOutput: true,
  inputs: () => ({ samples: ['LATENT'], filename_prefix: ['STRING', { default: 'latents/ComfyUI' }] }),
  hidden,
  outputs: ['LATENT'],
  outputNames: ['samples'],
  searchAliases: ['export latent'],
  run: async (inputs, run) => {
    const latent = linked<Latent>(inputs, 'samples');
    const file = await saveOne(inputs, { bytes: latentFile(latent), extension: 'latent', run });
    return { outputs: [latent], ui: { latents: [file] } };
  },
};

export const latents: readonly NodeClass[] = [emptyLatent, saveLatent];
