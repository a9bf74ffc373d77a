import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CullError } from '../../errors.js';
import { checkGraph, checkShape } from '../../templates/index.js';

const save = { class_type: 'SaveImage', inputs: { images: ['1', 0], filename_prefix: 'x' } };
const grey = { class_type: 'EmptyImage', inputs: { width: 64, height: 64, batch_size: 1, color: 0 } };

const thrown = (work: () => unknown): CullError => {
  try {
    work();
  } catch (error) {
    return error as CullError;
  }
  throw new Error('nothing was thrown');
};

describe('checkGraph', () => {
  it('lets the graphs of ComfyUI through as they are', () => {
    const graph = { '1': grey, '2': save, '12:3': { class_type: 'ImageInvert', inputs: { image: ['1', 0] } } };
    expect(checkGraph(graph, { allowNodes: [] })).toBe(graph);
  });

  it('tells a canvas from a graph and says how to export', () => {
    const canvas = { last_node_id: 2, nodes: [{ id: 1 }, { id: 2 }], links: [[1, 1, 0, 2, 0, 'IMAGE']], version: 0.4 };
    const error = thrown(() => checkGraph(canvas, { allowNodes: [], source: 'my.json' }));
    expect(error.code).toBe('TEMPLATE_UI_FORMAT');
    expect(error.message).toContain('my.json');
    expect(error.hint).toMatch(/Workflow > Export \(API\).*Save \(API Format\)/);
  });

  it.each([
    ['nothing', {}, 'no nodes'],
    ['null', null, 'null'],
    ['a list', [], 'a list'],
    ['a text', 'x', 'a string'],
    ['a whole request', { prompt: { '1': grey }, client_id: 'x' }, 'whole request'],
    ['a node that is no object', { '1': 5 }, 'node 1'],
    ['a node without a class', { '1': { inputs: {} } }, 'no class_type'],
    [
      'a node without inputs, which stops the worker of ComfyUI',
      { '1': grey, '2': { class_type: 'SaveImage' } },
      'node 2',
    ],
    ['inputs that are a list', { '1': { class_type: 'EmptyImage', inputs: [] } }, 'no inputs'],
    ['a link to nowhere', { '2': save }, 'linked to node 1, which is not in the graph'],
    ['a link to a number', { '1': grey, '2': { class_type: 'X', inputs: { a: [1, 0] } } }, 'not a link'],
    ['a list that is no link', { '1': grey, '2': { class_type: 'X', inputs: { a: ['1', 0, 0] } } }, 'not a link'],
    ['an output that cannot be', { '1': grey, '2': { class_type: 'X', inputs: { a: ['1', -1] } } }, 'not a link'],
    [
      'a circle',
      {
        '1': { class_type: 'ImageInvert', inputs: { image: ['2', 0] } },
        '2': { class_type: 'ImageInvert', inputs: { image: ['1', 0] } },
      },
      'node 1 <- node 2 <- node 1',
    ],
    ['a title that is no text', { '1': { ...grey, _meta: { title: 5 } } }, '_meta.title'],
  ])('refuses %s', (_, graph, words) => {
    const error = thrown(() => checkShape(graph));
    expect(error.code).toBe('TEMPLATE_INVALID');
    expect(error.message).toContain(words);
    expect(error.hint).toBeTruthy();
  });

  it('names every node that is not allowed, with id, title and class, and what to set', () => {
    const graph = {
      '1': grey,
      '2': save,
      '7': { class_type: 'RunPython', inputs: {}, _meta: { title: 'My helper' } },
      '8': { class_type: 'FetchUrl', inputs: {} },
    };
    const error = thrown(() => checkGraph(graph, { allowNodes: [] }));
    expect(error.code).toBe('NODE_NOT_ALLOWED');
    expect(error.message).toContain('node 7 "My helper" (RunPython)');
    expect(error.message).toContain('node 8 (FetchUrl)');
    expect(error.hint).toContain('CULL_ALLOW_NODES=RunPython,FetchUrl');
    expect(error.details).toEqual([
      { node: '7', title: 'My helper', class: 'RunPython' },
      { node: '8', title: 'FetchUrl', class: 'FetchUrl' },
    ]);
    expect(checkGraph(graph, { allowNodes: ['RunPython', 'FetchUrl'] })).toBe(graph);
  });

  it.each([
    'LoadImageOutput',
    'GLSLShader',
    'RegexReplace',
    'SaveImageWebsocket',
    'CheckpointSave',
    'LoadTrainingDataset',
  ])('does not take %s for safe', (name) => {
    expect(() => checkGraph({ '1': { class_type: name, inputs: {} } }, { allowNodes: [] })).toThrow(name);
  });

  it('suggests the class that was probably meant', () => {
    const error = thrown(() => checkGraph({ '1': { class_type: 'KSamplr', inputs: {} } }, { allowNodes: [] }));
    expect(error.hint).toContain('did you mean KSampler?');
  });

  it('answers any JSON with a graph or an error for people', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        try {
          checkShape(value);
        } catch (error) {
          expect((error as CullError).code).toMatch(/^TEMPLATE_/);
        }
      }),
    );
  });

  it('follows a chain of ten thousand nodes', () => {
    const chain = Object.fromEntries(
      Array.from({ length: 10_000 }, (_, i) => [
        String(i),
        { class_type: 'ImageInvert', inputs: i === 0 ? {} : { image: [String(i - 1), 0] } },
      ]),
    );
    expect(() => checkShape(chain)).not.toThrow();
  });
});
