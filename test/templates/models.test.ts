import { expect, test } from 'vitest';
import { modelSet, modelsOf } from '../../templates/models.js';

const graph = {
  '1': { class_type: 'CheckpointLoaderSimple', inputs: { ckpt_name: 'b.safetensors' } },
  '2': { class_type: 'LoraLoader', inputs: { model: ['1', 0], lora_name: 'a.safetensors', strength_model: 1 } },
  '3': { class_type: 'SomeLoader', inputs: { weights: 'c.gguf', note: 'not a.model' } },
  '4': { class_type: 'VAELoader', inputs: { vae_name: 'pixel_space' } },
  '5': { class_type: 'CheckpointLoaderSimple', inputs: { ckpt_name: 'b.safetensors' } },
  '6': { class_type: 'CLIPTextEncode', inputs: { text: 'a model' } },
};

test('the models of a graph, each once, sorted', () => {
  expect(modelsOf(graph)).toEqual(['a.safetensors', 'b.safetensors', 'c.gguf', 'pixel_space']);
});

test('a set has one name, whatever draws with it; none has none', () => {
  expect(modelSet(modelsOf(graph))).toMatch(/^[0-9a-f]{12}$/);
  const { '6': _, ...others } = graph;
  expect(modelSet(modelsOf(others))).toBe(modelSet(modelsOf(graph)));
  expect(modelSet(['a', 'b'])).not.toBe(modelSet(['ab']));
  expect(modelSet([])).toBeUndefined();
});
