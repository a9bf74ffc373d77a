import { describe, expect, it } from 'vitest';
import { convertGraphModel } from '../../../../scorers/models/tfjs-to-onnx/convert.js';
import type { GraphModelJson, GraphNode } from '../../../../scorers/models/tfjs-to-onnx/graph-model.js';
import { readScripts } from '../../../../scorers/models/tfjs-to-onnx/scripts.js';

const placeholder = {
  name: 'x',
  op: 'Placeholder',
  attr: { dtype: { type: 'DT_FLOAT' }, shape: { shape: { dim: [{ size: '2' }] } } },
};
const graph = (
  node: readonly GraphNode[],
  weights: GraphModelJson['weightsManifest'][0]['weights'] = [],
): GraphModelJson => ({
  modelTopology: { node },
  weightsManifest: [{ weights }],
});
const refusal = (model: GraphModelJson, weights = new Uint8Array()): unknown => {
  try {
    convertGraphModel({ model, weights, name: 'mine' });
  } catch (error) {
    return error;
  }
  return undefined;
};

describe('what cannot be converted is named', () => {
  it('an op without a rule: op and node', () => {
    expect(refusal(graph([placeholder, { name: 'deep/warp', op: 'SpaceToBatchND', input: ['x'] }]))).toMatchObject({
      code: 'MODEL_INVALID',
      message: expect.stringContaining('SpaceToBatchND deep/warp') as string,
      details: { op: 'SpaceToBatchND', node: 'deep/warp' },
    });
  });
  it('a loop', () => {
    const nodes = [
      placeholder,
      { name: 'merge', op: 'Merge', input: ['x', 'next'] },
      { name: 'next', op: 'NextIteration', input: ['merge'] },
      { name: 'exit', op: 'Exit', input: ['merge'] },
    ];
    expect(refusal(graph(nodes))).toMatchObject({ message: expect.stringContaining('loop') as string });
  });
  it('a node that reads one that is not there', () => {
    expect(refusal(graph([placeholder, { name: 'y', op: 'Relu', input: ['z'] }]))).toMatchObject({
      message: 'the model mine has no node z',
    });
  });
  it('an input in whole numbers', () => {
    const whole = { ...placeholder, attr: { ...placeholder.attr, dtype: { type: 'DT_UINT8' } } };
    expect(refusal(graph([whole, { name: 'y', op: 'Relu', input: ['x'] }]))).toMatchObject({
      message: expect.stringContaining('DT_UINT8') as string,
    });
  });
  it('weights that are cut', () => {
    const weights = [{ name: 'w', shape: [2], dtype: 'float32' }];
    const nodes = [placeholder, { name: 'w', op: 'Const' }, { name: 'y', op: 'Add', input: ['x', 'w'] }];
    expect(refusal(graph(nodes, weights), new Uint8Array(7))).toMatchObject({
      message: 'the weights of mine end in the middle of w: 7 bytes',
    });
  });
  it('a layers model', () => {
    expect(refusal({ modelTopology: {}, weightsManifest: [] } as unknown as GraphModelJson)).toMatchObject({
      message: expect.stringContaining('not a TensorFlow.js graph model') as string,
    });
  });
  it('scripts without a model', () => {
    expect(() => readScripts({ model: 'module.exports=1', weights: [] })).toThrow(
      'the script of the model cannot be read',
    );
  });
});
