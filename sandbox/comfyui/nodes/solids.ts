import { saveOne } from './saving.js';
import { combo, hidden, prefix } from './specs.js';
import { glb } from './stand-ins.js';
import type { NodeClass } from './types.js';
import { linked, type Latent } from './values.js';

interface Mesh {
  readonly about: string;
}

const decode: NodeClass = {
  name: 'VAEDecodeHunyuan3D',
  displayName: 'VAE Decode Hunyuan3D',
  category: 'model/latent/hunyuan 3d',
  before: { displayName: null, category: 'latent/3d' },
  module: 'comfy_extras.nodes_hunyuan3d',
  modern: true,
  inputs: () => ({
    samples: ['LATENT', {}],
    vae: ['VAE', {}],
    num_chunks: ['INT', { advanced: true, default: 8000, min: 1000, max: 500000 }],
    octree_resolution: ['INT', { advanced: true, default: 256, min: 16, max: 512 }],
  }),
  outputs: ['VOXEL'],
  run: (inputs) => {
    const { width, height } = linked<Latent>(inputs, 'samples');
    const mesh: Mesh = { about: `of a ${width} x ${height} latent` };
    return Promise.resolve({ outputs: [mesh] });
  },
};

const voxelToMesh: NodeClass = {
  name: 'VoxelToMesh',
  displayName: 'Voxel to Mesh',
  description: 'Makes a mesh of voxels.',
  category: '3d',
  before: { displayName: null },
  module: 'comfy_extras.nodes_hunyuan3d',
  modern: true,
  inputs: () => ({
    voxel: ['VOXEL', {}],
    algorithm: combo(['surface net', 'basic']),
    threshold: ['FLOAT', { default: 0.6, min: -1, max: 1, step: 0.01 }],
  }),
  outputs: ['MESH'],
  run: (inputs) => Promise.resolve({ outputs: [linked<Mesh>(inputs, 'voxel')] }),
};

const saveGlb: NodeClass = {
  name: 'SaveGLB',
  displayName: 'Save 3D Model',
  category: '3d',
  module: 'comfy_extras.nodes_save_3d',
  modern: true,
  isOutput: true,
  inputs: () => ({ mesh: ['MESH', { tooltip: 'The mesh.' }], filename_prefix: prefix('3d/ComfyUI') }),
  hidden,
  outputs: [],
  searchAliases: ['save mesh'],
  essentials: 'Basics',
  run: async (inputs, run) => {
    const bytes = glb(linked<Mesh>(inputs, 'mesh').about);
    return { outputs: [], ui: { '3d': [await saveOne(inputs, { bytes, extension: 'glb', run })] } };
  },
};

export const solids: readonly NodeClass[] = [decode, voxelToMesh, saveGlb];
