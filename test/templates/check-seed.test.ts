import { describe, expect, it } from 'vitest';
import { checkSeeds } from '../../templates/check-seed.js';

const graph = {
  '1': { class_type: 'EmptyImage', inputs: { width: 64, height: 64, batch_size: 1, color: 0 } },
  '2': { class_type: 'ImageAddNoise', inputs: { image: ['1', 0], seed: 2 ** 60, strength: 1 } },
  '3': { class_type: 'SaveImage', inputs: { images: ['2', 0], filename_prefix: 'x' } },
  '4': { class_type: 'ImageAddNoise', inputs: { image: ['1', 0], seed: 5, strength: 1 }, _meta: { title: 'Unused' } },
};
const bound = { name: 'mine', seed: [{ node: '2', field: 'seed' }], output: ['3'] };

describe('checkSeeds', () => {
  it('lets a seed through that reaches the output, whatever the graph holds in its place', () => {
    expect(() => checkSeeds(graph, bound)).not.toThrow();
  });

  it('lets a seed through that is linked from a node of its own', () => {
    const linked = {
      ...graph,
      '2': { ...graph['2'], inputs: { ...graph['2'].inputs, seed: ['5', 0] } },
      '5': { class_type: 'PrimitiveInt', inputs: { value: 7 } },
    };
    expect(() => checkSeeds(linked, { ...bound, seed: [{ node: '5', field: 'value' }] })).not.toThrow();
  });

  it('refuses a seed that no output depends on: every candidate would be the same', () => {
    const loose = { ...bound, seed: [{ node: '4', field: 'seed' }] };
    expect(() => checkSeeds({ ...graph, '2': { ...graph['2'], inputs: { image: ['1', 0], seed: 1 } } }, loose)).toThrow(
      'mine: "seed" of node 4 "Unused" (ImageAddNoise) does not reach node 3 (SaveImage)',
    );
  });

  it('refuses a fixed seed that JSON has rounded', () => {
    const both = { ...graph, '4': { ...graph['4'], inputs: { ...graph['4'].inputs, seed: 2 ** 53 } } };
    expect(() => checkSeeds(both, bound)).toThrow(
      expect.objectContaining({ code: 'SEED_OUT_OF_RANGE', details: { node: '4', field: 'seed' } }) as Error,
    );
  });
});
