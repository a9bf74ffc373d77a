import type { Conditioning, Model } from './values.js';
import { linked, text } from './values.js';
import type { NodeClass } from './types.js';

const checkpointLoader: NodeClass = {
  name: 'CheckpointLoaderSimple',
  displayName: 'Load Checkpoint',
  category: 'model/loaders',
  description: 'Loads a checkpoint.',
  module: 'nodes',
  inputs: (world) => ({ ckpt_name: [world.checkpoints, { tooltip: 'The checkpoint.' }] }),
  outputs: ['MODEL', 'CLIP', 'VAE'],
  outputTooltips: ['The model.', 'The text encoder.', 'The VAE.'],
  searchAliases: ['checkpoint'],
  run: async (inputs, run) => {
    const model: Model = { checkpoint: text(inputs, 'ckpt_name') };
    await run.world.models.use(model.checkpoint, run);
    return { outputs: [model, model, model] };
  },
};

const clipTextEncode: NodeClass = {
  name: 'CLIPTextEncode',
  displayName: 'CLIP Text Encode (Prompt)',
  category: 'model/conditioning',
  description: 'Encodes a prompt.',
  module: 'nodes',
  inputs: () => ({
    text: ['STRING', { multiline: true, dynamicPrompts: true, tooltip: 'The prompt.' }],
    clip: ['CLIP', { tooltip: 'The text encoder.' }],
  }),
  outputs: ['CONDITIONING'],
  outputTooltips: ['The encoded prompt.'],
  searchAliases: ['prompt'],
  run: (inputs) => {
    linked(inputs, 'clip');
    const conditioning: Conditioning = { text: text(inputs, 'text') };
    return Promise.resolve({ outputs: [conditioning] });
  },
};

const referenceLatent: NodeClass = {
  name: 'ReferenceLatent',
  displayName: 'Set Reference Latent',
  category: 'model/conditioning',
  before: { displayName: null, category: 'advanced/conditioning/edit_models' },
  description:
    'This node sets the guiding latent for an edit model. If the model supports it you can chain multiple to set multiple reference images.',
  module: 'comfy_extras.nodes_edit_model',
  modern: true,
  inputs: () => ({ conditioning: ['CONDITIONING', {}] }),
  optional: () => ({ latent: ['LATENT', {}] }),
  outputs: ['CONDITIONING'],
  searchAliases: null,
  // The checkpoints here are no edit models: they take the text alone.
  run: (inputs) => Promise.resolve({ outputs: [linked<Conditioning>(inputs, 'conditioning')] }),
};

export const loaders: readonly NodeClass[] = [checkpointLoader, clipTextEncode, referenceLatent];
