import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadTemplate, policyPathOf } from '../../templates/index.js';

const examples = fileURLToPath(new URL('../../examples/templates/', import.meta.url));
let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cull-templates-'));
});
afterAll(() => rm(folder, { recursive: true }));

const graph = {
  '1': { class_type: 'EmptyImage', inputs: { width: 64, height: 64, batch_size: 1, color: 0 } },
  '2': { class_type: 'ImageAddNoise', inputs: { image: ['1', 0], seed: 5, strength: 0.5 } },
  '4': { class_type: 'SaveImage', inputs: { images: ['2', 0], filename_prefix: 'x' } },
};

let count = 0;
async function template(value: unknown, bindings?: string): Promise<string> {
  const stem = join(folder, `t${count++}`);
  await writeFile(`${stem}.json`, typeof value === 'string' ? value : JSON.stringify(value));
  if (bindings !== undefined) await writeFile(`${stem}.template.yaml`, bindings);
  return `${stem}.json`;
}

const good = `
name: t
inputs:
  width: { node: 1, field: width }
seed: { node: '2', field: seed }
output: '4'
`;

describe('loadTemplate', () => {
  it.each(['txt2img', 'product', 'noise', 'headshot', 'garment'])(
    'loads the example %s with nothing but safe nodes',
    async (name) => {
      const path = `${examples}${name}.json`;
      const loaded = await loadTemplate(path, { allowNodes: [] });
      expect(loaded.bindings.name).toBe(name);
      expect(loaded.bindings.seed).toHaveLength(1);
      const policy = ['product', 'headshot', 'garment'].includes(name) ? name : 'generic';
      expect(policyPathOf(path, loaded)).toBe(join(examples, `../policies/${policy}.yaml`));
      expect(await loadTemplate(path.replace('.json', '.template.yaml'))).toEqual(loaded);
    },
  );

  it('takes types and defaults from the graph', async () => {
    const { bindings } = await loadTemplate(await template(graph, good));
    expect(bindings).toEqual({
      name: 't',
      inputs: { width: { at: [{ node: '1', field: 'width' }], type: 'integer', required: false, default: 64 } },
      seed: [{ node: '2', field: 'seed' }],
      output: ['4'],
    });
  });

  it('binds one input in several places, seeds and outputs in lists', async () => {
    const text = `name: t
inputs:
  size: { at: [{ node: '1', field: width }, { node: '1', field: height }], min: 16, max: 512 }
  depth: { node: '1', field: color, required: true }
seed: [{ node: '2', field: seed }]
output: ['4']`;
    const { bindings } = await loadTemplate(await template(graph, text));
    expect(bindings.inputs.size).toMatchObject({ default: 64, min: 16, max: 512, type: 'integer' });
    expect(bindings.inputs.size?.at).toHaveLength(2);
    expect(bindings.inputs.depth).toMatchObject({ required: true });
    expect(bindings.inputs.depth).not.toHaveProperty('default');
  });

  it.each<[string, string, number, string, string?]>([
    ['broken YAML', 'name: t\ninputs: {', 2, ''],
    ['an unknown field', good.replace('seed:', 'sead:'), 5, 'unknown field "sead"', 'did you mean "seed"'],
    [
      'an unknown field of an input',
      good.replace('field: width }', 'field: width, tipe: string }'),
      4,
      '"tipe"',
      '"type"',
    ],
    ['a missing field', 'name: t\nseed: { node: 2, field: seed }', 1, '"output" is missing'],
    ['a node that is not there', good.replace('node: 1', 'node: 12'), 4, 'node 12 is not in the graph'],
    [
      'a field that is not there',
      good.replace('field: width', 'field: widht'),
      4,
      'no field "widht"',
      'did you mean "width"',
    ],
    ['a seed that is not there', good.replace("'2'", "'3'"), 5, 'node 3 is not in the graph'],
    ['a seed that is no number', good.replace('field: seed', 'field: image'), 5, 'is a link'],
    ['an output that is not there', good.replace("output: '4'", "output: ['4', '5']"), 6, 'output node 5'],
    ['a linked field', good.replace('node: 1, field: width', 'node: 2, field: image'), 4, 'is a link', 'node 1'],
    ['an input on the seed', good.replace('node: 1, field: width', 'node: 2, field: seed'), 4, 'seed field'],
    ['a wrong default', good.replace('width }', 'width, default: wide }'), 4, 'expected a whole number'],
    ['a default out of range', good.replace('width }', 'width, max: 32 }'), 4, 'at most 32'],
    ['min above max', good.replace('width }', 'width, min: 5, max: 2 }'), 4, 'min above its max'],
    ['required with a default', good.replace('width }', 'width, required: true, default: 5 }'), 4, 'choose one'],
    ['neither node nor at', good.replace('node: 1, field: width', 'type: integer'), 4, '"node" and "field"'],
    ['an unknown type', good.replace('width }', 'width, type: strin }'), 4, 'type'],
  ])('names the line of %s', async (_, text, line, words, hint) => {
    const path = await template(graph, text);
    const error: unknown = await loadTemplate(path).catch((e: unknown) => e);
    expect(error).toMatchObject({ code: 'TEMPLATE_INVALID', details: { line } });
    expect((error as Error).message).toContain(`.template.yaml, line ${line}: `);
    expect((error as Error).message).toContain(words);
    if (hint !== undefined) expect((error as { hint: string }).hint).toContain(hint);
  });

  it('asks for a default where the places differ', async () => {
    const uneven = { ...graph, '1': { ...graph['1'], inputs: { ...graph['1'].inputs, height: 32 } } };
    const text = good.replace('node: 1, field: width', 'at: [{ node: 1, field: width }, { node: 1, field: height }]');
    await expect(loadTemplate(await template(uneven, text))).rejects.toThrow('different values');
  });

  it('refuses an output that keeps no file', async () => {
    const preview = { ...graph, '4': { class_type: 'PreviewImage', inputs: { images: ['2', 0] } } };
    await expect(loadTemplate(await template(preview, good))).rejects.toThrow('keeps no file');
    await expect(loadTemplate(await template(preview))).rejects.toMatchObject({
      hint: expect.stringContaining('SaveImage') as string,
    });
  });

  it.each([
    ['text that is not JSON', 'not json', 'TEMPLATE_INVALID'],
    ['an empty file', '', 'TEMPLATE_INVALID'],
    ['a canvas', '{"nodes":[],"links":[]}', 'TEMPLATE_UI_FORMAT'],
    [
      'no seed',
      JSON.stringify({ '1': graph['1'], '4': { ...graph['4'], inputs: { images: ['1', 0] } } }),
      'TEMPLATE_INVALID',
    ],
  ])('refuses %s', async (_, text, code) => {
    await expect(loadTemplate(await template(text))).rejects.toMatchObject({ code });
  });

  it('names the file that was probably meant', async () => {
    await expect(loadTemplate(`${examples}txt2imgs.json`)).rejects.toMatchObject({
      code: 'TEMPLATE_INVALID',
      hint: expect.stringContaining('did you mean "txt2img.json"') as string,
    });
  });
});

