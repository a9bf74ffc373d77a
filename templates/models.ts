/** Which models a graph loads: requests that load the same draw on the same ComfyUIs. */
import { createHash } from 'node:crypto';
import type { Graph } from './types.js';

/** Inputs of ComfyUI's own loaders, and files that hold weights wherever a node names them. */
const MODEL_FIELD =
  /^(ckpt|unet|vae|clip|lora|control_net|controlnet|style_model|clip_vision|gligen|hypernetwork|upscale_model|text_encoder|diffusion_model|model)(_name)?\d*$/;
const MODEL_FILE = /\.(safetensors|sft|ckpt|pt|pth|bin|gguf|onnx)$/i;

/** Every place of the graph that names a model. */
export function modelFields(graph: Graph): { node: string; field: string; model: string }[] {
  return Object.entries(graph).flatMap(([node, { inputs }]) =>
    Object.entries(inputs).flatMap(([field, value]) =>
      typeof value === 'string' && value !== '' && (MODEL_FILE.test(value) || MODEL_FIELD.test(field))
        ? [{ node, field, model: value }]
        : [],
    ),
  );
}

/**
 * The names of the models that a graph loads, each once, sorted.
 *
 * @example
 * modelsOf(graph); // ['sd_xl_base_1.0.safetensors', 'wheel.safetensors']
 */
export const modelsOf = (graph: Graph): string[] => [...new Set(modelFields(graph).map(({ model }) => model))].sort();

/** A short name of a set of models; undefined for none. */
export const modelSet = (models: readonly string[]): string | undefined =>
  models.length === 0 ? undefined : createHash('sha256').update(models.join('\n')).digest('hex').slice(0, 12);
