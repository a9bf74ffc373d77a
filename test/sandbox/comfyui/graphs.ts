/** Graphs that the scenarios and the tests send. */
export type Graph = Record<string, { class_type: string; inputs: Record<string, unknown>; _meta?: { title: string } }>;

/** The checkpoint of the real server that the recordings were made on. */
export const CHECKPOINT = 'tiny-random-sd15.safetensors';

/** The usual text-to-image graph. */
export function txt2img(ask: {
  seed: number;
  prefix: string;
  prompt?: string;
  size?: number;
  steps?: number;
  checkpoint?: string;
}): Graph {
  const { seed, prefix, prompt = 'a red mug on a white background', size = 128, steps = 8 } = ask;
  const { checkpoint = CHECKPOINT } = ask;
  return {
    '3': {
      class_type: 'KSampler',
      inputs: {
        ...{ seed, steps, cfg: 7, sampler_name: 'euler', scheduler: 'normal', denoise: 1 },
        ...{ model: ['4', 0], positive: ['6', 0], negative: ['7', 0], latent_image: ['5', 0] },
      },
    },
    '4': { class_type: 'CheckpointLoaderSimple', inputs: { ckpt_name: checkpoint } },
    '5': { class_type: 'EmptyLatentImage', inputs: { width: size, height: size, batch_size: 1 } },
    '6': { class_type: 'CLIPTextEncode', inputs: { text: prompt, clip: ['4', 1] } },
    '7': { class_type: 'CLIPTextEncode', inputs: { text: 'blurry', clip: ['4', 1] } },
    '8': { class_type: 'VAEDecode', inputs: { samples: ['3', 0], vae: ['4', 2] } },
    '9': { class_type: 'SaveImage', inputs: { images: ['8', 0], filename_prefix: prefix } },
  };
}

/** A graph without a model: grey, noise from the seed, blur. */
export function noise(ask: { seed: number; prefix: string; size?: number; strength?: number }): Graph {
  const { seed, prefix, size = 16, strength = 0.5 } = ask;
  return {
    '1': { class_type: 'EmptyImage', inputs: { width: size, height: size, batch_size: 1, color: 8421504 } },
    '2': { class_type: 'ImageAddNoise', inputs: { image: ['1', 0], seed, strength } },
    '3': { class_type: 'ImageBlur', inputs: { image: ['2', 0], blur_radius: 3, sigma: 1.5 } },
    '4': { class_type: 'SaveImage', inputs: { images: ['3', 0], filename_prefix: prefix } },
  };
}

/** A graph with other inputs at one node. */
export function changed(graph: Graph, id: string, inputs: Record<string, unknown>): Graph {
  const node = graph[id]!;
  return { ...graph, [id]: { ...node, inputs: { ...node.inputs, ...inputs } } };
}

/** A graph without one input of a node. */
export function without(graph: Graph, id: string, input: string): Graph {
  const node = graph[id]!;
  return {
    ...graph,
    [id]: { ...node, inputs: Object.fromEntries(Object.entries(node.inputs).filter(([k]) => k !== input)) },
  };
}
