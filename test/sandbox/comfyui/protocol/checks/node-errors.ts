import sharp from 'sharp';
import { expect } from 'vitest';
import { changed, without, type Graph } from '../../graphs.js';
import { fields, pick, ran } from '../pick.js';
import type { Checks, Player } from '../player.js';

interface Reason {
  readonly type: string;
  readonly message: string;
  readonly details: string;
  readonly extra_info: Record<string, unknown>;
}

/** The first reason that the server gives for refusing a graph at a node. */
async function reason(p: Player, graph: Graph, node: string): Promise<Reason> {
  const answer = await p.post('/prompt', { prompt: graph });
  expect(answer.status, answer.text).toBe(400);
  const found = pick(answer.json, 'node_errors', node, 'errors', 0);
  expect(found, answer.text).toBeDefined();
  expect(fields(found)).toEqual(['details', 'extra_info', 'message', 'type']);
  return found as Reason;
}

const at = (graph: Graph, id: string, node: unknown): Graph => ({ ...graph, [id]: node }) as Graph;

/** Reasons for refusing a graph at a node. */
export const nodeErrors: Checks = {
  'node-error.shape': async (p) => {
    const answer = await p.post('/prompt', { prompt: changed(p.noise(), '2', { seed: -1 }) });
    const errors = pick(answer.json, 'node_errors');
    expect(fields(errors)).toEqual(['2']);
    expect(pick(errors, '2')).toMatchObject({ class_type: 'ImageAddNoise', dependent_outputs: ['4'] });
    expect(fields(pick(errors, '2'))).toEqual(['class_type', 'dependent_outputs', 'errors']);
  },
  'node-error.required-input-missing': async (p) => {
    const found = await reason(p, without(p.noise(), '2', 'seed'), '2');
    expect(found).toMatchObject({
      type: 'required_input_missing',
      details: 'seed',
      extra_info: { input_name: 'seed' },
    });
  },
  'node-error.bad-linked-input': async (p) => {
    const found = await reason(p, changed(p.noise(), '2', { image: ['1'] }), '2');
    expect(found).toMatchObject({
      type: 'bad_linked_input',
      extra_info: { input_name: 'image', received_value: ['1'] },
    });
  },
  'node-error.return-type-mismatch': async (p) => {
    const found = await reason(p, changed(p.txt2img(), '3', { latent_image: ['4', 0] }), '3');
    expect(found).toMatchObject({
      type: 'return_type_mismatch',
      extra_info: { received_type: 'MODEL', linked_node: ['4', 0] },
    });
    expect(pick(found, 'extra_info', 'input_config', 0)).toBe('LATENT');
  },
  'node-error.invalid-input-type': async (p) => {
    const found = await reason(p, changed(p.noise(), '2', { seed: 'many' }), '2');
    expect(found).toMatchObject({ type: 'invalid_input_type', extra_info: { received_value: 'many' } });
    expect(found.extra_info.exception_message).toMatch(/invalid literal for int/);
  },
  'node-error.value-smaller-than-min': async (p) => {
    const found = await reason(p, changed(p.noise(), '1', { width: 0 }), '1');
    expect(found).toMatchObject({ type: 'value_smaller_than_min', message: 'Value 0 smaller than min of 1' });
    expect(found.extra_info).toMatchObject({
      input_name: 'width',
      received_value: 0,
      input_config: ['INT', { min: 1 }],
    });
  },
  'node-error.value-bigger-than-max': async (p) => {
    const found = await reason(p, changed(p.noise(), '3', { sigma: 20 }), '3');
    expect(found).toMatchObject({ type: 'value_bigger_than_max', message: 'Value 20.0 bigger than max of 10.0' });
    expect(found.extra_info).toMatchObject({
      input_name: 'sigma',
      received_value: 20,
      input_config: ['FLOAT', { max: 10 }],
    });
  },
  'node-error.value-not-in-list': async (p) => {
    const graph = at(p.noise(), '3', {
      class_type: 'ImageScale',
      inputs: { image: ['2', 0], upscale_method: 'magic', width: 8, height: 8, crop: 'disabled' },
    });
    const found = await reason(p, graph, '3');
    expect(found).toMatchObject({ type: 'value_not_in_list', message: 'Value not in list' });
    expect(found.details).toMatch(/^upscale_method: 'magic' not in \['nearest-exact', .*\]$/);
    expect(pick(found.extra_info, 'input_config', 0)).toContain('bicubic');
  },
  'node-error.value-not-in-list.long': async (p) => {
    const found = await reason(p, changed(p.txt2img(), '3', { sampler_name: 'magic' }), '3');
    expect(found.details).toMatch(/^sampler_name: 'magic' not in \(list of length \d+\)$/);
    expect(found.extra_info.input_config).toBeNull();
  },
  'node-error.missing-model': async (p) => {
    const found = await reason(p, changed(p.txt2img(), '4', { ckpt_name: 'no-such.safetensors' }), '4');
    expect(found).toMatchObject({ type: 'value_not_in_list', message: 'Value not in list' });
    expect(found.details).toMatch(/^ckpt_name: 'no-such.safetensors' not in /);
  },
  'node-error.custom-validation-failed': async (p) => {
    const found = await reason(p, at(p.noise(), '1', { class_type: 'LoadImage', inputs: { image: 'nope.png' } }), '1');
    expect(found).toMatchObject({ type: 'custom_validation_failed', details: 'image - Invalid image file: nope.png' });
  },
  'node-error.dependency-cycle': async (p) => {
    const found = await reason(p, changed(p.noise(), '2', { image: ['3', 0] }), '2');
    expect(found.type).toBe('dependency_cycle');
    const nodes = pick(found.extra_info, 'cycle_nodes') as string[];
    expect([...new Set(nodes)].sort()).toEqual(['2', '3']);
  },
  'node-error.exception-during-validation': async (p) => {
    for (const [images, exception] of [
      [['99', 0], 'KeyError'],
      [['3', 7], 'IndexError'],
    ]) {
      const found = await reason(p, changed(p.noise(), '4', { images }), '4');
      expect(found.type).toBe('exception_during_validation');
      expect(found.extra_info.exception_type).toBe(exception);
      expect(found.extra_info.traceback).toBeInstanceOf(Array);
    }
  },
  'node-error.exception-during-validation.no-inputs': async (p) => {
    const found = await reason(p, at(p.noise(), '4', { class_type: 'SaveImage' }), '4');
    expect(found.type).toBe('exception_during_validation');
  },
  'node-error.exception-during-inner-validation': async (p) => {
    const found = await reason(p, changed(p.noise(), '2', { image: ['99', 0] }), '2');
    expect(found.type).toBe('exception_during_inner_validation');
    expect(found.extra_info).toMatchObject({ exception_type: 'KeyError' });
    expect(found.extra_info.traceback).toBeInstanceOf(Array);
  },
};

/** Values that are taken although they look wrong. */
export const coercions: Checks = {
  'coerce.int': async (p) => {
    for (const [width, pixels] of [
      [16.9, 16],
      ['24', 24],
      [{ __value__: 20 }, 20],
    ]) {
      const { query } = await p.picture(changed(p.noise(), '1', { width }));
      expect((await sharp((await p.get(`/view?${query}`)).bytes).metadata()).width).toBe(pixels);
    }
  },
  'coerce.string': async (p) => {
    const { filename } = await p.picture(changed(p.noise(), '4', { filename_prefix: 7 }));
    expect(filename).toMatch(/^7_\d{5}_\.png$/);
  },
  'coerce.unknown-inputs': async (p) => {
    const by = await p.listen();
    const graph = p.noise();
    await p.run(graph, { by });
    const { events } = await p.run(changed(graph, '2', { colour: 'red' }), { by });
    expect(ran(events)).toEqual(['2', '3', '4']);
  },
  'coerce.list-is-link': async (p) => {
    const found = await reason(p, changed(p.noise(), '4', { filename_prefix: ['99', 0] }), '4');
    expect(found.type).toBe('exception_during_validation');
  },
};
