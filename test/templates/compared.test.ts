import { describe, expect, it } from 'vitest';
import { parseBindings } from '../../templates/bindings.js';

const graph = {
  '1': { class_type: 'LoadImage', inputs: { image: 'photo.png' } },
  '2': { class_type: 'LoadImage', inputs: { image: 'logo.png' } },
  '3': { class_type: 'KSampler', inputs: { seed: 1, latent_image: ['1', 0] } },
  '4': { class_type: 'SaveImage', inputs: { images: ['3', 0], filename_prefix: 'x' } },
  '5': { class_type: 'MaskToImage', inputs: { mask: ['1', 1] } },
  '6': { class_type: 'SaveImage', inputs: { images: ['5', 0], filename_prefix: 'm' } },
  '7': { class_type: 'PreviewImage', inputs: { images: ['5', 0] } },
  '8': { class_type: 'CLIPTextEncode', inputs: { text: 'ACME' } },
};
const good = `name: t
inputs:
  photo: { node: 1, field: image, required: true }
  mark: { node: 2, field: image, required: true }
  label: { node: 8, field: text }
references: [photo]
named: { logo: mark }
masks: { garment: 6 }
expect: { text: { input: label }, people: 1, words: [new, sale] }
seed: { node: 3, field: seed }
output: 4
`;
const parse = (text: string) => parseBindings(text, { graph, source: 't.template.yaml' });

describe('what a template says that scorers compare with', () => {
  it('is kept in the bindings', () => {
    expect(parse(good).bindings).toMatchObject({
      references: ['photo'],
      named: { logo: 'mark' },
      masks: { garment: '6' },
      expect: { text: { input: 'label' }, people: 1, words: ['new', 'sale'] },
      output: ['4'],
    });
  });

  it('leaves no trace where it is not said: releases keep their hash', () => {
    const plain = good.replace(/^(references|named|masks|expect):.*\n/gm, '');
    expect(Object.keys(parse(plain).bindings)).toEqual(['name', 'inputs', 'seed', 'output']);
  });

  it.each<[string, string, string, number, string, string?]>([
    ['a reference that is no input', '[photo]', '[photos]', 6, 'no input "photos"', 'did you mean "photo"'],
    ['a reference that is no image', '[photo]', '[photo, label]', 6, 'input "label" is no image'],
    ['a named photo that is no input', 'logo: mark', 'logo: marc', 7, 'no input "marc"', 'did you mean "mark"'],
    ['a mask node that is not there', 'garment: 6', 'garment: 16', 8, 'mask node 16 is not in the graph'],
    ['a mask that is only shown', 'garment: 6', 'garment: 7', 8, 'keeps no picture', 'SaveImage'],
    ['a mask that is the output', 'garment: 6', 'garment: 4', 8, 'is an output too'],
    ['an expectation from no input', 'input: label', 'input: lable', 9, 'no input "lable"', 'did you mean "label"'],
    ['a misspelt expectation', 'input: label', 'inputs: label', 9, 'unknown field "inputs"', 'did you mean "input"'],
    ['a region with a strange name', 'garment:', '"a/b":', 8, 'name of letters and digits'],
    ['a misspelt field', 'references:', 'reference:', 6, 'unknown field "reference"', 'did you mean "references"'],
  ])('names the line of %s', (_, from, to, line, words, hint) => {
    let error: unknown;
    try {
      parse(good.replace(from, to));
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toMatchObject({ code: 'TEMPLATE_INVALID', details: { line } });
    expect((error as Error).message).toContain(words);
    if (hint !== undefined) expect((error as { hint: string }).hint).toContain(hint);
  });
});