describe('without a bindings file', () => {
  const sampler = (positive: string, negative: string) => ({
    class_type: 'KSampler',
    inputs: { seed: 1, steps: 20, positive: [positive, 0], negative: [negative, 0], latent_image: ['1', 0] },
  });
  const text = (words: unknown) => ({ class_type: 'CLIPTextEncode', inputs: { text: words } });
  const saved = (from: string) => ({ class_type: 'SaveImage', inputs: { images: [from, 0], filename_prefix: 'x' } });

  it('finds seed, output and every literal by name', async () => {
    const { bindings } = await loadTemplate(await template(graph));
    expect(bindings.seed).toEqual([{ node: '2', field: 'seed' }]);
    expect(bindings.output).toEqual(['4']);
    expect(Object.keys(bindings.inputs).sort()).toEqual([
      '1.batch_size',
      '1.color',
      '1.height',
      '1.width',
      '2.strength',
    ]);
    expect(bindings.inputs['2.strength']).toMatchObject({ type: 'number', default: 0.5 });
  });

  it('finds the prompt behind the sampler, through what lies between', async () => {
    const { bindings } = await loadTemplate(
      await template({
        '1': { class_type: 'EmptyLatentImage', inputs: { width: 64 } },
        '2': sampler('5', '4'),
        '3': text('a cat'),
        '4': text('blurry'),
        '5': { class_type: 'ConditioningZeroOut', inputs: { conditioning: ['3', 0] } },
        '6': saved('2'),
      }),
    );
    expect(bindings.inputs.prompt).toMatchObject({
      at: [{ node: '3', field: 'text' }],
      default: 'a cat',
      type: 'string',
    });
  });

  it('follows prompt and seed to the node that holds them', async () => {
    const { bindings } = await loadTemplate(
      await template({
        '1': { class_type: 'EmptyLatentImage', inputs: {} },
        '2': { ...sampler('3', '4'), inputs: { ...sampler('3', '4').inputs, seed: ['8', 0] } },
        '3': text(['7', 0]),
        '4': text(''),
        '6': saved('2'),
        '7': { class_type: 'PrimitiveStringMultiline', inputs: { value: 'a dog' } },
        '8': { class_type: 'PrimitiveInt', inputs: { value: 3 } },
      }),
    );
    expect(bindings.inputs.prompt?.at).toEqual([{ node: '7', field: 'value' }]);
    expect(bindings.seed).toEqual([{ node: '8', field: 'value' }]);
  });

  it('does not guess between two prompts', async () => {
    const { bindings } = await loadTemplate(
      await template({
        '1': { class_type: 'EmptyLatentImage', inputs: {} },
        '2': sampler('3', '4'),
        '3': text('a cat'),
        '4': text('a dog'),
        '5': sampler('4', '3'),
        '6': saved('2'),
      }),
    );
    expect(bindings.inputs).not.toHaveProperty('prompt');
    expect(bindings.seed).toHaveLength(2);
  });
});
